"""The client models: which request keys a signal asks a device to refresh, and all habits of one kind of client.

Models are values: a function from signal and screen to keys, a policy, a discipline, habits, a view's rule. They know
neither sockets nor the ledger. What a scenario says about its devices replaces what it names, and nothing else.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

from loadtests.clients import habits
from loadtests.clients.fetching import Discipline, SingleFlight
from loadtests.clients.gathering import Keys
from loadtests.clients.habits import Habits, Order
from loadtests.clients.policy import Coalescing, Edge, RefreshPolicy
from loadtests.clients.requests import AUDIT_LIMIT, PAGE_LIMIT, Cause, RequestKey
from loadtests.clients.signals import Signal, Subject
from loadtests.clients.views import ViewRule
from loadtests.scenario.devices import Background, Refresh
from loadtests.scenario.vocabulary import DeviceModel

_MS: Final = 1_000_000
_S: Final = 1_000_000_000


@dataclass(frozen=True)
class Screen:
    """What a device has open beside the jobs list. Devices with equal screens may share one."""

    open_job_id: str | None = None
    open_audit: bool = False
    list_limit: int = PAGE_LIMIT
    audit_limit: int = AUDIT_LIMIT
    organization_id: str | None = None
    """Named in every request where it is not the one that the API takes for granted, the user's own."""

    @cached_property
    def jobs(self) -> Keys:
        """The jobs list, which is always open."""
        return (RequestKey.job_list(limit=self.list_limit).within(self.organization_id),)

    @cached_property
    def jobs_and_detail(self) -> Keys:
        """The jobs list, and the open job in detail."""
        return self.jobs if self.open_job_id is None else (*self.jobs, RequestKey.job(self.open_job_id))

    @cached_property
    def jobs_and_documents(self) -> Keys:
        """The jobs list, whose items count evidence, and the documents of the open job."""
        return self.jobs if self.open_job_id is None else (*self.jobs, RequestKey.documents(self.open_job_id))

    @cached_property
    def audit(self) -> Keys:
        """The audit feed, if it is open."""
        return (RequestKey.audit(limit=self.audit_limit).within(self.organization_id),) if self.open_audit else ()

    @cached_property
    def everything(self) -> Keys:
        """Every open key once: what a catch-up fetches."""
        return (*self.jobs_and_detail, *self.jobs_and_documents[1:], *self.audit)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientModel:
    """How one kind of client acts on signals, and around them."""

    name: str
    """Its key in scenarios and metrics."""
    policy: RefreshPolicy
    affected: Callable[[Signal, Screen], Keys]
    """The open keys that a signal makes stale; none: it asks for no refresh."""
    discipline: Discipline
    habits: Habits
    views: ViewRule
    discards_overtaken: bool = False
    """Whether an answer shows nothing once a newer request of its key has started (SWR 2: `revalidate` in use-swr.ts,
    "the request that fired later will always be kept"), even if that one fails in the end."""
    list_limit: int = PAGE_LIMIT
    audit_limit: int = AUDIT_LIMIT
    refreshes_detail: bool = True
    """Whether an open job, and its documents, are ever fetched again."""
    refreshes_audit: bool = True
    """Whether an open audit feed is."""

    @property
    def is_sequential(self) -> bool:
        """Whether the refreshes of a flush wait for one another."""
        return self.discipline.is_sequential

    def screen(self, *, open_job_id: str | None = None, open_audit: bool = False) -> Screen:
        """Return what a device of this model keeps fresh when this is open on it."""
        return Screen(
            open_job_id=open_job_id if self.refreshes_detail else None,
            open_audit=open_audit and self.refreshes_audit,
            list_limit=self.list_limit,
            audit_limit=self.audit_limit,
        )


def client_model(
    model: DeviceModel, *, window_ns: int, refresh: Refresh | None = None, background: Background | None = None
) -> ClientModel:
    """Return a client model with the scenario's debounce window; what the scenario names replaces its own ways."""
    own = _MODELS[model](window_ns=window_ns)
    return replace(
        own,
        policy=own.policy if refresh is None else _with_refresh(own.policy, refresh),
        habits=own.habits if background is None else _with_background(own.habits, background),
    )


def ios(*, window_ns: int) -> ClientModel:
    """Return the iOS app as designed: one refresh of the jobs list for each entity, awaited one by one.

    Its catch-up is `JobsStore.fetch`, which joins a fetch of its kind that is under way.
    """
    return ClientModel(
        name=DeviceModel.IOS.key,
        policy=RefreshPolicy(window_ns, Coalescing.ENTITY),
        affected=_affected_ios,
        discipline=_IOS_DISCIPLINE,
        habits=Habits(on_unauthorized=habits.Unauthorized.LOG_OUT),
        views=ViewRule.MERGE,
        refreshes_detail=False,
        refreshes_audit=False,
    )


def web(*, window_ns: int) -> ClientModel:
    """Return the web app as designed: each open key that is stale is revalidated once, all side by side.

    Its catch-up is a `mutate` too, which SWR never dedupes; of two answers of a key that overlap, only the newer
    request's is ever shown.
    """
    return ClientModel(
        name=DeviceModel.WEB.key,
        policy=RefreshPolicy(window_ns, Coalescing.REQUEST_KEY),
        affected=_affected_web,
        discipline=Discipline(is_sequential=False),
        habits=Habits(),
        views=ViewRule.REPLACE,
        discards_overtaken=True,
    )


def hybrid(*, window_ns: int) -> ClientModel:
    """Return what we would ship: push that is bounded in every direction, and a slow poll as safety net.

    - The debounce waits twice its window at most, so that no stream starves it: 1 s at 500 ms.
    - Coalescing by request key: a burst over many jobs is one request for each open key.
    - A jitter of half a window: one event makes every colleague fetch, and need not do so at one instant.
    - Single flight with one more fetch after it: never two of a key at once, however slow the target, and never an
      answer that is older than the last signal.
    - The socket is kept in the background, every live and every return catches up, and the subscription comes first:
      no gap between fetch and push.
    - A poll a minute bounds what any loss can cost, which nothing on the wire tells.
    """
    return ClientModel(
        name=DeviceModel.HYBRID.key,
        policy=RefreshPolicy(window_ns, Coalescing.REQUEST_KEY, max_wait_ns=2 * window_ns, jitter_ns=window_ns // 2),
        affected=_affected_web,
        discipline=Discipline(is_sequential=False, single_flight=SingleFlight.AGAIN),
        habits=Habits(safety_poll_ns=60 * _S),
        views=ViewRule.REPLACE,
    )


def ios_as_built(*, window_ns: int) -> ClientModel:
    """Return the iOS app as coded, its subscription compiled in: a restarted timer flushes, and its list only grows.

    Subscription and first fetch know nothing of each other, and nothing is fetched once it is live. In the background
    it unsubscribes and forgets its organization, so it does not come back.
    """
    return replace(
        ios(window_ns=window_ns),
        name=DeviceModel.IOS_AS_BUILT.key,
        policy=RefreshPolicy(window_ns, Coalescing.ENTITY, Edge.FLUSH_ON_CANCEL),
        habits=Habits(
            order=Order.TOGETHER,
            background=habits.Background.UNSUBSCRIBE,
            comes_back=False,
            catches_up_when_live_again=False,
            on_unauthorized=habits.Unauthorized.LOG_OUT,
        ),
        views=ViewRule.MERGE_KEEP,
    )


def web_as_built(*, window_ns: int) -> ClientModel:
    """Return the web app as coded, its hook mounted: the keys that it invalidates are nobody's, so a signal is free.

    What its pages fetch, they fetch by themselves: SWR at mount and on focus, unless the key was answered within 5 s.
    The catch-up, on mount and after 5 min without an event, invalidates a key of nobody's, too. The jobs page fetches
    50 jobs, the audit page 100 entries; a job's page fetches in an effect, and never again.
    """
    return ClientModel(
        name=DeviceModel.WEB_AS_BUILT.key,
        policy=RefreshPolicy(window_ns, Coalescing.ENTITY),
        affected=_affected_nothing,
        discipline=Discipline(is_sequential=False, dedupe_ns=5 * _S, deduped_causes=(Cause.CATCH_UP, Cause.FOCUS)),
        habits=Habits(
            order=Order.TOGETHER,
            catch_up_after_ns=300 * _S,
            catches_up_when_live_again=False,
            focus_fetches=True,
        ),
        views=ViewRule.REPLACE,
        discards_overtaken=True,
        list_limit=50,
        audit_limit=100,
        refreshes_detail=False,
    )


def poller(*, window_ns: int) -> ClientModel:
    """Return the polling baseline, to which no signal comes: its list is what its last poll brought."""
    return ClientModel(
        name=DeviceModel.POLLER.key,
        policy=RefreshPolicy(window_ns, Coalescing.REQUEST_KEY),
        affected=_affected_nothing,
        discipline=Discipline(is_sequential=False),
        habits=Habits(),
        views=ViewRule.REPLACE,
        refreshes_detail=False,
        refreshes_audit=False,
    )


_IOS_DISCIPLINE: Final = Discipline(
    is_sequential=True,
    single_flight=SingleFlight.JOIN,
    single_flight_causes=(Cause.CATCH_UP, Cause.POLL),
)
_MODELS: Final = {
    DeviceModel.IOS: ios,
    DeviceModel.WEB: web,
    DeviceModel.POLLER: poller,
    DeviceModel.HYBRID: hybrid,
    DeviceModel.IOS_AS_BUILT: ios_as_built,
    DeviceModel.WEB_AS_BUILT: web_as_built,
}


def _affected_ios(signal: Signal, screen: Screen) -> Keys:
    """`JobsStore.refreshOnEvent` only refreshes if the event is job-related, and always the whole first page."""
    if signal.subject is Subject.JOB or signal.is_upload:
        return screen.jobs
    return ()


def _affected_web(signal: Signal, screen: Screen) -> Keys:
    """Evidence makes the documents of any open job stale: the event's entity is the document, not the job."""
    subject = signal.subject
    if subject is Subject.JOB:
        return screen.jobs_and_detail if signal.entity_id == screen.open_job_id else screen.jobs
    if subject is Subject.EVIDENCE:
        return screen.jobs_and_documents
    return screen.audit if subject is Subject.AUDIT else ()


def _affected_nothing(_signal: Signal, _screen: Screen) -> Keys:
    return ()


def _with_refresh(own: RefreshPolicy, said: Refresh) -> RefreshPolicy:
    return replace(
        own,
        coalescing=own.coalescing if said.coalescing is None else Coalescing[_member(said.coalescing)],
        edge=own.edge if said.edge is None else Edge[_member(said.edge)],
        max_wait_ns=own.max_wait_ns if said.max_wait_ms is None else said.max_wait_ms * _MS,
        jitter_ns=own.jitter_ns if said.jitter_ms is None else said.jitter_ms * _MS,
    )


def _with_background(own: Habits, said: Background) -> Habits:
    return replace(
        own,
        order=own.order if said.order is None else Order[_member(said.order)],
        background=own.background if said.socket is None else _SOCKETS[said.socket],
        catch_up_after_ns=(
            own.catch_up_after_ns if said.catch_up_after_s is None else round(said.catch_up_after_s * _S)
        ),
    )


def _member(word: str) -> str:
    """Return the enumeration's name of a word of a scenario."""
    return word.upper().replace("-", "_")


_SOCKETS: Final = {"keep": habits.Background.KEEP_SOCKET, "close": habits.Background.UNSUBSCRIBE}
