"""From a scenario file and overrides to a validated Scenario; every error names the file and the key.

Shipped scenarios are found by name, others by path.
"""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from loadtests.scenario.model import Scenario

SUFFIX = ".toml"


class ScenarioError(ValueError):
    """The author of a scenario or of an override made a mistake. The text says where, and what is possible."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioFile:
    """A validated scenario with the text that it was read from."""

    scenario: Scenario
    text: str
    source: str
    """The file's name, for messages."""
    overrides: tuple[str, ...]


def shipped_scenarios() -> dict[str, str]:
    """Return the text of each scenario that ships with the harness, by its name."""
    folder = files("scenarios")
    texts = {
        entry.name.removesuffix(SUFFIX): entry.read_text(encoding="utf-8")
        for entry in folder.iterdir()
        if entry.name.endswith(SUFFIX)
    }
    return dict(sorted(texts.items()))


def read_scenario(name_or_path: str, overrides: Sequence[str] = ()) -> ScenarioFile:
    """Read a scenario by the name of a shipped one or by path, and apply `key.path=value` overrides.

    Raises:
        ScenarioError: no such file, not TOML, an unknown key, a wrong type, an impossible combination.

    """
    text, source = _find(name_or_path)
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ScenarioError(f"{source}: not valid TOML: {error}") from error
    for override in overrides:
        _apply(table, override)
    try:
        scenario = Scenario.model_validate(table)
    except ValidationError as error:
        raise ScenarioError(_explain(error, source, overrides)) from error
    return ScenarioFile(scenario=scenario, text=text, source=source, overrides=tuple(overrides))


def _find(name_or_path: str) -> tuple[str, str]:
    path = Path(name_or_path)
    if path.suffix == SUFFIX or path.parent != Path():
        try:
            return path.read_text(encoding="utf-8"), str(path)
        except OSError as error:
            raise ScenarioError(f"cannot read the scenario {path}: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise ScenarioError(f"{path}: not valid TOML: it is not UTF-8 text") from error
    shipped = shipped_scenarios()
    if name_or_path in shipped:
        return shipped[name_or_path], f"{name_or_path}{SUFFIX}"
    near = get_close_matches(name_or_path, shipped, n=1)
    hint = f"did you mean '{near[0]}'?" if near else f"there are: {', '.join(shipped)}"
    raise ScenarioError(f"no scenario is called '{name_or_path}'; {hint} (a path to your own ends in {SUFFIX})")


def _apply(table: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals or not key.strip():
        raise ScenarioError(f"--set {override}: write it as key.path=value, such as phases.1.mutations_per_s=80")
    *parents, last = key.strip().split(".")
    place: Any = table
    for step, part in enumerate(parents):
        place = _descend(place, part, override=override, so_far=".".join(parents[:step]))
    if isinstance(place, list):
        place[_position(place, last, override)] = _value(text)
    elif isinstance(place, dict):
        place[last] = _value(text)
    else:
        raise ScenarioError(f"--set {override}: {'.'.join(parents)} is a single value and has no keys")


def _descend(place: Any, part: str, *, override: str, so_far: str) -> Any:
    if isinstance(place, list):
        return place[_position(place, part, override)]
    if isinstance(place, dict):
        return place.setdefault(part, {})
    raise ScenarioError(f"--set {override}: {so_far} is a single value and has no keys")


def _position(entries: list[Any], part: str, override: str) -> int:
    if not part.isdigit() or int(part) >= len(entries):
        raise ScenarioError(f"--set {override}: '{part}' is not one of the {len(entries)} entries, counted from 0")
    return int(part)


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text.strip()}")["value"]
    except tomllib.TOMLDecodeError:
        return text.strip()  # a bare word is meant as text


def _explain(error: ValidationError, source: str, overrides: Sequence[str]) -> str:
    where = f"{source} with --set {' '.join(overrides)}" if overrides else source
    lines = []
    for problem in error.errors():
        key = ".".join(str(part) for part in problem["loc"]) or "the scenario"
        lines.append(f"{where}: {key}: {_message(problem['type'], problem['msg'], problem['loc'])}")
    return "\n".join(lines)


def _message(kind: str, message: str, location: tuple[int | str, ...]) -> str:
    if kind == "extra_forbidden":
        known = _known_keys(location[:-1])
        near = get_close_matches(str(location[-1]), known, n=1)
        return "unknown key; " + (f"did you mean '{near[0]}'?" if near else f"there are: {', '.join(known)}")
    if kind == "missing":
        return "this key is needed"
    if kind == "tuple_type":
        return "Input should be a list"
    return message.removeprefix("Value error, ")


def _known_keys(location: tuple[int | str, ...]) -> list[str]:
    """Return the keys that the table at `location` may have."""
    table: type[BaseModel] = Scenario
    for part in location:
        if isinstance(part, str):  # a number only says which of several tables of one kind
            kind: Any = table.model_fields[part].annotation
            table = next(iter(get_args(kind)), kind)
    return list(table.model_fields)
