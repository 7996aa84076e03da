"""How simulated devices behave, as a scenario says it: refresh policy, connection, and what people do with them.

Only the words, their defaults and their bounds; what they come to is the business of `loadtests.clients`. Where a key
has no value, the client model's own way holds.
"""

from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from loadtests.scenario.vocabulary import PUSHED_MODELS, Step

Share = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(gt=0, le=7 * 24 * 3600)]


LONG_TOKEN_S: Final = 7 * 24 * 3600
"""Tokens that last so long end in no run."""


class Table(BaseModel):
    """A table of a scenario file: strict, and closed to keys that do not exist."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Refresh(Table):
    """A refresh policy instead of the client models' own; the window is `subscribers.debounce_ms`."""

    edge: Literal["trailing", "leading", "leading-and-trailing", "fixed-window", "none", "flush-on-cancel"] | None = (
        None
    )
    """When collected signals become refreshes. `trailing` waits for quiet, as designed; `flush-on-cancel` is the iOS
    app's defect: a restarted timer flushes at once."""
    max_wait_ms: int | None = Field(default=None, ge=1, le=3_600_000)
    """However restless the stream, no signal waits longer."""
    coalescing: Literal["entity", "request-key", "none"] | None = None
    jitter_ms: int | None = Field(default=None, ge=0, le=600_000)
    """Each flush comes up to so much later, at random."""


class Connection(Table):
    """How devices keep their connections."""

    reconnect: Literal["well-behaved", "realtime-js", "python"] = "well-behaved"
    """`realtime-js`: after 1, 2, 5, 10 s, for ever, in lock-step. `python`: gives up after five attempts. Neither
    joins again after the server closed its channel. `well-behaved`: doubling to 30 s with jitter, a fresh token, and
    whatever ended is begun again."""
    heartbeat_s: Seconds = 25
    heartbeat_timeout_s: Seconds | None = None
    """A heartbeat without an answer for so long means that the connection is dead; by default 10 s, 25 s, 40 s."""
    token_lifetime_s: Seconds = LONG_TOKEN_S
    """Of tokens that are minted; who signs in, or was given a token, has the project's."""
    renewal: Literal["before", "late", "never"] = "before"
    """A fresh token `renewal_margin_s` before the old one expires, as much after it, or never."""
    renewal_margin_s: Annotated[float, Field(gt=0)] = 60

    @model_validator(mode="after")
    def _margin_fits(self) -> Self:
        if self.renewal == "before" and self.renewal_margin_s >= self.token_lifetime_s:
            raise ValueError(
                "renewal_margin_s must be shorter than token_lifetime_s: a fresh token would be old at once"
            )
        return self


class Background(Table):
    """What devices do when nobody looks at them, and when somebody does again."""

    socket: Literal["keep", "close"] | None = None
    """Keep it and pause processing (the design), or leave."""
    order: Literal["subscribe-first", "fetch-first"] | None = None
    """On the way back, and at login: subscribe and then catch up, or the reverse, which leaves a gap."""
    catch_up_after_s: Annotated[float, Field(ge=0)] | None = None
    """Catch up only if no event was seen for so long."""


class Attention(Table):
    """People look at their devices and away again, at random (exponential times, seeded), while the load lasts."""

    share: Share = 1.0
    """Of the devices, the same ones as in lifecycle steps of this share."""
    foreground_s: Seconds
    """Mean time of looking."""
    background_s: Seconds
    """Mean time of looking away."""


class LifecycleStep(Table):
    """Something that many people do at about the same time."""

    at_s: float = Field(ge=0)
    """When the first does it, counted from the start of the load, warm-up included."""
    step: Literal["login", "logout", "kill", "switch", "background", "foreground"]
    """Devices whose first step is a login are not logged in before it."""
    share: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Of the subscribers; steps with the same share mean the same devices, a smaller share some of them."""
    within_s: Annotated[float, Field(ge=0)] = 0
    """How long it takes until the last has done it: each at a random moment."""
    models: tuple[str, ...] = Field(default=(), strict=False)
    """Only devices of these models; none named: all."""

    @property
    def kind(self) -> Step:
        """The step as the harness calls it."""
        return Step[self.step.upper()]

    @model_validator(mode="after")
    def _models_exist(self) -> Self:
        known = [model.key for model in PUSHED_MODELS]
        for name in self.models:
            if name not in known:
                raise ValueError(f"unknown client model '{name}'; there are: {', '.join(known)}")
        return self
