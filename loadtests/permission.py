"""Whether a run may begin: hosts that are allowed and confirmed, caps of the target's owner, and limits of its plan.

Puts the questions in the order in which people can answer them. Nothing has been sent when it says no.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from loadtests.checks.guard import NO_CAPS, Caps, GuardError, check_caps, check_hosts, database_hosts, external_hosts
from loadtests.checks.preflight import Severity, refused
from loadtests.checks.proxies import proxy_note
from loadtests.dry_run import DryRun, refusal
from loadtests.targets.allowed_hosts import AllowList


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is going to be loaded, and what was said about that."""

    urls: Sequence[str]
    """Everything that the run sends requests to."""
    database_url: str = ""
    """The database that it writes to and reads from by itself; empty for none."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """What a database's client looks at besides, and where proxies are named."""
    caps: Caps = NO_CAPS
    caps_stand_in: str = ""
    allow_list: AllowList
    confirmed: Sequence[str] = ()
    is_forced: bool = False
    keeps_plan: bool = True
    """Whether losing what its plan does not allow would spoil the run; an embedded pipeline may be meant to lose it."""


def permit(told: DryRun, request: Request) -> Iterator[str]:
    """Yield what people should know before the run begins.

    Raises:
        GuardError: it must not begin; the text says why, and what allows it.

    """
    permit_hosts(request)
    _check_caps(told, request)
    if (note := proxy_note(request.environment, external_hosts(request.urls))) is not None:
        yield note
    if not request.keeps_plan:
        return
    certain = refused(told.findings)
    if certain and not request.is_forced:
        raise GuardError(refusal(certain))
    for finding in told.findings:
        if finding.severity is not Severity.FINE:
            yield f"{finding.limit}: {finding.says}"


def missing(told: DryRun, request: Request) -> Iterator[str]:
    """Yield what the run would be refused for beside its plan's limits, which a dry run tells at length."""
    for check in (_check_hosts, _check_caps):
        try:
            check(told, request)
        except GuardError as error:
            yield str(error)


def permit_hosts(request: Request) -> None:
    """Refuse hosts that are not this machine, unless they are allowed and confirmed.

    Raises:
        GuardError: the text says which, and what allows it.

    """
    databases = database_hosts(request.database_url, request.environment)
    check_hosts(
        tuple(dict.fromkeys((*external_hosts(request.urls), *databases))),
        allowed=request.allow_list.hosts,
        confirmed=request.confirmed,
        allow_list=request.allow_list.where,
    )


def _check_hosts(_told: DryRun, request: Request) -> None:
    permit_hosts(request)


def _check_caps(told: DryRun, request: Request) -> None:
    check_caps(told.load, request.caps, where=request.caps_stand_in)
