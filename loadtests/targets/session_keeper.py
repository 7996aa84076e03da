"""The one owner of a run's sessions: renews each before its token ends, and hands out fresh access tokens.

In a thread of the run's own process, because a refresh token is good once, and whoever shares one has to agree; drivers
are given access tokens alone. Knows no driver and no ledger: whoever drains `news` tells them.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from queue import Empty, SimpleQueue
from typing import Final

from loadtests.targets.accounts import Accounts, NoPairError, Pair
from loadtests.targets.session_plan import Session, is_final, next_due, wait_s
from loadtests.targets.target import Renewal
from loadtests.wire.token_limit import TokenLimit

_log: Final = logging.getLogger(__name__)
_PATIENCE_S: Final = 20.0
"""How long a request under way is waited for at the end: what comes for a refresh token has to be kept."""


def keep_nothing(_user_id: str, _pair: Pair) -> None:
    """Forget the pair with the run."""


class SessionKeeper:
    """Keeps sessions alive from `start` to `stop`."""

    def __init__(
        self,
        accounts: Accounts,
        sessions: Iterable[Session],
        *,
        limit: TokenLimit,
        margin_s: float,
        keep: Callable[[str, Pair], None] = keep_nothing,
    ) -> None:
        """`keep` is handed each new pair before anybody uses it; `margin_s` as in `session_plan`."""
        self._accounts = accounts
        self._sessions = {session.user_id: session for session in sessions}
        self._tokens = {session.user_id: session.token for session in self._sessions.values()}
        self._gap_s = limit.gap_s
        self._margin_s = margin_s
        self._keep = keep
        self._free_at_s = 0.0
        self._news: SimpleQueue[Renewal] = SimpleQueue()
        self._ended = threading.Event()
        self._trouble: str | None = None
        self._thread = threading.Thread(target=self._run, name="sessions", daemon=True)

    def start(self) -> None:
        """Begin to renew."""
        self._thread.start()

    def stop(self) -> None:
        """Renew no more; a request under way is waited for."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join(_PATIENCE_S)
        self._accounts.close()

    def tokens(self) -> dict[str, str]:
        """Return everybody's newest access token."""
        return dict(self._tokens)

    def news(self) -> list[Renewal]:
        """Return what has become of renewals since the last call."""
        told = []
        while True:
            try:
                told.append(self._news.get_nowait())
            except Empty:
                return told

    def trouble(self) -> str | None:
        """Say why sessions are kept no more, or None while they are."""
        return self._trouble

    # ---- in the thread

    def _run(self) -> None:
        try:
            while not self._ended.is_set():
                due = next_due(
                    self._sessions.values(),
                    wanted_margin_s=self._margin_s,
                    gap_s=self._gap_s,
                    free_at_s=self._free_at_s,
                )
                if due is None or self._ended.wait(max(0.0, due.at_s - time.time())):
                    return
                self._free_at_s = time.time() + self._gap_s
                self._renew(due.session)
        except Exception as error:  # noqa: BLE001 - whatever it is, the run must hear of it
            _log.exception("sessions are renewed no more")
            self._trouble = f"the run's sessions are renewed no more: {type(error).__name__}: {error}"

    def _renew(self, session: Session) -> None:
        try:
            pair = self._accounts.refresh(session.refresh_token)
        except NoPairError as refused:
            self._hear_refusal(session, refused)
            return
        left_s = _left_s(session)
        self._keep(session.user_id, pair)
        renewed = session.renewed(pair.access, pair.refresh)
        if renewed is None:
            del self._sessions[session.user_id]
        else:
            self._sessions[session.user_id] = renewed
        self._tokens[session.user_id] = pair.access
        self._news.put(
            Renewal(user_id=session.user_id, at_ns=time.monotonic_ns(), left_s=left_s, token=pair.access, status=200)
        )

    def _hear_refusal(self, session: Session, refused: NoPairError) -> None:
        attempts, is_over = session.attempts + 1, is_final(refused.status)
        _log.warning(
            "the session of user %s is not renewed (%s): %s",
            session.user_id,
            "it is over" if is_over else f"attempt {attempts}",
            refused,
        )
        if is_over:
            del self._sessions[session.user_id]
        else:
            again_s = time.time() + wait_s(attempts, refused.retry_after_s)
            self._sessions[session.user_id] = replace(session, attempts=attempts, not_before_s=again_s)
            if refused.status == 429:  # the limit is of all that come from here
                self._free_at_s = again_s
        self._news.put(
            Renewal(
                user_id=session.user_id,
                at_ns=time.monotonic_ns(),
                left_s=_left_s(session),
                status=refused.status,
                why=str(refused),
                is_over=is_over,
            )
        )


def _left_s(session: Session) -> int:
    """Return for how long the session's token is good: negative, it is not."""
    return session.expires_at_s - int(time.time())
