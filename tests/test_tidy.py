"""Rules of structure that no linter knows: sizes, names, docstrings, mirrored tests, words that have no place here."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("loadtests", "reports", "scenarios")
FOLDERS = (*PACKAGES, "tests", ".ci", ".github")
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60
EMPTY_NAMES = {"util", "utils", "helper", "helpers", "common", "misc", "manager", "data", "info"}

TESTED_ELSEWHERE: dict[str, dict[str, tuple[str, ...]]] = {
    "Locust patches the process that imports it, so that a process of its own runs it": {
        "tests/e2e/test_locustfile.py": ("loadtests/locustfile.py",),
        "tests/drivers/test_mutator_process.py": ("loadtests/drivers/mutators.py",),
    },
    "it reaches targets of other people, and is judged by whole runs against one": {
        "tests/e2e/test_external_target.py": (
            "loadtests/targets/provision_rest.py",
            "loadtests/targets/supabase.py",
        ),
        "tests/drivers/test_truth.py": ("loadtests/drivers/truth_rows.py",),
        "tests/targets/test_opening.py": ("loadtests/targets/target.py",),
    },
    "it starts, watches and ends real processes": {
        "tests/e2e/test_short_run.py": (
            "loadtests/__main__.py",
            "loadtests/run.py",
        ),
        "tests/e2e/test_when_things_go_wrong.py": (
            "loadtests/runner/conduct.py",
            "loadtests/runner/stage.py",
        ),
        "tests/pipeline/test_stack.py": (
            "loadtests/pipeline/__main__.py",
            "loadtests/pipeline/api/__main__.py",
            "loadtests/pipeline/realtime/__main__.py",
            "loadtests/pipeline/gateway/__main__.py",
            "loadtests/pipeline/gateway/serve.py",
        ),
        "tests/pipeline/push/test_sender.py": (
            "loadtests/pipeline/push/__main__.py",
            "loadtests/pipeline/push/channel.py",
            "loadtests/pipeline/push/http2_server.py",
            "loadtests/pipeline/push/outbox.py",
            "loadtests/pipeline/push/sink.py",
        ),
    },
    "names and numbers without behaviour; whoever uses them shows them": {
        "tests/test_screens.py": ("loadtests/runner/progress.py",),
        "tests/history/test_ledger.py": ("loadtests/history/kinds.py",),
        "tests/clients/test_connection.py": (
            "loadtests/clients/channel.py",
            "loadtests/clients/effects.py",
            "loadtests/clients/endings.py",
            "loadtests/clients/manners.py",
        ),
        "tests/clients/test_models.py": (
            "loadtests/clients/habits.py",
            "loadtests/clients/policy.py",
            "loadtests/clients/signals.py",
        ),
        "tests/analysis/test_metrics.py": ("loadtests/analysis/results.py",),
        "tests/analysis/test_causes.py": ("loadtests/analysis/why.py",),
        "tests/checks/test_gates.py": (
            "loadtests/analysis/baseline_keys.py",
            "loadtests/analysis/cost_keys.py",
            "loadtests/analysis/client_keys.py",
            "loadtests/analysis/control_keys.py",
            "loadtests/analysis/laboratory_keys.py",
            "loadtests/analysis/metric_keys.py",
            "loadtests/analysis/metric_patterns.py",
            "loadtests/analysis/session_keys.py",
        ),
        "tests/pipeline/realtime/test_server.py": (
            "loadtests/pipeline/realtime/listener.py",
            "loadtests/pipeline/realtime/moment.py",
            "loadtests/pipeline/realtime/service.py",
            "loadtests/pipeline/realtime/tables.py",
        ),
        "tests/reports/test_render.py": (
            "reports/chapters/chapter.py",
            "reports/chapters/chapters.py",
            "reports/exhibit.py",
            "reports/glossary.py",
            "reports/input.py",
        ),
        "tests/reports/figures/test_figures.py": ("reports/theme.py",),
        "tests/reports/test_upstream.py": ("reports/target.py",),
    },
    "a step of the reconstruction, judged by what is counted on whole histories in the end": {
        "tests/analysis/test_upstream.py": ("loadtests/analysis/unscored.py",),
        "tests/analysis/test_metrics.py": (
            "loadtests/analysis/analyse.py",
            "loadtests/analysis/mutation_counts.py",
            "loadtests/analysis/mutations.py",
            "loadtests/analysis/baseline/polling.py",
            "loadtests/analysis/reconstruction.py",
            "loadtests/analysis/series.py",
            "loadtests/analysis/stamps.py",
            "loadtests/analysis/watched.py",
        ),
        "tests/analysis/test_pairs.py": (
            "loadtests/analysis/answers.py",
            "loadtests/analysis/scope.py",
            "loadtests/analysis/sightings.py",
        ),
        "tests/analysis/test_lifecycle.py": (
            "loadtests/analysis/attention.py",
            "loadtests/analysis/screens.py",
            "loadtests/analysis/showings.py",
        ),
        "tests/analysis/test_delivery_by_loops.py": (
            "loadtests/analysis/lanes.py",
            "loadtests/analysis/receipts.py",
            "loadtests/analysis/signal_counts.py",
        ),
        "tests/analysis/test_delivery.py": (
            "loadtests/analysis/devices.py",
            "loadtests/analysis/events.py",
        ),
    },
    "an array's part of a replay, judged beside the clients' own state machines": {
        "tests/analysis/laboratory/test_engines.py": (
            "loadtests/analysis/laboratory/arrivals.py",
            "loadtests/analysis/laboratory/carried_out.py",
            "loadtests/analysis/laboratory/schedule.py",
        ),
        "tests/analysis/laboratory/test_traces.py": ("loadtests/analysis/laboratory/reading.py",),
        "tests/analysis/laboratory/test_what_if.py": (
            "loadtests/analysis/laboratory/outcome.py",
            "loadtests/analysis/laboratory/tallies.py",
        ),
    },
    "it acts on sockets and timers, and is judged by the ledger that the whole leaves": {
        "tests/drivers/test_swarm.py": (
            "loadtests/drivers/fleet.py",
            "loadtests/drivers/health.py",
            "loadtests/drivers/pollers.py",
        ),
    },
    "routes are tested over HTTP, against the real database, by what they do and not by where they stand": {
        "tests/pipeline/api/test_mutations.py": (
            "loadtests/pipeline/api/documents.py",
            "loadtests/pipeline/api/endpoint.py",
            "loadtests/pipeline/api/jobs_write.py",
            "loadtests/pipeline/api/telling.py",
            "loadtests/pipeline/api/validation.py",
        ),
        "tests/pipeline/api/test_reads.py": (
            "loadtests/pipeline/api/audit.py",
            "loadtests/pipeline/api/jobs_read.py",
            "loadtests/pipeline/api/list_query.py",
        ),
        "tests/pipeline/api/test_more_routes.py": (
            "loadtests/pipeline/api/audit_write.py",
            "loadtests/pipeline/api/devices.py",
            "loadtests/pipeline/api/export_worker.py",
            "loadtests/pipeline/api/exports.py",
            "loadtests/pipeline/api/jobs_bulk.py",
            "loadtests/pipeline/api/jobs_delete.py",
            "loadtests/pipeline/api/mitigations.py",
            "loadtests/pipeline/api/sync.py",
        ),
        "tests/pipeline/api/test_event_types.py": ("loadtests/pipeline/api/events.py",),
        "tests/pipeline/api/test_background.py": ("loadtests/pipeline/retention.py",),
        "tests/pipeline/api/test_serve.py": (
            "loadtests/pipeline/api/app.py",
            "loadtests/pipeline/api/database.py",
        ),
        "tests/pipeline/api/test_gates.py": ("loadtests/pipeline/api/legal.py",),
        "tests/pipeline/gateway/auth/test_routes.py": (
            "loadtests/pipeline/gateway/auth/service.py",
            "loadtests/pipeline/gateway/auth/shapes.py",
        ),
        "tests/pipeline/gateway/rest/test_routes.py": (
            "loadtests/pipeline/gateway/rest/catalog.py",
            "loadtests/pipeline/gateway/rest/service.py",
        ),
    },
    "a part of the server that is tested over WebSockets, against the real database": {
        "tests/pipeline/realtime/test_server.py": (
            "loadtests/pipeline/realtime/authorizer.py",
            "loadtests/pipeline/realtime/catalog.py",
            "loadtests/pipeline/realtime/comparisons.py",
            "loadtests/pipeline/realtime/connection.py",
            "loadtests/pipeline/realtime/database.py",
            "loadtests/pipeline/realtime/feed.py",
            "loadtests/pipeline/realtime/subscriptions.py",
            "loadtests/pipeline/realtime/websocket.py",
        ),
    },
    "it misbehaves inside the real processes, and is judged there by what was planted and what arrived": {
        "tests/pipeline/faults/test_api_e2e.py": (
            "loadtests/pipeline/api/misbehaviour.py",
            "loadtests/pipeline/api/stale_replica.py",
        ),
        "tests/pipeline/faults/test_frames_e2e.py": (
            "loadtests/pipeline/faults/control.py",
            "loadtests/pipeline/realtime/tampering.py",
        ),
        "tests/pipeline/faults/test_connections_e2e.py": ("loadtests/pipeline/realtime/misbehaviour.py",),
        "tests/pipeline/faults/test_processes_e2e.py": ("loadtests/pipeline/crew.py",),
    },
    "a part of the protocol's state machine, tested by the frames that go through the whole": {
        "tests/pipeline/realtime/test_channels.py": (
            "loadtests/pipeline/realtime/channel.py",
            "loadtests/pipeline/realtime/effects.py",
        ),
        "tests/pipeline/realtime/test_dispatch.py": ("loadtests/pipeline/realtime/frames.py",),
    },
    "a part of the page or of a figure, judged in the whole of it": {
        "tests/reports/test_render.py": (
            "reports/headline.py",
            "reports/junit.py",
            "reports/summary.py",
            "reports/takeaways.py",
        ),
        "tests/reports/figures/test_figures.py": (
            "reports/figures/battery.py",
            "reports/figures/break_even.py",
            "reports/figures/canvas.py",
            "reports/figures/cost.py",
            "reports/figures/herd.py",
            "reports/figures/policies.py",
            "reports/figures/plane.py",
            "reports/figures/prices.py",
            "reports/figures/starvation.py",
            "reports/figures/states.py",
            "reports/figures/timeline.py",
            "reports/figures/visibility.py",
            "reports/figures/waterfall.py",
        ),
    },
}
"""Reason → test file → the modules that it tests although its name is not theirs."""

OUT_OF_PLACE = (
    # Character classes, so that this list does not contain what it forbids.
    r"\bTO[D]O\b",
    r"\bFIX[M]E\b",
    r"\bXX[X]\b",
    r"/hom[e]/\w",
)
"""Notes to oneself, and traces of the place where somebody happened to work."""

MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py") if "runs" not in path.parts)
SOURCES = sorted(
    path
    for folder in FOLDERS
    for path in (ROOT / folder).rglob("*.py")
    if not {"node_modules", "runs"} & set(path.parts)
)


def name_of(path: Path) -> str:
    """Return a path as it is written in this repository."""
    return path.relative_to(ROOT).as_posix()


def texts() -> Iterator[Path]:
    """Yield every text file of the repository."""
    for path in sorted(ROOT.iterdir()):
        if path.is_file() and path.suffix != ".lock":
            yield path
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            if (
                path.is_file()
                and not {"__pycache__", "node_modules", "runs"} & set(path.parts)
                and path.suffix != ".png"
            ):
                yield path


def syntax_of(path: Path) -> ast.Module:
    """Return the syntax tree of a source file."""
    return ast.parse(path.read_text(encoding="utf-8"))


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return how long a function is, without its docstring and its decorators."""
    assert function.end_lineno is not None
    whole = function.end_lineno - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function) is None or first.end_lineno is None:
        return whole
    return whole - (first.end_lineno - first.lineno + 1)


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_a_file_is_small_documented_and_imports_by_full_names(path: Path) -> None:
    """At most 400 lines, functions of at most 60, a docstring that opens it, no relative import."""
    syntax = syntax_of(path)
    nodes = list(ast.walk(syntax))
    functions = [node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]

    assert ast.get_docstring(syntax), "a module says why it exists and what it must not know"
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_FILE_LINES
    assert [one.name for one in functions if body_lines(one) > MAX_FUNCTION_LINES] == []
    assert [node.lineno for node in nodes if isinstance(node, ast.ImportFrom) and node.level] == []


def test_names_say_what_lives_there() -> None:
    """No drawer for everything that has no place."""
    names = [name_of(path) for path in SOURCES if EMPTY_NAMES & {*path.stem.split("_"), *path.relative_to(ROOT).parts}]

    assert names == []


def mirrored(path: Path) -> Path:
    """Return where the tests of a module belong."""
    inside = path.relative_to(ROOT / "loadtests") if (ROOT / "loadtests") in path.parents else path.relative_to(ROOT)
    stem = path.stem.strip("_")
    return ROOT / "tests" / inside.with_name(f"test_{stem}.py")


def elsewhere() -> list[tuple[str, str]]:
    """Return each exception as module and test file."""
    return [
        (module, test) for tests in TESTED_ELSEWHERE.values() for test, modules in tests.items() for module in modules
    ]


def test_every_module_has_its_test() -> None:
    """In the mirrored place, or the list of exceptions says where and why."""
    excepted = {module for module, _ in elsewhere()}
    modules = [path for path in MODULES if path.name != "__init__.py" and name_of(path) not in excepted]

    assert [name_of(path) for path in modules if not mirrored(path).is_file()] == []


def test_every_exception_is_needed() -> None:
    """A module that got its test, or is gone, leaves the list; no module stands there twice; the tests exist."""
    modules = [module for module, _ in elsewhere()]

    assert [module for module in modules if not (ROOT / module).is_file()] == []
    assert [module for module in modules if mirrored(ROOT / module).is_file()] == []
    assert [test for _, test in elsewhere() if not (ROOT / test).is_file()] == []
    assert len(modules) == len(set(modules))


def test_the_repository_keeps_to_its_subject() -> None:
    """No notes to oneself, and no path of anybody's home."""
    found = [
        f"{name_of(path)}: {hit[0]}"
        for path in texts()
        for pattern in OUT_OF_PLACE
        for hit in re.finditer(pattern, path.read_text(encoding="utf-8", errors="replace"))
    ]

    assert found == []
