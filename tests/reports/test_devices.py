"""What a scenario lets devices and people do, in words."""

from typing import Any

from reports.devices import device_table
from tests.reports.runs import scenario_of


def told_of(**changes: Any) -> dict[str, str]:
    """Return the rows of a scenario with some keys changed, spaces made plain."""
    rows = device_table(scenario_of(**changes)).rows
    return {name.replace("\u00a0", " "): value.replace("\u00a0", " ") for name, value in rows}


def test_a_scenario_of_defaults_tells_who_takes_part() -> None:
    """And nothing of policies."""
    assert told_of() == {
        "client models": "iOS as designed 50 % and Web as designed 50 %",
        "signals are gathered for": "500 ms",
    }


def test_policies_are_told_where_they_are_not_the_default() -> None:
    """Refresh, connection and background."""
    told = told_of(
        subscribers={
            "count": 3,
            "refresh": {"edge": "leading", "max_wait_ms": 2000, "coalescing": "none", "jitter_ms": 50},
            "connection": {
                "reconnect": "python",
                "heartbeat_s": 5,
                "heartbeat_timeout_s": 2,
                "token_lifetime_s": 30,
                "renewal": "late",
                "renewal_margin_s": 3,
            },
            "background": {"socket": "close", "order": "fetch-first", "catch_up_after_s": 20},
        }
    )

    assert list(told.values())[2:] == [
        "at the first signal",
        "2.00 s",
        "none",
        "50 ms",
        "as python does",
        "5.00 s",
        "2.00 s",
        "30 s",
        "3.00 s too late",
        "closed",
        "fetch, then subscribe",
        "after more than 20 s without an event",
    ]


def test_what_people_do_is_told_in_order_of_time() -> None:
    """Steps and faults together; a share, a time and models where they are given."""
    told = told_of(
        faults=[{"at_s": 20, "kind": "kill", "part": "realtime"}, {"at_s": 12, "kind": "slot_lost"}],
        lifecycle=[
            {"at_s": 30, "step": "foreground"},
            {"at_s": 10, "step": "background", "share": 0.5, "within_s": 3, "models": ["ios"]},
        ],
        subscribers={"count": 4, "attention": {"share": 0.25, "foreground_s": 8, "background_s": 15}},
    )

    assert list(told.items())[2:] == [
        ("attention, at random", "25 % of the devices are looked at for 8.00 s and away for 15 s, on average"),
        ("at 10 s", "50 % of iOS as designed look away, within 3.00 s"),
        ("at 12 s", "fault: slot lost"),
        ("at 20 s", "fault: kill (part realtime)"),
        ("at 30 s", "all look again"),
    ]


def test_without_subscribers_there_is_no_row() -> None:
    """Pollers do nothing but poll."""
    assert told_of(subscribers={"count": 0}) == {}
