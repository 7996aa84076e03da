"""The refresh policies that a run is replayed with, each with a name that says all of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from pydantic import ValidationError

from loadtests.analysis.laboratory.replay import ReplayError
from loadtests.clients.models import client_model, hybrid
from loadtests.clients.policy import Coalescing, Edge, RefreshPolicy
from loadtests.clients.roles import models_of
from loadtests.scenario.devices import Refresh
from loadtests.scenario.model import Scenario
from loadtests.scenario.vocabulary import PUSHED_MODELS

LIVE: Final = "live"
DESIGN: Final = "design"
HYBRID: Final = "hybrid"
_NAMED: Final = (LIVE, DESIGN, HYBRID)
WINDOWS_MS: Final = (100, 250, 500, 1000, 2000)

_MS: Final = 1_000_000
_DESIGN_NS: Final = 500 * _MS
_WINDOW: Final = "window_ms"
_JITTER: Final = "jitter_ms"
_EXAMPLE: Final = "edge=fixed-window,window_ms=250,coalescing=request-key"


@dataclass(frozen=True, slots=True)
class Choice:
    """One policy to replay with: what clients of each model would follow."""

    name: str
    policies: Mapping[int, RefreshPolicy]


def live(scenario: Scenario) -> Choice:
    """Return the policies that the run was made with."""
    return Choice(LIVE, {model: played.policy for model, played in models_of(scenario).items()})


def design() -> Choice:
    """Return each client model's own policy with the design's window of 500 ms."""
    return Choice(DESIGN, {model: client_model(model, window_ns=_DESIGN_NS).policy for model in PUSHED_MODELS})


def parse_policy(text: str, scenario: Scenario) -> Choice:
    """Return the policy that `text` names, as a scenario would: what it leaves out is the client model's own way.

    Raises:
        ReplayError: it is none.

    """
    name, _, jitter_ms = text.partition(f",{_JITTER}=")
    if name in _NAMED and (name == text or jitter_ms.isdecimal()):
        named = _named(name, scenario)
        return jittered(named, int(jitter_ms)) if jitter_ms else named
    said: dict[str, str | int] = {}
    for part in text.split(","):
        key, is_pair, value = part.partition("=")
        if not is_pair:
            raise ReplayError(f"{part!r} is neither {LIVE}, {DESIGN} nor {HYBRID}, nor KEY=VALUE as in {_EXAMPLE}")
        said[key.strip()] = int(value) if value.strip().isdecimal() else value.strip()
    window_ms = said.pop(_WINDOW, scenario.subscribers.debounce_ms)
    if not isinstance(window_ms, int):
        raise ReplayError(f"{_WINDOW}={window_ms} is no number of milliseconds")
    try:
        refresh = Refresh.model_validate(said)
    except ValidationError as error:
        first = error.errors()[0]
        raise ReplayError(f"{'.'.join(map(str, first['loc']))}: {first['msg']} in {text!r}") from error
    return Choice(
        text,
        {model: client_model(model, window_ns=window_ms * _MS, refresh=refresh).policy for model in PUSHED_MODELS},
    )


def _named(name: str, scenario: Scenario) -> Choice:
    if name == LIVE:
        return live(scenario)
    return design() if name == DESIGN else _everywhere(hybrid(window_ns=_DESIGN_NS).policy, HYBRID)


def grid() -> tuple[Choice, ...]:
    """Return every edge over a range of windows, with and without a maximal wait, jitter, and both coalescings."""
    return tuple(_everywhere(policy, name_of(policy)) for policy in _grid())


def _grid() -> Iterator[RefreshPolicy]:
    yield RefreshPolicy(0, Coalescing.NONE, Edge.NONE)
    for coalescing in (Coalescing.ENTITY, Coalescing.REQUEST_KEY):
        for window_ns in (window_ms * _MS for window_ms in WINDOWS_MS):
            yield RefreshPolicy(window_ns, coalescing, Edge.LEADING)
            yield RefreshPolicy(window_ns, coalescing, Edge.FLUSH_ON_CANCEL)
            for jitter_ns in (0, window_ns // 2):
                yield RefreshPolicy(window_ns, coalescing, Edge.TRAILING, None, jitter_ns)
                yield RefreshPolicy(window_ns, coalescing, Edge.TRAILING, 2 * window_ns, jitter_ns)
                yield RefreshPolicy(window_ns, coalescing, Edge.FIXED_WINDOW, None, jitter_ns)
                yield RefreshPolicy(window_ns, coalescing, Edge.LEADING_AND_TRAILING, None, jitter_ns)


def jitter_ms_of(choice: Choice) -> int:
    """Return the jitter that clients of all models have at least."""
    return min(policy.jitter_ns for policy in choice.policies.values()) // _MS


def jittered(choice: Choice, jitter_ms: int) -> Choice:
    """Return a policy with another jitter, the same for all client models."""
    kept = [part for part in choice.name.split(",") if not part.startswith(f"{_JITTER}=")]
    return Choice(
        ",".join([*kept, f"{_JITTER}={jitter_ms}"]),
        {model: replace(policy, jitter_ns=jitter_ms * _MS) for model, policy in choice.policies.items()},
    )


def is_defect(name: str) -> bool:
    """Return whether the policy of that name is a fault of today's code, replayed for comparison and never advised."""
    return f"edge={_word(Edge.FLUSH_ON_CANCEL)}" in name.split(",")


def name_of(policy: RefreshPolicy) -> str:
    """Return a policy as `parse_policy` reads it."""
    if policy.edge is Edge.NONE:
        return "edge=none"
    parts = {
        "edge": _word(policy.edge),
        _WINDOW: policy.window_ns // _MS,
        "coalescing": _word(policy.coalescing),
        "max_wait_ms": None if policy.max_wait_ns is None else policy.max_wait_ns // _MS,
        _JITTER: policy.jitter_ns // _MS or None,
    }
    return ",".join(f"{key}={value}" for key, value in parts.items() if value is not None)


def _word(member: Edge | Coalescing) -> str:
    return member.name.lower().replace("_", "-")


def _everywhere(policy: RefreshPolicy, name: str) -> Choice:
    return Choice(name, dict.fromkeys(map(int, PUSHED_MODELS), policy))
