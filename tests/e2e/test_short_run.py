"""The main job from nothing to a report, and the same report again from what was recorded."""

import shutil
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from loadtests.history.history import History
from loadtests.history.kinds import Kind
from loadtests.replaying import replay_run
from tests.e2e.commands import Recorded, StartCommand

CLASSES = ("outside", "duplicate", "delivered_once", "late", "missed_live", "missed_healed", "missed_unhealed")
CONTRACT = {
    "schema": (),
    "push": (
        *("visibility_ms", "signal_ms", "staleness_ms", "stages", "refreshes_per_subscriber_minute"),
        *("requests_per_subscriber_minute", "bytes_per_subscriber_minute", "signals_per_subscriber_minute"),
    ),
    "polling": ("1s",),
    "mutations": ("due", "sent", "acked", "failed", "unknown", "without_event", "ambiguous"),
    "delivery": (
        *("expected", *CLASSES, "leaked", "out_of_order", "degraded", "phantom", "early", "live_healed"),
        *("outside_screen", "causes"),
    ),
    "coalescing": ("signals", "refreshes", "ratio", "optimum", "efficiency", "efficiency_by_bound"),
    "convergence": ("views", "wrong_views"),
    "control": ("subscribers", "live", "n", "missing", "surplus", "signal_difference_ms_p50", "ready_difference_ms"),
    "health": ("send_delay_ms_p99", "loop_lag_ms_p99", "clock_bound_ms", "samples_ok", "reasons"),
    "population": ("subscribers", "live_peak", "pollers", "mutators", "organizations", "duration_s"),
}


@pytest.fixture
def metrics(recorded: Recorded) -> Any:
    """Return the document `metrics.json` of the short run."""
    return recorded.json("metrics.json")


def test_the_run_passes(recorded: Recorded) -> None:
    """Exit code 0, and the terminal says so and where the report is."""
    assert recorded.exit_code == 0, recorded.text
    assert "verdict: pass" in recorded.text
    assert f"report:  {recorded.directory / 'report.html'}" in recorded.text


def test_progress_is_told_in_plain_lines(recorded: Recorded) -> None:
    """A build server's log shows each step and the numbers that matter."""
    for step in ("preparing the target", "connecting devices", "load 'warm-up'", "draining", "analysing"):
        assert step in recorded.text
    assert "visibility p95 so far" in recorded.text


def test_everything_that_was_promised_is_there(recorded: Recorded) -> None:
    """The run directory has all its files, none of them empty, and no draft is left."""
    files = {path.name: path.stat().st_size for path in recorded.directory.iterdir()}
    promised = {
        *("manifest.json", "metrics.json", "verdict.json", "report.html", "summary.md", "junit.xml", "run.log"),
        *("runner.ledger", "swarm-0.ledger", "mutators-0.ledger"),
    }

    assert promised <= files.keys()
    assert len([name for name in files if name.endswith(".png")]) >= 4
    assert [name for name, size in files.items() if size == 0 and name != "run.log"] == []
    assert [name for name in files if name.endswith(".part")] == []


def test_the_metrics_keep_their_contract(metrics: dict[str, Any]) -> None:
    """Other programs read these keys."""
    missing = [f"{table}.{key}" for table, keys in CONTRACT.items() for key in keys if key not in metrics[table]]

    assert missing == []
    assert metrics["schema"] == "loadtests.metrics/1"
    for quantiles in (metrics["push"]["visibility_ms"], metrics["polling"]["1s"]["visibility_ms"]):
        assert {"p50", "p95", "p99", "max", "n", "pairs"} <= quantiles.keys()


def test_nothing_is_lost_leaked_or_made_up(metrics: dict[str, Any]) -> None:
    """The classes of the deliveries add up to what the database's truth expects."""
    delivery = metrics["delivery"]

    assert sum(delivery[name] for name in CLASSES) == delivery["expected"] > 100
    assert [delivery[name] for name in ("missed_live", "leaked", "phantom", "duplicate")] == [0, 0, 0, 0]
    assert metrics["convergence"]["wrong_views"] == 0


def test_every_mutation_is_accounted_for(metrics: dict[str, Any]) -> None:
    """Due, sent and acknowledged: all of them, and each has its event."""
    mutations = metrics["mutations"]

    assert mutations["due"] == mutations["sent"] == mutations["acked"] > 50
    assert (mutations["without_event"], mutations["ambiguous"]) == (0, 0)


def test_whoever_was_to_take_part_did(metrics: dict[str, Any]) -> None:
    """All devices were live at once."""
    population = metrics["population"]

    assert (population["subscribers"], population["live_peak"], population["pollers"]) == (40, 40, 20)


def test_no_secret_is_kept(recorded: Recorded) -> None:
    """Neither a token nor a database's password is in any file of the run."""
    kept = [path for path in recorded.directory.iterdir() if path.suffix != ".png"]
    telling = [
        path.name for path in kept if b"postgresql://" in path.read_bytes() or b"eyJhbGciOi" in path.read_bytes()
    ]

    assert telling == []


def test_nothing_unexpected_was_logged(recorded: Recorded) -> None:
    """A run that goes well leaves no traceback behind."""
    assert "Traceback" not in (recorded.directory / "run.log").read_text(encoding="utf-8")


def test_build_servers_can_read_the_verdict(recorded: Recorded) -> None:
    """One test case per gate."""
    suite = ET.parse(recorded.directory / "junit.xml").getroot()  # noqa: S314 - our own file

    assert len(list(suite.iter("testcase"))) >= 6
    assert list(suite.iter("failure")) == []


def copied(recorded: Recorded, path: Path) -> Path:
    """Return a copy of the run that a test may change."""
    shutil.copytree(recorded.directory, path)
    return path


def test_checking_again_gives_the_same_metrics(start: StartCommand, recorded: Recorded, tmp_path: Path) -> None:
    """To the byte, for analysis is a pure function of what was recorded; further gates can be added."""
    run = copied(recorded, tmp_path / "run")
    with start("check", run, "--gate", "delivery.expected < 0") as command:
        code = command.wait_end()

    assert code == 3
    assert "delivery.expected < 0" in command.text
    assert (run / "metrics.json").read_bytes() == (recorded.directory / "metrics.json").read_bytes()


def test_reporting_again_gives_the_same_files(start: StartCommand, recorded: Recorded, tmp_path: Path) -> None:
    """Also when all that was derived is gone but the verdict's note of what went wrong."""
    run = copied(recorded, tmp_path / "run")
    derived = [path for path in run.iterdir() if path.suffix in {".html", ".md", ".xml", ".png"}] + [
        run / "metrics.json"
    ]
    for path in derived:
        path.unlink()
    with start("report", run) as command:
        code = command.wait_end()

    assert code == 0, command.text
    assert [path.name for path in derived if path.read_bytes() != (recorded.directory / path.name).read_bytes()] == []


def test_a_replay_of_the_live_policy_repeats_the_run(recorded: Recorded) -> None:
    """Within 1% of its refreshes; a machine that has other things to do rings timers late, and then that is told."""
    check = replay_run(recorded.directory, ("live",), seed=1, tell=lambda _done, _total: None).check

    assert sum(check.recorded.values()) > 100
    assert check.is_faithful or any("timer came late" in reason for reason in check.reasons), check


def test_the_ledgers_hold_all_three_populations(recorded: Recorded) -> None:
    """Mutators, subscribers and pollers wrote what they did, and the runner what it saw."""
    history = History.read(recorded.directory)
    kinds = {Kind(int(kind)) for kind in set(history.rows["kind"].tolist())}

    assert {Kind.DUE, Kind.SENT, Kind.ACKED, Kind.SIGNAL, Kind.FLUSH, Kind.REQUESTED, Kind.ANSWERED} <= kinds
    assert {Kind.CLOCK, Kind.USAGE, Kind.PHASE, Kind.ENDED, Kind.TRUE_EVENT, Kind.TRUE_MUTATION, Kind.TRUE_JOB} <= kinds
    assert history.of(Kind.LOGIN)["actor"].tolist().count(0) == len(history.of(Kind.LOGOUT)[:1]) == 1


def test_what_was_expected_stands_beside_what_came(recorded: Recorded) -> None:
    """The dry run's numbers are in the manifest; Poisson arrivals may miss them by three standard deviations."""
    expected = recorded.json("manifest.json")["expected"]
    due = recorded.json("metrics.json")["mutations"]["due"]
    steady = expected["load"]["phases"]["steady"]

    assert expected["load"]["connections_peak"] == 40 + 2
    assert steady["deliveries_per_s"] == pytest.approx(40 + 2)  # each organization is written to once a second
    assert abs(due - steady["mutations_per_s"] * steady["duration_s"]) < 3 * 100**0.5


def test_as_designed_no_event_comes_before_its_jobs_score(recorded: Recorded) -> None:
    """The score is part of the creation; below the limit nothing is labelled, and nothing fails."""
    metrics = recorded.json("metrics.json")
    upstream, mutations = metrics["upstream"], metrics["mutations"]

    assert upstream["created_with_score"] > 0
    assert (upstream["created_before_score"], upstream["screens_without_score"]) == (0, 0)
    assert upstream["score_after_event_ms"]["max"] < 0
    assert (upstream["before_commit"], upstream["before_sent_beyond_bound"]) == (0, 0)
    assert (mutations["beyond_limit"], mutations["coalesced"], upstream["silent"]) == (0, 0, [])
