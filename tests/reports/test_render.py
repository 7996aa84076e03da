"""The whole report: complete, self-contained, escaped, the same bytes twice, and honest about what is missing."""

import xml.etree.ElementTree as ET
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from reports.chapters.debounce import debounce
from reports.input import ReportInput
from reports.metrics import MissingMetricError
from reports.page import to_html
from reports.render import render

RUNS = ("full_run", "empty_run", "censored_run", "small_run", "polled_run")
Rendered = Callable[[str], Path]
FIGURES = (
    "visibility.png",
    "stages.png",
    "cost.png",
    "break-even.png",
    "break-even-map.png",
    "battery.png",
    "clients.png",
    "timeline.png",
    "states.png",
)
MOST_BYTES = 3_000_000


class Outline(HTMLParser):
    """Collects what a page refers to, and whether its elements nest."""

    VOID = frozenset({"meta", "br", "img", "link", "hr", "input"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element and, unless it is void, that it is open."""
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element that closes itself."""
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        """Close the element that was opened last."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Note a text."""
        self.texts.append(data)


@pytest.fixture(scope="module")
def rendered(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Rendered:
    """Where the report of a run is; each is rendered once."""
    directories: dict[str, Path] = {}

    def directory_of(name: str) -> Path:
        if name not in directories:
            directories[name] = tmp_path_factory.mktemp(name)
            render(request.getfixturevalue(name), directories[name])
        return directories[name]

    return directory_of


def outline_of(page: str) -> Outline:
    """Parse a page; fails when its elements do not nest."""
    outline = Outline()
    outline.feed(page)
    outline.close()
    return outline


def words_of(page: str) -> str:
    """Return the text of a page, spaces made plain."""
    return " ".join(" ".join(outline_of(page).texts).replace("\u00a0", " ").split())


@pytest.mark.parametrize("name", RUNS)
def test_the_page_is_well_formed(name: str, rendered: Rendered) -> None:
    """It nests as HTML, and parses as XML too."""
    page = (rendered(name) / "report.html").read_text()

    assert outline_of(page).open == []
    assert ET.fromstring(page.partition("\n")[2]).tag == "html"  # noqa: S314 - our own file


@pytest.mark.parametrize("name", RUNS)
def test_the_page_needs_nothing_outside_itself(name: str, rendered: Rendered) -> None:
    """No script, no address, no file: what it refers to stands in it."""
    page = (rendered(name) / "report.html").read_text()
    outline = outline_of(page)

    assert not outline.tags & {"script", "link", "iframe", "object", "img"}
    assert "http://" not in page
    assert "https://" not in page
    assert "@import" not in page
    identifiers = [value for name, value in outline.attributes if name == "id"]
    assert len(identifiers) == len(set(identifiers))
    references = {value for name, value in outline.attributes if name in {"href", "src", "aria-labelledby"}}
    assert {reference.lstrip("#") for reference in references} <= set(identifiers)


@pytest.mark.parametrize("name", ["full_run", "empty_run"])
def test_the_same_input_gives_the_same_bytes(
    name: str, rendered: Rendered, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """A report can be repeated years later."""
    once = sorted(rendered(name).iterdir())
    again = sorted(render(request.getfixturevalue(name), tmp_path))

    assert [path.name for path in once] == [path.name for path in again]
    assert [path.read_bytes() for path in once] == [path.read_bytes() for path in again]


def test_a_full_run_has_every_file(rendered: Rendered) -> None:
    """Page, summary, JUnit and a picture of each figure."""
    directory = rendered("full_run")

    assert {path.name for path in directory.iterdir()} == {"report.html", "summary.md", "junit.xml", *FIGURES}
    assert all((directory / name).read_bytes().startswith(b"\x89PNG") for name in FIGURES)


def test_the_first_screen_answers(rendered: Rendered) -> None:
    """Question, verdict, reasons and five numbers with what they rest on come before the first figure."""
    directory = rendered("full_run")
    page = (directory / "report.html").read_text()
    first_screen = words_of(page.partition("<svg")[0] + "</div></figure></section></main></body></html>")

    assert "How soon do members of an organization see" in first_screen
    assert "✓ Pass" in first_screen
    assert "all 2 gates hold" in first_screen
    assert page.count("<strong>") == 5
    assert "half of all changes seen within" in first_screen
    assert "n = 450 mutations, 2,250 pairs" in first_screen
    assert "push makes 10 % more" in first_screen
    assert "of 2,250 expected deliveries" in first_screen


def test_the_summary_tells_verdict_and_numbers(rendered: Rendered) -> None:
    """It is what a build server shows."""
    directory = rendered("full_run")
    summary = (directory / "summary.md").read_text().replace("\u00a0", " ")

    assert summary.startswith("# ✅ PASS: smoke\n")
    assert "| Push: half of all changes seen within | **546 ms** | 95 % within 856 ms |" in summary
    assert "within 546 ms, against 2.69 s when polling every 5 s and 5.08 s when polling every 10 s." in summary
    assert "| sum of the classes | 2,250 |" in summary


def test_figures_have_their_numbers_beneath(rendered: Rendered) -> None:
    """Each figure is followed by a table of the same data, and has words for those who cannot see it."""
    directory = rendered("full_run")
    page = (directory / "report.html").read_text()

    assert page.count("<summary>The same in numbers</summary>") == len(FIGURES)
    assert page.count('role="img" aria-label="') == 2 * len(FIGURES)
    assert "slowest tenth" in words_of(page)


def test_client_models_and_devices_are_told_where_they_differ(rendered: Rendered) -> None:
    """Two models took part, and a fifth of the devices looked away ten seconds into the measurement."""
    words = words_of((rendered("full_run") / "report.html").read_text())

    assert "iOS as designed shows half of all changes within 5" in words
    assert "Requests per device and minute: 13.0 each." in words
    assert "No screen was wrong in the end." in words
    assert "devices were live for 84 % and away for 16 %." in words
    assert "At most 40 of 200 were away, 10 s into the measurement." in words


def test_one_client_model_and_devices_that_stayed_live_have_no_figure(rendered: Rendered) -> None:
    """There is nothing to compare and nothing to see; the model's numbers stand with all others."""
    directory = rendered("small_run")
    words = words_of((directory / "report.html").read_text())

    assert not {"clients.png", "states.png"} & {path.name for path in directory.iterdir()}
    assert "Client models side by side" not in words
    assert "Client models: who sees what how soon" in words


@pytest.mark.parametrize(
    ("name", "lost", "right"),
    [("full_run", "true", "true"), ("censored_run", "false", "true"), ("empty_run", "unknown", "unknown")],
)
def test_two_statements_say_whether_anything_was_lost(name: str, lost: str, right: str, rendered: Rendered) -> None:
    """On the page and in the summary."""
    words = words_of((rendered(name) / "report.html").read_text())
    summary = (rendered(name) / "summary.md").read_text()

    assert f"Nothing was lost: {lost}" in words
    assert f"Every screen is right: {right}" in words
    assert f"**Nothing was lost: {lost}.**" in summary


def test_a_leak_is_named_with_the_command_that_tells_of_it(rendered: Rendered) -> None:
    """Ready to be copied, on the page and in the summary."""
    command = "loadtests explain . --event 0f9e3c52-90a1-4a52-8c4e-6f6b0a1f6f0e"
    directory = rendered("censored_run")

    assert command in words_of((directory / "report.html").read_text())
    assert f"`{command}`" in (directory / "summary.md").read_text()


def test_a_hundred_thousand_pairs_stay_small(many_pairs: ReportInput, tmp_path: Path) -> None:
    """Curves are thinned, so that the page can be sent by mail."""
    render(many_pairs, tmp_path)

    assert (tmp_path / "report.html").stat().st_size < MOST_BYTES


def test_an_empty_run_says_what_is_missing(rendered: Rendered) -> None:
    """Verdict unknown, its reason, and a sentence in place of each figure."""
    directory = rendered("empty_run")
    words = words_of((directory / "report.html").read_text())

    assert {path.name for path in directory.iterdir()} == {"report.html", "summary.md", "junit.xml"}
    assert "? Unknown" in words
    assert "swarm-0 died (signal 9)" in words
    for missing in ("no latency to draw", "no stages to draw", "no cost to draw", "Nothing was recorded over time"):
        assert missing in words
    assert "no delivery was expected" in words
    assert "nan" not in words.split()


def test_what_was_never_shown_is_said(rendered: Rendered) -> None:
    """Lost pairs stay in the distribution, and the reader is told."""
    directory = rendered("censored_run")
    words = words_of((directory / "report.html").read_text())

    assert "✕ Fail" in words
    assert "more than 5 % never seen" in words
    assert "30 % of the pairs were never shown: the curve ends below 100 %." in words
    assert "30 % never" in words
    assert "675 misses could not be attributed to a cause." in words


def test_too_few_samples_show_the_maximum_and_why(rendered: Rendered) -> None:
    """Twenty mutations have no p95."""
    directory = rendered("small_run")
    words = words_of((directory / "report.html").read_text())

    assert "no p95: it needs 200 mutations" in words
    assert "There were no pollers, so push is compared with nothing." in words


def test_without_subscribers_nothing_is_claimed_of_push(rendered: Rendered) -> None:
    """A scenario of pollers only."""
    directory = rendered("polled_run")
    words = words_of((directory / "report.html").read_text())

    assert "nothing was measured for push" in words
    assert "not measured: the scenario has no subscribers" in words


def test_the_scenario_is_shown_verbatim_and_escaped(make_full: Callable[..., ReportInput]) -> None:
    """A comment in a scenario file cannot become part of the page."""
    text = '# <script>alert("1 & 2")</script>\nname = "smoke"'
    page = to_html(make_full(text), (), ())

    assert "<script" not in page
    assert text in "".join(outline_of(page).texts)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("full_run", {"tests": "3", "failures": "0", "errors": "0", "skipped": "0"}),
        ("censored_run", {"tests": "3", "failures": "3", "errors": "0", "skipped": "0"}),
        ("empty_run", {"tests": "3", "failures": "0", "errors": "1", "skipped": "2"}),
    ],
)
def test_junit_has_a_case_for_each_gate_and_for_the_verdict(
    name: str, expected: dict[str, str], rendered: Rendered
) -> None:
    """Unknown is an error of the verdict and skips the gate: it never looks like success."""
    suite = ET.parse(rendered(name) / "junit.xml").getroot()[0]  # noqa: S314 - our own file

    assert {key: suite.get(key) for key in expected} == expected
    assert len(suite) == int(expected["tests"])
    assert len(suite.findall("testcase/failure")) == int(expected["failures"])
    assert len(suite.findall("testcase/skipped")) == int(expected["skipped"])


@pytest.mark.parametrize(
    "path",
    [("push", "visibility_ms"), ("delivery", "leaked"), ("population", "pollers")],
)
def test_a_broken_contract_is_loud(path: tuple[str, str], make_full: Callable[..., ReportInput]) -> None:
    """A key that metrics.json promises and does not hold is an error, not a blank; figures are drawn from series."""
    run = make_full()
    metrics: Any = run.results.metrics
    del metrics[path[0]][path[1]]

    with pytest.raises(MissingMetricError, match=".".join(path)):
        to_html(run, (), ())


def test_a_broken_contract_is_loud_in_a_chapter_too(make_full: Callable[..., ReportInput]) -> None:
    """Chapters read keys of their own."""
    run = make_full()
    metrics: Any = run.results.metrics
    del metrics["coalescing"]["optimum"]

    with pytest.raises(MissingMetricError, match=r"coalescing\.optimum"):
        debounce(run)
