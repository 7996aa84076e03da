"""From metrics to a verdict: gates, health, three values. Pure."""
