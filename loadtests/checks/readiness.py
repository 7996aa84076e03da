"""Why a target is not ready, in one sentence that says what to do: from what one job met on its way to a screen.

Pure: observations in, a sentence out. Steps are judged in the order in which a change passes them, and the first that
failed is the one to mend.
"""

from dataclasses import dataclass
from typing import Final

_OK: Final = (200, 201)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What an HTTP request came to."""

    url: str
    status: int = 0
    """0: there was no answer."""
    says: str = ""
    """The answer's code or message, or why there was none."""
    is_understood: bool = True
    """Whether it could be understood: a list of jobs, or a job with an id."""

    @property
    def is_ok(self) -> bool:
        """Whether it is what was hoped for."""
        return self.status in _OK and self.is_understood


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What one job met; None: it did not come so far, or nobody may look."""

    listed_before: Answered
    realtime_url: str
    socket_trouble: str | None = None
    """Why there is no WebSocket."""
    join_refusal: str | None = None
    """What Realtime said instead of ok."""
    subscription_refusal: str | None = None
    """What the system message said instead of subscribed."""
    is_live: bool = False
    created: Answered | None = None
    has_event_row: bool | None = None
    """Whether `realtime_events` holds a row of the job; None: nobody may look."""
    is_signalled: bool = False
    is_listed: bool | None = None
    """Whether the list shows the job in the end."""
    jobs_listed: int | None = None
    """How many jobs the list had at first."""
    jobs_there: int = 0
    """How many of the organization's jobs a first page has room for: so many at least must have been listed."""
    refused: tuple[str, Answered] | None = None
    """What else of the job the run will ask for and was refused, with the answer."""
    stuck_in: str | None = None
    """What was under way when nobody would wait any longer; nothing else was seen then."""


def diagnose(seen: Observed) -> str | None:
    """Return what is wrong and what to do about it; None: the job passed the whole pipeline."""
    trouble = _of_list(seen) or _of_realtime(seen)
    if trouble is not None:
        return trouble
    if seen.created is None or not seen.created.is_ok:
        return refusal("a new job", seen.created) if seen.created else "no job was created: the probe ended before"
    if not seen.is_signalled:
        return _of_signal(seen)
    if not seen.is_listed:
        return (
            "a job was created and its event received, but the jobs list does not show it: does the list show this "
            "organization, newest first? See the route of the list in the target file"
        )
    if seen.refused is not None:
        what, answer = seen.refused
        return refusal(f"{what}, which this scenario needs", answer)
    return None


def _of_list(seen: Observed) -> str | None:
    if seen.stuck_in is not None:
        return (
            f"{seen.stuck_in} did not come to an end: the name cannot be looked up, none of its addresses answers, or "
            "somebody answers a little at a time; check the address, and what lies between"
        )
    if not seen.listed_before.is_ok:
        return refusal("the jobs list", seen.listed_before)
    if seen.jobs_listed is not None and seen.jobs_listed < seen.jobs_there:
        return (
            f"{seen.listed_before.url} (the jobs list) shows {seen.jobs_listed} of {seen.jobs_there} jobs that are on "
            "the first page of 25: is it the organization's, and is its page as long as was asked for? See pages and "
            "[api.query] in the target file"
        )
    return None


_HINTS: Final = {
    401: "is the token fresh, and signed with the backend's secret (keys.jwt_secret)?",
    402: "a plan gate; give the organizations a plan with [[provision.each_organization]]",
    403: "the user's role or the organization's plan does not allow it; see [[provision.each_organization]], and the "
    "role in the CSV file",
    404: "no such path; check api_url, which must not repeat the routes' own, and [api.routes]",
    428: "terms are not accepted; add a row with [[provision.each_user]], or let the users accept them",
    429: "the backend limits requests; wait, or ask its owner to exempt the test's users",
}


def refusal(what: str, answer: Answered) -> str:
    """Return why the jobs API did not do what was asked, and what helps."""
    where = f"{answer.url} ({what})"
    if answer.status == 0:
        return f"{where} cannot be reached: {answer.says}; check api_url, and that the backend runs"
    said = f" ({answer.says})" if answer.says else ""
    return f"{where} answers {answer.status}{said}: {_hint(answer)}"


def _hint(answer: Answered) -> str:
    if answer.status == 403 and "ORGANIZATION" in answer.says:
        return (
            "the user is no member of the organization; a row in organization_members is missing, or the CSV file "
            "names another organization"
        )
    if answer.status == 403 and answer.says == "USER_NOT_PROVISIONED":
        return "the backend has no such user; a row in users is missing"
    if answer.status >= 500:
        return "the backend itself fails; see its log"
    if answer.status in _OK:
        return "something else than expected; check api_url, and envelope, lists and fields in [api]"
    return _HINTS.get(answer.status, "nobody here expected that; see the backend's log")


def _of_realtime(seen: Observed) -> str | None:
    where = seen.realtime_url
    if seen.socket_trouble is not None:
        return f"{where} opens no WebSocket: {seen.socket_trouble}; check the URL and keys.anon"
    if seen.join_refusal is not None:
        return (
            f"{where} refuses the channel: {seen.join_refusal}; check the users' tokens, and that they are members of "
            "the organization"
        )
    if seen.subscription_refusal is not None:
        return (
            f"{where} joins and then refuses the subscription: {seen.subscription_refusal}; is realtime_events in the "
            "publication supabase_realtime, and may the role authenticated select from it?"
        )
    if not seen.is_live:
        return (
            f"{where} joins and never says that changes flow: a cold project needs some seconds, a second try helps "
            "then; else Realtime does not reach its database"
        )
    return None


def _of_signal(seen: Observed) -> str:
    if seen.has_event_row is False:
        return (
            "a job was created and acknowledged, but realtime_events holds no row for it: the backend does not emit, "
            "or its insert fails; see its log for warnings about realtime events"
        )
    row = "its event row is there" if seen.has_event_row else "whether its event was written nobody may look"
    return (
        f"a job was created ({row}), but a live member of its organization received nothing: is the user in "
        "organization_members, does the row-level security of realtime_events let members read, is the table in the "
        "publication supabase_realtime, and is the plan's messages limit kept?"
    )
