"""The price of waiting: when to refresh if one request costs as much as some seconds of signals that wait.

This is the dynamic TCP acknowledgement problem of Dooly, Goldman and Scott (J. ACM 48, 2001), with signals as packets
and refreshes as acknowledgements: the cost is the number of refreshes times their price, plus the sum of all waits.
Knows no device and no request: one stream is the sorted stamps of the signals that one refresh would serve.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bill:
    """What refreshing a stream came to."""

    refreshes: int
    waited_ns: int
    """The sum over all signals."""

    def cost_ns(self, price_ns: int) -> int:
        """Return the cost, told in the waiting that it is worth."""
        return self.refreshes * price_ns + self.waited_ns

    def __add__(self, other: "Bill") -> "Bill":
        """Return both together."""
        return Bill(self.refreshes + other.refreshes, self.waited_ns + other.waited_ns)


NOTHING = Bill(0, 0)


def cheapest(arrivals_ns: Sequence[int], price_ns: int) -> Bill:
    """Return the bill of the cost-optimal refresh times for ascending stamps, known ahead: exact, in linear time.

    A refresh is best made at a signal, the last of those that it serves. With best(j) for the first j signals at
    a(1)…a(j) and A for the sums of their stamps, best(j) = price + j·a(j) - A(j) + min over i < j of
    best(i) + A(i) - i·a(j): for each i a line in a(j), whose slopes fall and whose argument grows. So what has been
    undercut once is never needed again, and the lines that still matter form a queue.
    """
    count = len(arrivals_ns)
    best, total, before = [0] * (count + 1), 0, [0] * (count + 1)
    lines: list[tuple[int, int, int]] = [(0, 0, 0)]
    """(Intercept, slope downwards, which i), the lower envelope from left to right."""
    first = 0
    for place, at_ns in enumerate(arrivals_ns, start=1):
        while first + 1 < len(lines) and _value(lines[first + 1], at_ns) <= _value(lines[first], at_ns):
            first += 1
        total += at_ns
        best[place] = price_ns + place * at_ns - total + _value(lines[first], at_ns)
        before[place] = lines[first][2]
        line = (best[place] + total, place, place)
        while len(lines) - first >= 2 and _is_needless(lines[-2], lines[-1], line):
            lines.pop()
        lines.append(line)
    refreshes, place = 0, count
    while place:
        refreshes, place = refreshes + 1, before[place]
    return Bill(refreshes, best[count] - refreshes * price_ns)


def _value(line: tuple[int, int, int], at_ns: int) -> int:
    return line[0] - line[1] * at_ns


def _is_needless(left: tuple[int, int, int], middle: tuple[int, int, int], right: tuple[int, int, int]) -> bool:
    """Return whether the middle line is nowhere below both others: they cross no later than it crosses the left."""
    return (right[0] - left[0]) * (middle[1] - left[1]) <= (middle[0] - left[0]) * (right[1] - left[1])


def greedy(arrivals_ns: Sequence[int], price_ns: int) -> Bill:
    """Return the bill of a policy that any client could follow: refresh when what waits has waited for one price.

    It costs at most twice the optimum on every stream: for each of its refreshes it pays two prices, and the optimum
    either refreshed since the one before or let the same signals wait for as long. (It refreshes in the nanosecond
    before, so the optimum may have waited a nanosecond less for each signal.)
    """
    refreshes = waited_ns = 0
    pending = since_ns = accrued_ns = 0
    for at_ns in arrivals_ns:
        if pending and accrued_ns + pending * (at_ns - since_ns) >= price_ns:
            refreshes, waited_ns = refreshes + 1, waited_ns + _until_due(accrued_ns, pending, price_ns)
            pending = accrued_ns = 0
        accrued_ns += pending * (at_ns - since_ns)
        pending, since_ns = pending + 1, at_ns
    if pending:
        refreshes, waited_ns = refreshes + 1, waited_ns + _until_due(accrued_ns, pending, price_ns)
    return Bill(refreshes, waited_ns)


def _until_due(accrued_ns: int, pending: int, price_ns: int) -> int:
    """Return what will have been waited when the next nanosecond would exceed the price."""
    return accrued_ns + (price_ns - accrued_ns) // pending * pending
