"""The vocabulary of the ledger: every kind of row, and what its fields hold.

One fixed row of 40 bytes, the same in the memory-mapped file and in numpy. `kind` stands last, so that a row
torn by SIGKILL in the middle of its write still has kind 0, "never written". Fields that a kind does not name
are 0 (`entity` is NO_ENTITY). `entity` always is a name of the shard's dictionary, or NO_ENTITY.

All stamps are CLOCK_MONOTONIC nanoseconds of one host, except where a field is called *wall*: nanoseconds since
the Unix epoch by the database's clock.
"""

from enum import IntEnum, IntFlag
from typing import Final

import numpy as np

from loadtests.clients.endings import DownCause, Leaving, NotFetched

__all__ = [
    "MANY_READS",
    "NOBODY",
    "NO_ENTITY",
    "READS_UNIT",
    "ROW",
    "ROW_FORMAT",
    "DownCause",
    "ItemFlag",
    "Kind",
    "Leaving",
    "NotFetched",
    "Process",
    "SignalFlag",
    "TruthSource",
    "Unsent",
]

ROW_FORMAT: Final = "<qqqiiiHH"
ROW: Final = np.dtype(
    [
        ("at_ns", "<i8"),
        ("due_ns", "<i8"),
        ("value", "<i8"),
        ("revision", "<i4"),
        ("actor", "<i4"),
        ("entity", "<i4"),
        ("flag", "<u2"),
        ("kind", "<u2"),
    ]
)
NO_ENTITY: Final = -1
NO_COUNT: Final = -1
"""`value` of a job whose documents nobody could count."""
NOBODY: Final = -1
READS_UNIT: Final = 256
MANY_READS: Final = 255


class Kind(IntEnum):
    """What one row of the ledger says."""

    # --- mutators: `actor` is the mutation's index in the schedule -----------------------------------------
    DUE = 1
    """Dispatched. due_ns: when the schedule wanted it; value: organization; flag: MutationKind;
    entity: the job (NO_ENTITY for a create); revision: 1 + index of the subscriber who makes it, 0: a colleague
    without a device."""
    SENT = 2
    """Request written. due_ns as above; entity: the job (NO_ENTITY for a create); value: risk factors given."""
    ACKED = 3
    """Response complete, mutation done. due_ns: sent; entity: the job; revision: the job's revision in the
    response (0 for a document); value: bytes of the response; flag: HTTP status."""
    FAILED = 4
    """The target refused. due_ns: sent; flag: HTTP status; value: bytes of the response; entity: why, as text."""
    UNKNOWN = 5
    """No response: timed out or connection lost. due_ns: sent; entity: why, as text."""
    UNSENT = 6
    """Dispatched, never sent: the run ended, or no job was free to be changed. value: an `Unsent` reason."""

    # --- subscribers: `actor` is the device's index ---------------------------------------------------------
    LOGIN = 20
    """The device's lifetime in an organization begins, in the foreground. value: organization; flag: DeviceModel."""
    OPENED = 21
    """WebSocket open. due_ns: when it began to connect."""
    JOINED = 22
    """Join reply ok."""
    LIVE = 23
    """`system: Subscribed to PostgreSQL`: changes flow from here."""
    DOWN = 24
    """Not live any more. value: WebSocket close code (0: unknown); flag: a `DownCause`."""
    LOGOUT = 25
    """The device's lifetime in its organization ends. flag: why, a `Leaving`."""
    EVENT_NAMED = 26
    """First sight of an event in this shard. entity: the event; value: its commit_timestamp, wall ns (0: none);
    revision: its organization's index (NOBODY: not of this run); flag: EventType; due_ns: 1 + the index of the mutation
    that its payload names, 0: none of this run."""
    SIGNAL = 27
    """One event received by one device. entity: the event; value: number of the batch that it falls into
    (0: it asks for no refresh); due_ns: bytes of the frame; flag: SignalFlag bits."""
    FLUSH = 28
    """Debounce over. value: number of the batch; revision: signals in it."""
    REQUESTED = 29
    """A re-fetch is written to its connection. due_ns: when it was wanted (flush, poll or catch-up);
    entity: request key; value: fetch number, unique in the shard; revision: batch (0: none); flag: Cause."""
    ANSWERED = 30
    """That re-fetch is complete. due_ns: requested; entity: the answer's body (NO_ENTITY when it failed), for a 304
    the one that the device has already; value: fetch number; revision: HTTP status (0: no response); flag: Cause, plus
    READS_UNIT times the statements that the target's database was asked (0: not told; at most MANY_READS)."""
    BODY = 31
    """First sight of a body in this shard. entity: the body; value: its bytes; revision: items in it;
    flag: KeyKind. Its BODY_ITEM rows follow."""
    BODY_ITEM = 32
    """One item of a body. value: the body (a name); entity: job, document or event; revision: the job's
    revision, 0 for others; due_ns: evidence count (jobs) ; actor: position; flag: ItemFlag bits."""
    REFUSED = 33
    """The target answered a connect, a join or a subscription with an error. value: HTTP status or 0;
    entity: the reason, as text."""
    BACKGROUND = 34
    """Nobody looks at the device from here. flag: 1 when it keeps its socket."""
    FOREGROUND = 35
    """Somebody looks at it again."""
    NOT_FETCHED = 36
    """A refresh that was asked for and not requested. entity: request key; value: batch (0: none); revision: Cause;
    flag: why, a `NotFetched`."""
    TOKEN = 37
    """The device sent a fresh access token on its channel. value: seconds until the old one would have expired."""

    # --- probes ---------------------------------------------------------------------------------------------
    CLOCK = 40
    """One exchange with the database's clock. at_ns: middle of the exchange; value: wall ns it told;
    due_ns: half of the exchange's duration, the bound of its error."""
    LOOP_LAG = 41
    """How late a timer of our own process ran. actor: Process; value: ns."""
    RECEIVE_AGE = 42
    """How long a byte that was readable waited in our own process. actor: Process; value: ns."""
    USAGE = 43
    """One sample of a process. actor: Process; value: CPU ns since its start; due_ns: resident bytes;
    flag: index when a process exists several times."""
    PHASE = 44
    """A phase begins. value: index of the phase in the scenario; revision: 1 while warming up."""
    ENDED = 45
    """The load ended. entity: why, as text; flag: 1 when it ended by itself, 0 when it was cut short."""

    FAULT = 46
    """The target was told to do something wrong and has agreed. due_ns: when it was wanted; entity: its kind and
    parameters, as text; value: the number that the target gave it."""
    TARGET_METRIC = 47
    """What the target says of itself; written when it has changed, `up` and `pg_up` at each asking. entity: the series
    with its labels, as text; value: whole part; due_ns: billionths beyond it. at_ns: when the answer was there."""

    RENEWED = 48
    """Somebody's session has a fresh access token. entity: the user; value: seconds for which the old one was still
    good (negative: it was not); flag: HTTP status."""
    NOT_RENEWED = 49
    """An attempt to renew a session failed. entity: why, as text; value: as above; flag: HTTP status (0: no answer);
    revision: 1 when nothing more is tried, for the session is over."""

    # --- the control group: `actor` is the control subscriber's number, value: index of the device that it shadows ---
    CONTROL_SUBSCRIBED = 50
    """The official client says SUBSCRIBED: it has the join reply."""
    CONTROL_LIVE = 51
    """The official client was told `system: Subscribed to PostgreSQL`."""
    CONTROL_DOWN = 52
    """It is not live any more, or left. entity: why, as text."""
    CONTROL_SIGNAL = 53
    """The official client called back with an event. entity: the event (NO_ENTITY: the frame did not tell)."""

    # --- truth: what the database held ---------------------------------------------------------------------
    TRUE_EVENT = 60
    """A row of realtime_events. due_ns: commit, wall ns (0: not known); value: created_at, wall ns;
    revision: mutation index (NOBODY: none carried or not of this run); actor: organization; entity: the event;
    flag: EventType. at_ns: when it was read."""
    TRUE_MUTATION = 61
    """A mutation that the database has. actor: mutation index; due_ns: its own commit, wall ns (0: not known);
    entity: job; revision: the job's revision after it; value: document's ordinal in its job (0: no document);
    flag: MutationKind."""
    TRUE_JOB = 62
    """A job as it stands at the end. entity: job; actor: organization; revision; due_ns: created_at, wall ns;
    value: documents (NO_COUNT: nobody tells); flag: ItemFlag bits."""
    TRUE_LIMITED = 64
    """What the limit of events a minute did to an event. entity: the event; value: earlier events of its key that it
    stands for, and that are no rows; flag: 1 when it carries a dedupe_key."""
    TRUE_SCORE = 65
    """The first risk score of a job that was created with risk factors. actor: the create's mutation index;
    due_ns: commit of the score, wall ns (0: not known); entity: job; revision: the job's revision with it."""
    TRUE_NOTIFICATION = 66
    """A push notification for one device, as it stands at the end. due_ns: when it was wanted, wall ns; value: when it
    was finished, wall ns (0: not yet); actor: organization; entity: job; revision: attempts; flag: what became of it,
    a `NotificationState`."""

    TRUTH = 67
    """From where the truth comes. flag: a `TruthSource`."""
    EVENT_ABOUT = 68
    """What an event is about whose payload names no request. entity: the event; value: the job (a name)."""


class TruthSource(IntEnum):
    """Who tells what really happened."""

    DATABASE = 1
    REST = 2
    """The database through its tables' API: without commits."""
    AGREEMENT = 3
    """The subscribers among themselves: what any of them received."""


class Unsent(IntEnum):
    """Why a mutation that was due was not sent."""

    POOL_EXHAUSTED = 1
    NO_FREE_JOB = 2
    RUN_ENDED = 3


class SignalFlag(IntFlag):
    """Properties of one signal."""

    ERRORS = 1
    """`errors` was not null: the event came degraded."""
    ASKS_REFRESH = 2
    """The device's model acts on this event."""
    PAUSED = 4
    """It would, but nobody looks: the catch-up in the foreground has to serve."""
    SUPPRESSED = 8
    """It would, but its policy drops what comes inside a window that is open."""


class ItemFlag(IntFlag):
    """Properties of one item of an answer, or of a job at the end."""

    ARCHIVED = 1
    FLAGGED = 2
    SCORED = 4
    """Its risk has a score."""


class NotificationState(IntEnum):
    """What became of a push notification for one device."""

    PENDING = 1
    DELIVERED = 2
    FORGOTTEN = 3
    """The push service says that the device is gone."""
    GIVEN_UP = 4


class Process(IntEnum):
    """Processes of ours whose health is sampled; the last three belong to the target."""

    RUNNER = 1
    MUTATORS = 2
    SWARM = 3
    CONTROL = 4
    API = 10
    REALTIME = 11
    POSTGRES = 12
