"""What a scenario lets devices and people do, in words: lifecycle, attention, connections, refresh policy, faults.

Of policies only what is not the default: a reader who finds no row may think of the client models as they are.
"""

from collections.abc import Iterator
from typing import Final

from loadtests.scenario.devices import Background, Connection, LifecycleStep, Refresh
from loadtests.scenario.faults import Fault
from loadtests.scenario.model import Scenario, Subscribers
from reports.glossary import client_name
from reports.table import Table
from reports.wording import NBSP, duration, percent, sentence

_STEPS: Final = {
    "login": "log in",
    "logout": "log out",
    "kill": "have their app killed",
    "switch": "switch to their other organization",
    "background": "look away",
    "foreground": "look again",
}
_EDGES: Final = {
    "trailing": "after quiet",
    "leading": "at the first signal",
    "leading-and-trailing": "at the first signal and after quiet",
    "fixed-window": "a fixed time after the first signal",
    "none": "at each signal",
    "flush-on-cancel": "when the timer is restarted: the iOS app's defect",
}
_SOCKETS: Final = {"keep": "kept", "close": "closed"}
_ORDERS: Final = {"subscribe-first": "subscribe, then catch up", "fetch-first": "fetch, then subscribe"}


def device_table(scenario: Scenario) -> Table:
    """Return one row for each thing that is not the default; none of a scenario without subscribers."""
    rows = [*_policies(scenario.subscribers), *_events(scenario)] if scenario.subscribers.count else []
    return Table(
        caption="What people and devices do",
        head=("", "value"),
        rows=tuple(rows),
        words=frozenset({1}),
        note="Moments count from the start of the load, warm-up included; policies are told where they are not the "
        "client models' own.",
    )


def _policies(subscribers: Subscribers) -> Iterator[tuple[str, str]]:
    weights = {model.key: weight for model, weight in subscribers.weights.items() if weight}
    total = sum(weights.values())
    shares = [f"{client_name(key)} {percent(weight / total)}" for key, weight in weights.items()]
    yield "client models", sentence(shares)
    yield "signals are gathered for", duration(subscribers.debounce_ms)
    yield from _refresh(subscribers.refresh)
    yield from _connection(subscribers.connection)
    yield from _background(subscribers.background)


def _refresh(refresh: Refresh) -> Iterator[tuple[str, str]]:
    if refresh.edge is not None:
        yield "refresh", _EDGES[refresh.edge]
    if refresh.max_wait_ms is not None:
        yield "no signal waits longer than", duration(refresh.max_wait_ms)
    if refresh.coalescing is not None:
        yield "signals are coalesced by", refresh.coalescing
    if refresh.jitter_ms:
        yield "refreshes come later by up to", duration(refresh.jitter_ms)


def _connection(connection: Connection) -> Iterator[tuple[str, str]]:
    default = Connection()
    if connection.reconnect != default.reconnect:
        yield "reconnecting", f"as {connection.reconnect} does"
    if connection.heartbeat_s != default.heartbeat_s:
        yield "heartbeat every", duration(connection.heartbeat_s * 1000)
    if connection.heartbeat_timeout_s is not None:
        yield "connection is dead without an answer for", duration(connection.heartbeat_timeout_s * 1000)
    if connection.token_lifetime_s != default.token_lifetime_s or connection.renewal != default.renewal:
        yield "tokens last", duration(connection.token_lifetime_s * 1000)
        margin = duration(connection.renewal_margin_s * 1000)
        renewed = {"before": f"{margin} before the old one ends", "late": f"{margin} too late", "never": "never"}
        yield "tokens are renewed", renewed[connection.renewal]


def _background(background: Background) -> Iterator[tuple[str, str]]:
    if background.socket is not None:
        yield "socket in the background", _SOCKETS[background.socket]
    if background.order is not None:
        yield "at login and return", _ORDERS[background.order]
    if background.catch_up_after_s is not None:
        yield "catch-up on return", f"after more than {duration(background.catch_up_after_s * 1000)} without an event"


def _events(scenario: Scenario) -> Iterator[tuple[str, str]]:
    attention = scenario.subscribers.attention
    if attention is not None:
        looked, away = duration(attention.foreground_s * 1000), duration(attention.background_s * 1000)
        who = f"{percent(attention.share)} of the devices"
        yield "attention, at random", f"{who} are looked at for {looked} and away for {away}, on average"
    planned: list[LifecycleStep | Fault] = sorted((*scenario.lifecycle, *scenario.faults), key=lambda each: each.at_s)
    for each in planned:
        when = f"at {duration(each.at_s * 1000)}"
        yield when, _step(each) if isinstance(each, LifecycleStep) else _fault(each)


def _step(step: LifecycleStep) -> str:
    who = "all" if step.share == 1 else percent(step.share)
    models = f" of {sentence([client_name(model) for model in step.models])}" if step.models else ""
    within = f", within {duration(step.within_s * 1000)}" if step.within_s else ""
    return f"{who}{models} {_STEPS[step.step]}{within}"


def _fault(fault: Fault) -> str:
    parameters = ", ".join(f"{name}{NBSP}{value}" for name, value in fault.parameters.items())
    return f"fault: {fault.kind.replace('_', ' ')}" + (f" ({parameters})" if parameters else "")
