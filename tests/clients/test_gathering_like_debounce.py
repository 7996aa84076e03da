"""With the design's edge the gatherer does what the debounce did, call by call."""

from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from loadtests.clients.debounce import Debouncer
from loadtests.clients.gathering import Gatherer, Keys
from loadtests.clients.policy import Coalescing, RefreshPolicy
from loadtests.clients.requests import RequestKey
from tests.clients.gathered import LIST, WINDOW_NS, job

COALESCINGS = [Coalescing.ENTITY, Coalescing.REQUEST_KEY]
"""The debounce did not know how to keep signals apart: Coalescing.NONE was REQUEST_KEY to it."""
POLICIES = st.builds(RefreshPolicy, st.integers(0, 2 * WINDOW_NS), st.sampled_from(COALESCINGS))
KEYS_OF_JOB: dict[int, Keys] = {0: (LIST, RequestKey.job("j0")), 1: (LIST,), 2: (), 3: (RequestKey.audit(limit=50),)}
"""What an entity asks for does not change meanwhile: the debounce kept only what its last signal asked for."""
CALLS = st.lists(st.tuples(st.integers(0, WINDOW_NS), st.sampled_from([None, "forget", *KEYS_OF_JOB])), max_size=60)


@given(calls=CALLS, policy=POLICIES)
def test_trailing_is_the_debounce(calls: list[tuple[int, int | str | None]], policy: RefreshPolicy) -> None:
    """The same batches, due times and flushes, whatever comes and whenever somebody looks."""
    old, new = Debouncer(policy, count(1)), Gatherer(policy, count(1), lambda: 0.5)
    now_ns = 0
    for gap_ns, call in calls:
        now_ns += gap_ns
        if call is None:
            before, after = old.take(now_ns), new.take(now_ns)
            assert (before is None) == (after is None)
            if before is not None and after is not None:
                assert (before.batch, before.signals, before.refreshes) == (
                    after.batch,
                    after.signals,
                    after.refreshes,
                )
        elif isinstance(call, str):
            old.forget()
            new.forget()
        else:
            keys = KEYS_OF_JOB[call]
            assert old.signal(job(call), keys, now_ns) == new.signal(job(call), keys, now_ns)
        assert old.due_ns() == new.due_ns()
        assert old.is_pending == new.is_pending
