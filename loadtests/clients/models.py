"""The client models as designed: which request keys a signal asks a device to refresh, given what it has open.

Models are values: a function from signal and screen to keys, a policy, and whether refreshes follow one another
or run side by side. They know neither sockets nor the ledger.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from loadtests.clients.debounce import Keys
from loadtests.clients.policy import Coalescing, RefreshPolicy
from loadtests.clients.requests import AUDIT_LIMIT, PAGE_LIMIT, RequestKey
from loadtests.clients.signals import Signal, Subject


@dataclass(frozen=True)
class Screen:
    """What a device has open beside the jobs list. Devices with equal screens may share one."""

    open_job_id: str | None = None
    open_audit: bool = False

    @cached_property
    def jobs(self) -> Keys:
        """The jobs list, which is always open."""
        return (RequestKey.job_list(limit=PAGE_LIMIT),)

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
        return (RequestKey.audit(limit=AUDIT_LIMIT),) if self.open_audit else ()

    @cached_property
    def everything(self) -> Keys:
        """Every open key once: what a catch-up fetches."""
        return (*self.jobs_and_detail, *self.jobs_and_documents[1:], *self.audit)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientModel:
    """How one kind of client acts on signals."""

    policy: RefreshPolicy
    affected: Callable[[Signal, Screen], Keys]
    """The open keys that a signal makes stale; none: it asks for no refresh."""
    is_sequential: bool
    """Whether the refreshes of a flush wait for one another."""


def ios(*, window_ns: int) -> ClientModel:
    """Return the iOS app as designed: one refresh of the jobs list for each entity, awaited one by one."""
    policy = RefreshPolicy(window_ns, Coalescing.ENTITY)
    return ClientModel(policy=policy, affected=_affected_ios, is_sequential=True)


def web(*, window_ns: int) -> ClientModel:
    """Return the web app as designed: each open key that is stale is revalidated once, all side by side."""
    policy = RefreshPolicy(window_ns, Coalescing.REQUEST_KEY)
    return ClientModel(policy=policy, affected=_affected_web, is_sequential=False)


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
