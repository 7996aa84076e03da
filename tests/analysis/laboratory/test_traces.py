"""What a replay is made from: signals while somebody looked, looks away, fetches for other reasons."""

from loadtests.analysis.laboratory.reading import read_traces
from loadtests.analysis.laboratory.traces import Arrival, Fetching, LookAway, Traces
from loadtests.clients.requests import Cause, KeyKind, RequestKey
from loadtests.clients.roles import models_of
from loadtests.clients.signals import Subject
from loadtests.scenario.vocabulary import DeviceModel, MutationKind
from tests.analysis.literal import LIST, MS, Story


def traces_of(story: Story) -> Traces:
    """Return the traces of a story."""
    return read_traces(story.run(), models_of(story.scenario), story.history.names)


def ios_alone() -> Story:
    """Return one iOS device, from -5 to 20 s."""
    return Story(subscribers={"count": 1, "web": 0}).clock().live(0).body("page", ("job", 2))


def test_a_trace_holds_signals_fetches_and_looks_away_in_their_order() -> None:
    """Away from 3 to 4 s; what came then is not among them, and the flush is the policy's affair."""
    story = ios_alone().away(0, 3000, 4000).mutation(0, 100).mutation(1, 3300)
    story.fetch(0, -3900, -3880, "page", cause=Cause.CATCH_UP)
    story.signal(0, "e0", 110, batch=1).fetch(0, 610, 620, "page", batch=1).signal(0, "e1", 3310, flag=0)

    (trace,) = traces_of(story).each

    assert [(type(step), step.at_ns // MS) for step in trace.steps] == [
        (Fetching, -3900),
        (Arrival, 110),
        (LookAway, 3000),
        (LookAway, 20_000),
    ]


def test_a_signal_is_understood_as_the_device_understood_it() -> None:
    """A job's event is about the job, a document's about something new; iOS refreshes its list for both."""
    story = ios_alone().mutation(0, 100).mutation(1, 200, kind=MutationKind.DOCUMENT, document=1)
    story.signal(0, "e0", 110, batch=1).signal(0, "e1", 210, batch=1)

    (trace,) = traces_of(story).each
    arrivals = [step for step in trace.steps if isinstance(step, Arrival)]

    assert [(each.signal.subject, each.signal.entity_id) for each in arrivals] == [
        (Subject.JOB, "job"),
        (Subject.EVIDENCE, None),
    ]
    assert [key.path for each in arrivals for key in each.keys] == [LIST, LIST]


def test_the_open_job_asks_for_its_detail() -> None:
    """The web device has a seeded job open: two keys for an event of that job."""
    story = Story(subscribers={"count": 1, "ios": 0, "web_open_job": 1.0}).clock().live(0, model=DeviceModel.WEB)
    open_job = story.population.job_id(0, 0)
    story.mutation(0, 100, job=open_job).mutation(1, 200, job="other").signal(0, "e0", 110).signal(0, "e1", 210)

    (trace,) = traces_of(story).each
    asked = [(step.at_ns // MS, len(step.keys)) for step in trace.steps if isinstance(step, Arrival)]

    assert asked == [(110, 2), (210, 1)]


def test_keys_are_numbered_whether_signals_or_fetches_name_them() -> None:
    """A key that was only caught up has a number too."""
    story = ios_alone().mutation(0, 100).signal(0, "e0", 110, batch=1)
    story.fetch(0, -3900, -3880, "page", cause=Cause.CATCH_UP, key="/api/jobs/x")

    traces = traces_of(story)

    assert set(traces.keys) == {RequestKey(KeyKind.JOB_LIST, LIST), RequestKey(KeyKind.JOB, "/api/jobs/x")}
    assert traces.key_of_name.max() == traces.keys[RequestKey(KeyKind.JOB, "/api/jobs/x")]


def test_pollers_have_no_trace() -> None:
    """No signal comes to them."""
    story = Story(subscribers={"count": 1, "web": 0}, pollers=[{"interval_s": 5, "count": 1}])
    story.clock().live(0).live(1, model=DeviceModel.POLLER)

    assert traces_of(story).devices == 1
