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

WITHOUT_A_MIRRORED_TEST = {
    "loadtests/__main__.py": "two lines that every end-to-end test goes through",
    "loadtests/locustfile.py": "Locust patches the process that imports it: tests/e2e/test_locustfile.py starts one",
    "loadtests/run.py": "the story of a run: tests/e2e tells it with every ending",
    "loadtests/runner/conduct.py": "waits and watches real processes: tests/e2e/test_when_things_go_wrong.py",
    "loadtests/runner/progress.py": "names and numbers without behaviour: tests/test_screens.py shows them",
    "loadtests/runner/stage.py": "starts and ends real processes: tests/e2e/test_when_things_go_wrong.py",
    "loadtests/drivers/mutators.py": "Locust patches the process that imports it: tests/e2e runs it",
    "loadtests/drivers/mutator_process.py": "Locust patches the process that imports it: tests/e2e runs it",
}
"""Modules whose tests stand elsewhere, and why."""

OUT_OF_PLACE = (
    # Character classes, so that this list does not contain what it forbids.
    r"\bTO[D]O\b",
    r"\bFIX[M]E\b",
    r"\bXX[X]\b",
    r"/wor[k]/",
    r"/tm[p]/lab\b",
    r"/tm[p]/brief",
    r"\.\./share[d]\b",
    r"\bshare[d]/reference",
    r"\bissu[e] #?[0-9]",
    r"\bhelpe[r] [A-Z]\b",
    r"\bthis sessio[n]\b",
    r"\bsessio[n] of the project\b",
    r"(?i)\bclaud[e]\b",
    r"(?i)\banthropi[c]\b",
    r"(?i)\bas an a[i]\b",
    r"/opt/pyp[i]",
    r"(?i)\bartifactor[y]\b",
    r"pypi\.or[g]",
    r"files\.pythonhoste[d]",
)
"""Notes to oneself, and traces of the place where somebody happened to work."""

MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py") if "runs" not in path.parts)
SOURCES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py") if "runs" not in path.parts)


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
            if path.is_file() and not {"__pycache__", "runs"} & set(path.parts) and path.suffix != ".png":
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


def test_every_module_has_its_test() -> None:
    """In the mirrored place, or the list of exceptions says where and why."""
    without = {
        name_of(path)
        for path in MODULES
        if path.name != "__init__.py" and not mirrored(path).is_file() and name_of(path) not in WITHOUT_A_MIRRORED_TEST
    }

    assert sorted(without) == []


def test_every_exception_is_needed() -> None:
    """A module that got its test, or is gone, leaves the list; and each entry has a reason."""
    needless = [
        name for name in WITHOUT_A_MIRRORED_TEST if mirrored(ROOT / name).is_file() or not (ROOT / name).is_file()
    ]

    assert needless == []
    assert all(len(reason) > 20 for reason in WITHOUT_A_MIRRORED_TEST.values())


def test_the_repository_keeps_to_its_subject() -> None:
    """No notes to oneself, and no trace of anybody's machine."""
    found = [
        f"{name_of(path)}: {hit[0]}"
        for path in texts()
        for pattern in OUT_OF_PLACE
        for hit in re.finditer(pattern, path.read_text(encoding="utf-8", errors="replace"))
    ]

    assert found == []
