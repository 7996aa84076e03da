"""A scenario's target in the pipeline's own words."""

from loadtests.pipeline.settings import ApiOptions, RealtimeOptions, StackSettings
from loadtests.scenario.model import Target
from loadtests.targets.embedded import settings_from, target_options


def test_a_target_that_says_nothing_is_the_pipeline_that_is_told_nothing() -> None:
    """Both have the same defaults; but no driver of a run goes through the gateway."""
    assert settings_from(target_options(Target())) == StackSettings(gateway=False)


def test_every_key_reaches_the_pipeline() -> None:
    """Seconds become the pipeline's hours."""
    target = Target(
        feed="supabase",
        plan="pro",
        event_limit="coalesce",
        events_per_minute=7,
        upstream_latency_ms=5,
        retention_s=90,
        retention_every_s=10,
        push_notifications=True,
    )

    assert settings_from(target_options(target)) == StackSettings(
        realtime=RealtimeOptions(feed="supabase", plan="pro"),
        api=ApiOptions(
            event_limit="coalesce",
            events_per_minute=7,
            upstream_latency_ms=5,
            retention_hours=0.025,
            retention_every_s=10,
        ),
        push_sink=True,
        gateway=False,
    )
    assert settings_from(target_options(Target(as_built=True))).api == ApiOptions(as_built=True)
