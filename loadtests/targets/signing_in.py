"""Everybody of a run signs in with the password that was made for them, at the pace that the project allows.

The first one tells how long tokens last; whoever called decides then whether the others need to sign in at all.
"""

from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

from loadtests.scenario.population import Population
from loadtests.targets import residents
from loadtests.targets.accounts import Accounts, NoPairError, Pair
from loadtests.targets.target import TargetError
from loadtests.wire.token_limit import TokenLimit

_AT_ONCE: Final = 8
_TOO_MANY: Final = 429


def sign_in(
    accounts: Accounts,
    population: Population,
    passwords: Mapping[str, str],
    *,
    limit: TokenLimit,
    wait_until_s: Callable[[float], None],
    look_at_first: Callable[[Pair], None],
) -> dict[str, Pair]:
    """Return what signing in gave everybody, by user id.

    `wait_until_s` waits until so many seconds after the first request; what it raises ends all of it.

    Raises:
        TargetError: somebody was let in no more, or `look_at_first` raised it.

    """
    first, *others = residents.people(population)
    pairs = {first.user_id: _pair(accounts, first, passwords)}
    look_at_first(pairs[first.user_id])
    asked: deque[tuple[str, Future[Pair]]] = deque()
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        try:
            for place, person in enumerate(others, start=1):
                wait_until_s(limit.start_s(place))  # here, where a signal is heard: threads would sleep on
                asked.append((person.user_id, pool.submit(_pair, accounts, person, passwords)))
                while asked and asked[0][1].done():
                    _take_in(pairs, asked)
            while asked:
                _take_in(pairs, asked)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return pairs


def _take_in(pairs: dict[str, Pair], asked: deque[tuple[str, Future[Pair]]]) -> None:
    """Wait for the first of those who were asked for."""
    user_id, pair = asked.popleft()
    pairs[user_id] = pair.result()


def _pair(accounts: Accounts, person: residents.Person, passwords: Mapping[str, str]) -> Pair:
    try:
        return accounts.sign_in(person.email, passwords[person.user_id])
    except NoPairError as error:
        helps = (
            "; that many tokens in five minutes are too many for it: wait, ask for fewer people, or give "
            "auth.tokens_per_5_minutes as the project has it"
            if error.status == _TOO_MANY
            else ""
        )
        raise TargetError(f"the run's people could not sign in: {error}{helps}") from error
