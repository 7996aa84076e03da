"""The sink answers what Apple's service would, and what it is told to."""

import orjson
import pytest

from loadtests.pipeline.push.sink_book import Refusal, SinkBook

TOKEN = "ab" * 32
HEADERS = {
    ":method": "POST",
    ":path": f"/3/device/{TOKEN}",
    "authorization": "bearer x",
    "apns-id": "6b1f0c7e-0000-4000-8000-000000000001",
    "apns-topic": "org.example",
    "apns-push-type": "alert",
    "apns-priority": "10",
}
BODY = b'{"aps": {}}'


def test_a_name_accepted_twice_is_one_notification() -> None:
    """The second time is answered alike and counted apart."""
    book = SinkBook()
    statuses = [book.answer(HEADERS, BODY).status for _ in range(2)]

    assert statuses == [200, 200]
    assert book.counts() == {"requests": 2, "accepted": 1, "repeated": 1, "refused": {}}


@pytest.mark.parametrize(
    ("changed", "body", "status", "reason"),
    [
        ({":method": "GET"}, BODY, 405, "MethodNotAllowed"),
        ({":path": "/elsewhere"}, BODY, 404, "BadPath"),
        ({":path": "/3/device/xyz"}, BODY, 400, "BadDeviceToken"),
        ({"authorization": ""}, BODY, 403, "MissingProviderToken"),
        ({"apns-topic": ""}, BODY, 400, "MissingTopic"),
        ({"apns-push-type": "loud"}, BODY, 400, "InvalidPushType"),
        ({"apns-priority": "11"}, BODY, 400, "BadPriority"),
        ({"apns-collapse-id": "x" * 65}, BODY, 400, "BadCollapseId"),
        ({"apns-expiration": "soon"}, BODY, 400, "BadExpirationDate"),
        ({"apns-id": "7"}, BODY, 400, "BadMessageId"),
        ({}, b"", 400, "PayloadEmpty"),
        ({}, b'{"aps": {}, "x": "' + b"y" * 4096 + b'"}', 413, "PayloadTooLarge"),
        ({}, b"[]", 400, "PayloadInvalid"),
    ],
)
def test_a_malformed_request_is_refused_with_its_reason(
    changed: dict[str, str], body: bytes, status: int, reason: str
) -> None:
    """And counted by status."""
    book = SinkBook()
    answer = book.answer({**HEADERS, **changed}, body)

    assert (answer.status, orjson.loads(answer.body)["reason"]) == (status, reason)
    assert book.counts()["refused"] == {str(status): 1}


def test_refusals_end_after_so_many_times() -> None:
    """Two of 429, then it is accepted."""
    book = SinkBook(refusals=[Refusal.from_command({"status": 429, "times": 2, "retry_after_s": 3})])
    answers = [book.answer(HEADERS, BODY) for _ in range(3)]

    assert [answer.status for answer in answers] == [429, 429, 200]
    assert ("retry-after", "3") in answers[0].headers
    assert orjson.loads(answers[0].body) == {"reason": "TooManyRequests"}


def test_a_refusal_may_be_for_some_devices() -> None:
    """Others are accepted; 410 says since when the device is gone."""
    book = SinkBook(refusals=[Refusal.from_command({"status": 410, "tokens": ["cd" * 8], "timestamp_ms": 5})])
    gone = book.answer({**HEADERS, ":path": "/3/device/" + "cd" * 8}, BODY)

    assert book.answer(HEADERS, BODY).status == 200
    assert orjson.loads(gone.body) == {"reason": "Unregistered", "timestamp": 5}
