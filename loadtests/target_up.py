"""`loadtests target up`: the embedded pipeline by itself, with a few users, until somebody ends it."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from loadtests.pipeline.environment_lines import environment_lines
from loadtests.runner.interrupt import Interrupt
from loadtests.runner.manifest import new_run_id
from loadtests.runner.preflight import raise_descriptor_limit
from loadtests.scenario.model import Organizations, Phase, Scenario, Subscribers
from loadtests.scenario.population import Population
from loadtests.targets.embedded import EmbeddedTarget, settings_from
from loadtests.targets.provision import provision
from loadtests.targets.target import TargetError
from loadtests.wire.tokens import mint

_TOKEN_LIFETIME_S = 24 * 3600
_LOOK_EVERY_S = 0.2
_ACCOUNTS_TOKEN_S = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetUp:
    """What to start."""

    api_port: int
    realtime_port: int
    gateway_port: int
    """Of `/auth/v1` and `/rest/v1`, and of a way to Realtime beside its own port."""
    token_lifetime_s: int = _ACCOUNTS_TOKEN_S
    """How long the tokens of those last who sign in."""
    database_url: str | None
    organizations: int
    users: int
    """Members to make, spread over the organizations; each gets a token that lasts a day."""
    feed: str = "streaming"
    plan: str = "unlimited"
    """As in a scenario's `[target]`."""


def keep_target_up(
    wanted: TargetUp,
    interrupt: Interrupt,
    *,
    tell: Callable[[Sequence[str]], None],
    note: Callable[[str], None],
) -> None:
    """Start the pipeline, `tell` its addresses and keys, and keep it until the interrupt.

    Raises:
        TargetError: it could not be started, or part of it died.

    """
    raise_descriptor_limit()
    population = _population(wanted)
    note("starting the embedded pipeline …")
    target = EmbeddedTarget.start(settings_from(_options(wanted)), log=None)
    try:
        running = target.wait_ready()
        provision(running.endpoint.database_url, population)
        tokens = _tokens(running.endpoint.jwt_secret, population)
        tell([*environment_lines(running.endpoint, tokens=tokens), *_homes(population)])
        note("ready; Ctrl-C stops everything")
        while not interrupt.asked:
            if trouble := target.trouble():
                raise TargetError(trouble)
            time.sleep(_LOOK_EVERY_S)
        note("stopping …")
    finally:
        target.stop()


def _options(wanted: TargetUp) -> dict[str, Any]:
    options: dict[str, Any] = {
        "api_port": wanted.api_port,
        "realtime_port": wanted.realtime_port,
        "gateway_port": wanted.gateway_port,
        "accounts": {"token_lifetime_s": wanted.token_lifetime_s},
        "realtime": {"feed": wanted.feed, "plan": wanted.plan},
    }
    if wanted.database_url is not None:
        options["database_url"] = wanted.database_url
    return options


def _population(wanted: TargetUp) -> Population:
    scenario = Scenario(
        name="target-up",
        question="What does the pipeline do for a client of my own?",
        organizations=Organizations(count=wanted.organizations),
        subscribers=Subscribers(count=wanted.users),
        phases=(Phase(name="none", duration_s=1, mutations_per_s=0),),
    )
    return Population(scenario, seed=scenario.seed, run_id=new_run_id())


def _tokens(secret: str, population: Population) -> list[str]:
    expires_at_s = time.clock_gettime_ns(time.CLOCK_REALTIME) // 1_000_000_000 + _TOKEN_LIFETIME_S
    return [
        mint(secret, role="authenticated", subject=device.user_id, expires_at_s=expires_at_s)
        for device in population.subscribers
    ]


def _homes(population: Population) -> list[str]:
    """Return the line that says of each token's user which organization it is a member of."""
    return [
        f"ORGANIZATION_{number}={population.organization_id(device.organization)}"
        for number, device in enumerate(population.subscribers, start=1)
    ]
