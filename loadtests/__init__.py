"""Load and soak harness for push pipelines: how soon users see a change, what it costs, what is lost."""

__version__ = "0.1.0"
