"""The run under other refresh policies, in words, dots and tables."""

from dataclasses import replace as changed
from typing import Any

from reports.advice import words_of
from reports.figures.policies import Mark
from reports.input import ReportInput
from reports.replays import check_table, dots_of, policies_exhibit, policies_table
from tests.reports.replay_part import LEADING, outcome, replay


def plain(text: str) -> str:
    """Return a text with plain spaces."""
    return text.replace("\u00a0", " ")


def test_live_and_design_are_one_dot_where_they_are_one_policy() -> None:
    """Marked once; the recommended one is marked too and drawn once."""
    same, apart = dots_of(replay()), dots_of(replay(design=outcome("design", 700, 50.0)))

    assert [dot.mark for dot in same if dot.mark] == [Mark.LIVE, Mark.RECOMMENDED]
    assert [dot.mark for dot in apart if dot.mark] == [Mark.LIVE, Mark.DESIGN, Mark.RECOMMENDED]
    assert len(same) == 4
    assert [dot.drops_signals for dot in same] == [True, False, False, False]


def test_the_table_has_the_run_and_whatever_is_worth_choosing() -> None:
    """The cheapest last, the recommended one marked."""
    table = policies_table(replay())

    assert [plain(row[0]) for row in table.rows] == [
        "as recorded",
        "live policy, replayed",
        "the design's 500 ms",
        "every event by itself",
        "trailing 500 ms, at most 1 s, by request key ◄",
        plain(words_of(LEADING)),
    ]
    assert table.rows[-1][-2:] == ("never", "50")


def test_a_true_replay_says_so_and_an_untrue_one_says_why() -> None:
    """Within one per cent of the recorded refreshes."""
    told: Any = replay()["check"]
    untrue = replay(check={**told, "deviation": -0.5, "is_faithful": False})

    true_note, untrue_note = plain(check_table(replay()).note), plain(check_table(untrue).note)
    assert true_note == "Within 1 %, client model by client model; all together differ by +0.3 %."
    assert untrue_note.startswith("Not within 1 %, client model by client model; all together differ by \u221250 %.")
    assert "What may be why: 3 re-fetches failed" in untrue_note
    assert check_table(replay()).rows == (("iOS as built", "798", "800"), ("all", "798", "800"))


def test_a_run_that_nobody_replayed_names_the_command(full_run: ReportInput) -> None:
    """And has no figure."""
    exhibit = policies_exhibit(full_run)

    assert exhibit.drawing is None
    assert "`loadtests replay .` in this directory does it" in exhibit.takeaway


def test_what_was_asked_for_stands_before_what_was_found_by_the_way(full_run: ReportInput) -> None:
    """The table tells the file's seed; the same twice, to the byte."""
    run = changed(full_run, replay=replay(seed=7), results=changed(full_run.results, replay=replay(seed=1)))
    once, again = policies_exhibit(run), policies_exhibit(run)

    assert once.table is not None
    assert "drawn with seed 7" in once.table.note
    assert once.drawing is not None
    assert once == again
