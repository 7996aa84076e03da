"""What a waiting socket keeps."""

from loadtests.pipeline.realtime.waiting import MAX_INCOMING_BYTES, Wait


def test_both_directions_are_kept_in_order() -> None:
    """Frames for the client, messages from it."""
    wait = Wait(lambda: None)
    wait.take(b"first", binary=False)
    wait.take(b"second", binary=True)
    wait.write([b"a", b"b"])
    wait.write([b"c"])

    assert wait.incoming == [(b"first", False), (b"second", True)]
    assert (wait.outgoing, wait.outgoing_bytes) == ([b"a", b"b", b"c"], 3)


def test_there_is_an_end_to_what_is_kept_of_a_client() -> None:
    """Nothing is read meanwhile; what had been read already is bounded."""
    wait = Wait(lambda: None)

    assert [wait.take(b"x" * (MAX_INCOMING_BYTES // 2), binary=False) for _ in range(3)] == [True, True, False]


def test_a_wait_can_be_ended_before_its_time() -> None:
    """The socket has gone."""
    ended: list[str] = []
    Wait(lambda: ended.append("ended")).cancel()

    assert ended == ["ended"]
