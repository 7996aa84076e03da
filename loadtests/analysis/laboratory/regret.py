"""What the live policy's refreshes and waits cost beside the cheapest there could have been, over a range of prices."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from loadtests.analysis.coalescing import Asked, Demands
from loadtests.analysis.laboratory.waiting import NOTHING, Bill, cheapest, greedy
from loadtests.analysis.segments import is_start
from loadtests.analysis.stamps import NS_PER_S

PRICES_S: Final = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""One request is worth so many seconds in which one signal waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Regret:
    """One price, and what three policies cost at it."""

    price_s: float
    live: Bill
    cheapest: Bill
    """Exact, and known only afterwards."""
    greedy: Bill
    """What any client could have done, told the price."""

    @property
    def over_cheapest(self) -> float | None:
        """How much dearer the live policy was than the cheapest: 0.5 is half as much again. None: nothing to do."""
        return _excess(self.live, self.cheapest, self.price_ns)

    @property
    def over_greedy(self) -> float | None:
        """The same against the greedy; below 0: the live policy was the better one."""
        return _excess(self.live, self.greedy, self.price_ns)

    @property
    def price_ns(self) -> int:
        """The price as waiting."""
        return round(self.price_s * NS_PER_S)

    def to_json(self) -> dict[str, Any]:
        """Return everything, costs in seconds of waiting."""
        bills = {"live": self.live, "cheapest": self.cheapest, "greedy": self.greedy}
        return {
            "price_s": self.price_s,
            **{
                name: {
                    "refreshes": bill.refreshes,
                    "waited_s": bill.waited_ns / NS_PER_S,
                    "cost_s": bill.cost_ns(self.price_ns) / NS_PER_S,
                }
                for name, bill in bills.items()
            },
            "regret_over_cheapest": self.over_cheapest,
            "regret_over_greedy": self.over_greedy,
        }


def regrets(asked: Asked, prices_s: Sequence[float] = PRICES_S) -> tuple[Regret, ...]:
    """Return the regret at each price; each device's request key is a stream of its own."""
    live = Bill(len(asked.flushed_device), int(asked.demands.wait_ns.sum()))
    streams = list(_streams(asked.demands))
    told = []
    for price_s in prices_s:
        price_ns = round(price_s * NS_PER_S)
        told.append(
            Regret(
                price_s=price_s,
                live=live,
                cheapest=sum((cheapest(stream, price_ns) for stream in streams), NOTHING),
                greedy=sum((greedy(stream, price_ns) for stream in streams), NOTHING),
            )
        )
    return tuple(told)


def _streams(demands: Demands) -> Iterator[list[int]]:
    begin = np.flatnonzero(is_start(demands.device) | is_start(demands.key))
    for stream in np.split(demands.received_ns, begin[1:]):
        yield stream.tolist()


def _excess(live: Bill, other: Bill, price_ns: int) -> float | None:
    cost_ns = other.cost_ns(price_ns)
    return live.cost_ns(price_ns) / cost_ns - 1 if cost_ns else None
