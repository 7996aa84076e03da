"""Who hears of a row."""

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from loadtests.pipeline.realtime.audiences import AudienceKey, Audiences, TableBinding
from loadtests.pipeline.realtime.claims import Claims
from loadtests.pipeline.realtime.filters import Text, TypedCondition
from loadtests.wire.phoenix import Vsn

TABLE = ("public", "realtime_events")


class Listener:
    """A channel that hears nothing: only its identity counts."""

    def deliver(self, frames: bytes, count: int) -> None:
        """Do nothing."""


def key(*bindings: TableBinding, user: str = "u") -> AudienceKey:
    """Return the key of a user's channel."""
    return AudienceKey(
        topic="realtime:a", vsn=Vsn.V2, bindings=bindings, claims=Claims(role="authenticated", text=user)
    )


def binding(number: int, *, event: str = "INSERT", org: str | None = None, operator: str = "eq") -> TableBinding:
    """Return a binding, filtered by `org` if there is one."""
    conditions = () if org is None else (
        TypedCondition(column="org", type="text", type_name="text", operator=operator, value=org),
    )  # fmt: skip
    return TableBinding(id=number, event=event, table=TABLE, conditions=conditions)


def unasked(condition: TypedCondition, text: str) -> bool | None:
    """Fail: no condition here is for the database."""
    raise AssertionError((condition, text))


def heard(audiences: Audiences, kind: str, org: str | None) -> list[tuple[str, tuple[int, ...]]]:
    """Return the claims and ids that a row matches."""
    found = audiences.match(TABLE, kind, {"org": org}, unasked)
    return sorted((audience.key.claims.text, ids) for audience, groups in found.items() for _, ids in groups)


def test_row_reaches_those_who_asked_for_it() -> None:
    """Event and filter decide; null is no match."""
    audiences = Audiences()
    audiences.put(Listener(), key(binding(1, org="a"), user="of a"))
    audiences.put(Listener(), key(binding(1, org="b"), user="of b"))
    audiences.put(Listener(), key(binding(2, event="*"), user="of all"))

    assert heard(audiences, "INSERT", "a") == [("of a", (1,)), ("of all", (2,))]
    assert heard(audiences, "UPDATE", "a") == [("of all", (2,))]
    assert heard(audiences, "INSERT", None) == [("of all", (2,))]


def test_one_match_holds_the_ids_of_all_matching_bindings() -> None:
    """Several bindings of a channel make one message; the same binding twice gives its id twice."""
    audiences = Audiences()
    audiences.put(Listener(), key(binding(1, org="a"), binding(2, org="x"), binding(3), binding(1, org="a")))

    assert heard(audiences, "INSERT", "a") == [("u", (1, 3, 1))]


def test_equal_channels_are_one_audience() -> None:
    """A thousand sockets of one user and organization are matched once."""
    audiences = Audiences()
    for _ in range(3):
        audiences.put(Listener(), key(binding(1, org="a")))
    (audience,) = audiences.match(TABLE, "INSERT", {"org": "a"}, unasked)

    assert len(audience.members()) == 3


def test_members_at_the_match_are_kept_while_others_come_and_go() -> None:
    """A batch under way is delivered to those it was matched for."""
    audiences = Audiences()
    first, second = Listener(), Listener()
    audiences.put(first, key(binding(1, org="a")))
    (audience,) = audiences.match(TABLE, "INSERT", {"org": "a"}, unasked)
    before = audience.members()
    audiences.put(first, key(binding(1, org="a"), user="fresh claims"))
    audiences.put(second, key(binding(1, org="a")))

    assert before == (first,)
    assert heard(audiences, "INSERT", "a") == [("fresh claims", (1,)), ("u", (1,))]


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.sampled_from(["drop", "eq", "neq", "all"]), st.sampled_from("ab")),
        max_size=20,
    )
)
def test_index_finds_what_looking_at_everybody_finds(steps: list[tuple[int, str, str]]) -> None:
    """After any joins and leaves, matching equals asking each subscription, and nothing remains at the end."""
    audiences = Audiences()
    listeners = [Listener() for _ in range(4)]
    wanted: dict[int, TableBinding] = {}
    for number, what, org in steps:
        if what == "drop":
            audiences.drop(listeners[number])
            wanted.pop(number, None)
        else:
            one = binding(number + 1) if what == "all" else binding(number + 1, org=org, operator=what)
            audiences.put(listeners[number], key(one, user=str(number)))
            wanted[number] = one
    for org in "ab":
        columns: Any = {"org": org}
        expected = sorted((str(n), (b.id,)) for n, b in wanted.items() if b.matches("INSERT", columns, unasked))
        assert heard(audiences, "INSERT", org) == expected
    for listener in listeners:
        audiences.drop(listener)

    assert not audiences.concerns(TABLE)
    assert (audiences.listening(TABLE), audiences.roles(TABLE)) == ((), frozenset())
    assert audiences.listener_count == 0


def test_selections_make_messages_of_their_own() -> None:
    """Bindings of one channel that want different columns get one message each, everything first."""
    audiences = Audiences()
    audiences.put(
        Listener(),
        key(replace(binding(1), select=("b",)), binding(2), replace(binding(3), select=("a",)), binding(4)),
    )
    (groups,) = audiences.match(TABLE, "INSERT", {}, unasked).values()

    assert groups == ((None, (2, 4)), (("a",), (3,)), (("b",), (1,)))


def test_what_the_database_must_compare_is_known_beforehand() -> None:
    """A pattern is asked about only for rows of the right kind whose column is there."""
    audiences = Audiences()
    audiences.put(Listener(), key(binding(1, org="a%", operator="like")))
    columns: list[dict[str, Text]] = [{"org": "ab"}, {"org": None}, {}]
    undecided = [
        [text for _, text in audiences.undecided(TABLE, kind, one)] for kind in ("INSERT", "UPDATE") for one in columns
    ]

    assert audiences.ask_the_database
    assert undecided == [["ab"], [], [], [], [], []]
