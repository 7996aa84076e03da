"""The table of the replays: what a person reads."""

from dataclasses import replace

from loadtests.analysis.laboratory.advice import Advice, Tried
from loadtests.analysis.laboratory.herd import Peaks
from loadtests.analysis.laboratory.policy_grid import design, live, parse_policy
from loadtests.analysis.laboratory.reading import read_traces
from loadtests.analysis.laboratory.replay_check import ReplayCheck
from loadtests.analysis.laboratory.replay_told import Replays, json_of, lines_of
from loadtests.analysis.laboratory.what_if import laboratory_of, recorded
from loadtests.clients.roles import models_of
from loadtests.scenario.vocabulary import DeviceModel
from tests.analysis.literal import Story, scenario_of


def replays() -> Replays:
    """Return two signals, about two jobs, that live are two refreshes; by request key they are one."""
    story = Story(subscribers={"count": 1, "web": 0}).clock().live(0).body("page", ("job", 2))
    story.mutation(0, 1000).mutation(1, 1300, job="other").signal(0, "e0", 1010, batch=1)
    story.signal(0, "e1", 1310, batch=1).fetch(0, 1810, 1830, "page", batch=1).fetch(0, 1830, 1850, "page", batch=1)
    run, models = story.run(), models_of(story.scenario)
    laboratory = laboratory_of(run, read_traces(run, models, story.history.names), models, seed=1)
    by_key = laboratory.replay(parse_policy("coalescing=request-key", story.scenario))
    return Replays(
        subscribers=1,
        signals=2,
        seed=1,
        recorded=recorded(run, laboratory),
        live=laboratory.replay(live(story.scenario)),
        design=laboratory.replay(design()),
        others=(by_key,),
        is_grid=True,
        best=by_key,
        advice=None,
        check=ReplayCheck(recorded={DeviceModel.IOS: 2}, replayed={DeviceModel.IOS: 2}, reasons=("never told",)),
        regrets=(),
    )


def test_the_table_has_the_live_policy_and_what_is_better() -> None:
    """12 refreshes a minute are 2 in 10 s."""
    lines = list(lines_of(replays()))

    assert [line.split()[:2] for line in lines[5:9]] == [
        ["recorded", "12.00"],
        ["live", "12.00"],
        ["design", "12.00"],
        ["coalescing=request-key", "◄"],
    ]
    assert lines[9].startswith("◄ 50% fewer refreshes than live")


def test_a_replay_that_repeats_the_run_needs_no_excuse() -> None:
    """Reasons are told only where there is something to explain."""
    lines = list(lines_of(replays()))

    assert lines[1] == "replay of the live policy: 2 refreshes, 2 recorded (+0.00%): within 1%"
    assert lines[2] == ""


def test_a_replay_that_does_not_says_why() -> None:
    """Or that nothing explains it."""
    told = replays()
    off = replace(told, check=replace(told.check, replayed={DeviceModel.IOS: 1}, reasons=()))

    assert list(lines_of(off))[1:3] == [
        "replay of the live policy: 1 refreshes, 2 recorded (-50.00%): NOT within 1%",
        "  nothing that is recorded explains it",
    ]


def test_json_names_the_recommended_policy() -> None:
    """With the numbers of each."""
    told = json_of(replays())

    assert told["recommended"] == "coalescing=request-key"
    assert told["live"]["refreshes_per_subscriber_minute"] == 12
    assert told["policies"][0]["shown_after_ms"]["max"] == told["live"]["shown_after_ms"]["max"]


def test_what_the_herd_adds_is_recommended_and_told() -> None:
    """The policy with jitter is one more of the others, in the table of what is worth choosing and in JSON."""
    told = replays()
    spread = replace(told.others[0], name="coalescing=request-key,jitter_ms=300")
    plain = Tried(parse_policy("coalescing=request-key", scenario_of()), told.others[0])
    advice = Advice(
        policy=Tried(parse_policy(spread.name, scenario_of()), spread),
        peaks=Peaks((19, 20, 21)),
        plain=plain,
        plain_peaks=Peaks((50, 50, 50)),
        live_peaks=Peaks((50, 50, 50)),
        limit=25,
        is_chosen=True,
        added_jitter_ms=300,
        spread=None,
    )
    document, lines = json_of(replace(told, advice=advice)), list(lines_of(replace(told, advice=advice)))

    assert document["recommended"] == document["policies"][-1]["policy"] == spread.name
    assert (document["herd"]["peak"], document["herd"]["without_added_jitter"]["peak"]) == (20, 50)
    assert "Densest 100 ms: 20 re-fetches, live 50, wanted are at most 25: that takes its jitter of 300 ms." in lines
