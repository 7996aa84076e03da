"""Which request keys a signal asks a device of each model to refresh, and what a scenario replaces of a model."""

from dataclasses import replace
from typing import Final

import pytest

from loadtests.clients.fetching import Discipline, SingleFlight
from loadtests.clients.habits import Background as Socket
from loadtests.clients.habits import Habits, Order, Unauthorized
from loadtests.clients.models import ClientModel, Screen, client_model, hybrid, ios, web
from loadtests.clients.policy import Coalescing, Edge, RefreshPolicy
from loadtests.clients.requests import Cause
from loadtests.clients.signals import Signal, Subject
from loadtests.clients.views import ViewRule
from loadtests.scenario.devices import Background, Refresh
from loadtests.scenario.vocabulary import DeviceModel
from loadtests.wire.event_types import EventType

MS = 1_000_000
S = 1_000_000_000
WINDOW_NS = 500 * MS
MODELS = {model: client_model(model, window_ns=WINDOW_NS) for model in DeviceModel}
IOS, WEB, POLLER, HYBRID, IOS_AS_BUILT, WEB_AS_BUILT = (MODELS[model] for model in DeviceModel)

LIST, JOB, DOCUMENTS, AUDIT = (
    "/api/jobs?page=1&limit=25",
    "/api/jobs/j1",
    "/api/jobs/j1/documents",
    "/api/audit/events?limit=50",
)


def paths(model: ClientModel, signal: Signal, screen: Screen) -> list[str]:
    """Return what a signal makes a device fetch."""
    return [key.path for key in model.affected(signal, screen)]


def of_type(event_type: EventType, *, job_id: str = "j1") -> Signal:
    """Return what a device understands of an event: `j1` is the open job, evidence has an id of its own."""
    family = event_type.wire_name.partition(".")[0]
    subject = {"job": Subject.JOB, "evidence": Subject.EVIDENCE, "audit": Subject.AUDIT}.get(family, Subject.OTHER)
    entity_id = job_id if subject is Subject.JOB else "e1"
    is_upload = event_type is EventType.EVIDENCE_UPLOADED
    return Signal(subject=subject, is_upload=is_upload, entity=f"{family}:{entity_id}", entity_id=entity_id)


E = EventType
WHAT_EACH_ASKS: Final[dict[EventType, tuple[list[str], list[str]]]] = {
    # event type: (iOS, web and hybrid), both with a job and the audit feed open
    E.JOB_CREATED: ([LIST], [LIST, JOB]),
    E.JOB_UPDATED: ([LIST], [LIST, JOB]),
    E.JOB_ARCHIVED: ([LIST], [LIST, JOB]),
    E.JOB_FLAGGED: ([LIST], [LIST, JOB]),
    E.JOB_DELETED: ([LIST], [LIST, JOB]),
    E.EVIDENCE_UPLOADED: ([LIST], [LIST, DOCUMENTS]),
    E.EVIDENCE_SYNCED: ([], [LIST, DOCUMENTS]),
    E.EVIDENCE_VERIFIED: ([], [LIST, DOCUMENTS]),
    E.AUDIT_APPENDED: ([], [AUDIT]),
    E.MITIGATION_COMPLETED: ([], []),
    E.EXPORT_READY: ([], []),
    E.PROOF_PACK_GENERATED: ([], []),
    E.OTHER: ([], []),
}


@pytest.mark.parametrize("event_type", EventType)
def test_what_each_event_type_asks_of_each_model(event_type: EventType) -> None:
    """The iOS app fetches its page for jobs and uploads, the web app what is open; the web as built nothing."""
    on_ios, on_web = WHAT_EACH_ASKS[event_type]
    asked = {
        model: paths(own, of_type(event_type), own.screen(open_job_id="j1", open_audit=True))
        for model, own in MODELS.items()
    }

    assert asked == {
        DeviceModel.IOS: on_ios,
        DeviceModel.IOS_AS_BUILT: on_ios,
        DeviceModel.WEB: on_web,
        DeviceModel.HYBRID: on_web,
        DeviceModel.WEB_AS_BUILT: [],
        DeviceModel.POLLER: [],
    }


@pytest.mark.parametrize("model", [WEB, HYBRID], ids=lambda model: model.name)
def test_another_job_is_not_the_open_one(model: ClientModel) -> None:
    """Its event makes the list stale and leaves the open job alone; so does one that names no job."""
    screen = model.screen(open_job_id="j1")
    nameless = Signal(subject=Subject.JOB, is_upload=False, entity="job:None", entity_id=None)

    assert paths(model, of_type(E.JOB_UPDATED, job_id="j2"), screen) == [LIST]
    assert paths(model, nameless, screen) == [LIST]


@pytest.mark.parametrize("model", [WEB, HYBRID], ids=lambda model: model.name)
def test_with_nothing_open_there_is_the_list(model: ClientModel) -> None:
    """Neither detail nor documents nor feed is on the screen."""
    asked = [
        paths(model, of_type(event_type), model.screen())
        for event_type in (E.JOB_UPDATED, E.EVIDENCE_VERIFIED, E.AUDIT_APPENDED)
    ]

    assert asked == [[LIST], [LIST], []]


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (DeviceModel.IOS, [LIST]),
        (DeviceModel.IOS_AS_BUILT, [LIST]),
        (DeviceModel.POLLER, [LIST]),
        (DeviceModel.WEB, [LIST, JOB, DOCUMENTS, AUDIT]),
        (DeviceModel.HYBRID, [LIST, JOB, DOCUMENTS, AUDIT]),
        (DeviceModel.WEB_AS_BUILT, ["/api/jobs?page=1&limit=50", "/api/audit/events?limit=100"]),
    ],
)
def test_a_catch_up_fetches_every_key_that_the_model_keeps_fresh(model: DeviceModel, expected: list[str]) -> None:
    """Each once, in this order; what a model never fetches again is not on its screen."""
    screen = MODELS[model].screen(open_job_id="j1", open_audit=True)

    assert [key.path for key in screen.everything] == expected


def test_the_models_as_designed() -> None:
    """One page of the design: 500 ms of quiet, subscribe first, catch up whenever live, keep the socket."""
    for model in (IOS, WEB):
        assert model.policy.edge is Edge.TRAILING
        assert (model.policy.max_wait_ns, model.policy.jitter_ns) == (None, 0)
        assert replace(model.habits, on_unauthorized=Unauthorized.RENEW) == Habits()
    assert (IOS.habits.on_unauthorized, WEB.habits.on_unauthorized) == (Unauthorized.LOG_OUT, Unauthorized.RENEW)
    assert (IOS.policy.coalescing, WEB.policy.coalescing) == (Coalescing.ENTITY, Coalescing.REQUEST_KEY)
    assert (IOS.is_sequential, WEB.is_sequential) == (True, False)
    assert (IOS.views, WEB.views) == (ViewRule.MERGE, ViewRule.REPLACE)
    assert (IOS.discards_overtaken, WEB.discards_overtaken) == (False, True)
    assert IOS.discipline.single_flight_causes == (Cause.CATCH_UP, Cause.POLL)
    assert WEB.discipline == Discipline(is_sequential=False)


def test_the_ios_app_as_built() -> None:
    """Its timer flushes when it is restarted, it does not come back, and its list only grows."""
    assert replace(IOS_AS_BUILT.policy, edge=Edge.TRAILING) == IOS.policy
    assert IOS_AS_BUILT.policy.edge is Edge.FLUSH_ON_CANCEL
    assert IOS_AS_BUILT.habits == Habits(
        order=Order.TOGETHER,
        background=Socket.UNSUBSCRIBE,
        comes_back=False,
        catches_up_when_live_again=False,
        on_unauthorized=Unauthorized.LOG_OUT,
    )
    assert IOS_AS_BUILT.views is ViewRule.MERGE_KEEP
    assert IOS_AS_BUILT.discipline == IOS.discipline


def test_the_web_app_as_built() -> None:
    """Only SWR's own revalidations cost requests, and 5 s after an answer not even those."""
    assert WEB_AS_BUILT.habits == Habits(
        order=Order.TOGETHER, catch_up_after_ns=300 * S, catches_up_when_live_again=False, focus_fetches=True
    )
    assert WEB_AS_BUILT.discipline.dedupe_ns == 5 * S
    assert WEB_AS_BUILT.discipline.deduped_causes == (Cause.CATCH_UP, Cause.FOCUS)
    assert WEB_AS_BUILT.list_limit == 50
    assert WEB_AS_BUILT.discards_overtaken


def test_the_hybrid_bounds_push_in_every_direction() -> None:
    """At 500 ms: no signal waits longer than 1 s and up to 250 ms of jitter; a poll a minute; single flight."""
    assert HYBRID.policy == RefreshPolicy(WINDOW_NS, Coalescing.REQUEST_KEY, max_wait_ns=1_000 * MS, jitter_ns=250 * MS)
    assert HYBRID.habits == Habits(safety_poll_ns=60 * S)
    assert HYBRID.discipline == Discipline(is_sequential=False, single_flight=SingleFlight.AGAIN)


def test_models_have_the_names_of_scenarios() -> None:
    """And the three that have a function of their own are what the scenario's word gives."""
    assert {model.key: own.name for model, own in MODELS.items()} == {model.key: model.key for model in DeviceModel}
    assert (ios(window_ns=WINDOW_NS), web(window_ns=WINDOW_NS), hybrid(window_ns=WINDOW_NS)) == (IOS, WEB, HYBRID)


@pytest.mark.parametrize("model", DeviceModel)
def test_a_scenario_that_says_nothing_leaves_a_model_its_ways(model: DeviceModel) -> None:
    """Empty tables replace nothing."""
    said = client_model(model, window_ns=WINDOW_NS, refresh=Refresh(), background=Background())

    assert said == MODELS[model]


@pytest.mark.parametrize("model", DeviceModel)
def test_a_scenario_replaces_what_it_names(model: DeviceModel) -> None:
    """Edge and socket are replaced, nothing beside them."""
    own = MODELS[model]
    said = client_model(
        model, window_ns=WINDOW_NS, refresh=Refresh(edge="fixed-window"), background=Background(socket="close")
    )

    assert said == replace(
        own,
        policy=replace(own.policy, edge=Edge.FIXED_WINDOW),
        habits=replace(own.habits, background=Socket.UNSUBSCRIBE),
    )


def test_every_key_of_a_scenario_reaches_the_model() -> None:
    """Milliseconds and seconds become nanoseconds; a zero is a value like any other."""
    refresh = Refresh(edge="leading-and-trailing", max_wait_ms=1_500, coalescing="none", jitter_ms=0)
    background = Background(socket="keep", order="fetch-first", catch_up_after_s=0.5)
    said = client_model(DeviceModel.HYBRID, window_ns=7, refresh=refresh, background=background)

    assert said.policy == RefreshPolicy(
        7, Coalescing.NONE, Edge.LEADING_AND_TRAILING, max_wait_ns=1_500 * MS, jitter_ns=0
    )
    assert said.habits == Habits(
        order=Order.FETCH_FIRST, catch_up_after_ns=500 * MS, background=Socket.KEEP_SOCKET, safety_poll_ns=60 * S
    )


WORDS = [("edge", Edge), ("coalescing", Coalescing)]


@pytest.mark.parametrize(("key", "members"), WORDS, ids=[key for key, _ in WORDS])
def test_a_scenario_can_say_every_member(key: str, members: type[Edge | Coalescing]) -> None:
    """Each word of the scenario names a member, and each member has a word."""
    said = [
        getattr(client_model(DeviceModel.WEB, window_ns=1, refresh=Refresh.model_validate({key: word})).policy, key)
        for word in (member.name.lower().replace("_", "-") for member in members)
    ]

    assert said == list(members)
