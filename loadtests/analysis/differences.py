"""What is wrong on screens in the end, and the event that should have put each right."""

from collections import Counter
from typing import Any, Final

import numpy as np

from loadtests.analysis.convergence import Convergence, Wrong, newest_mutations
from loadtests.analysis.delivery import Delivery, DeliveryClass
from loadtests.analysis.events import Events
from loadtests.analysis.mutations import Mutations
from loadtests.analysis.stamps import NS_PER_S, UNKNOWN
from loadtests.history.kinds import NOBODY

EXAMPLES: Final = 20
"""So many are told one by one."""
NO_EVENT: Final = "no_event"
"""No mutation of this run would have put it right, or it has no event."""
NOT_COUNTED: Final = "not_counted"
"""The event or the device is not in the account: of the warm-up, or a poller."""


def differences_json(
    result: Convergence,
    delivery: Delivery,
    events: Events,
    mutations: Mutations,
    *,
    names: tuple[str, ...],
    start_ns: int,
) -> dict[str, Any]:
    """Return the object `convergence.differences` of `metrics.json`; stamps in seconds from the start of the window."""
    mutation = newest_mutations(mutations, result.job, result.wrong)
    of_mutation = np.append(events.of_mutations(len(mutations)), -1)
    event = of_mutation[mutation]
    organization = np.append(events.organization, NOBODY)[event]
    classes = np.full(len(event), -1, dtype=np.int64)
    told = np.flatnonzero(event >= 0)
    classes[told] = delivery.class_of(event[told], result.device[told], organization[told])
    causes = [_class_name(int(which), int(value)) for which, value in zip(event, classes, strict=True)]
    wrongs = [Wrong(int(value)).name.lower() for value in result.wrong]
    committed_ns = np.append(events.committed_ns, UNKNOWN)[event]
    return {
        "total": result.told(len(wrongs)),
        "by_what": {
            each.name.lower(): wrongs.count(each.name.lower())
            if result.is_known and (result.is_evidence_known or each is not Wrong.EVIDENCE_COUNT)
            else None
            for each in Wrong
        },
        "by_delivery": dict(sorted(Counter(causes).items())),
        "examples": [
            {
                "device": int(result.device[row]),
                "job": names[result.job[row]],
                "what": wrongs[row],
                "event": names[events.name[event[row]]] if event[row] >= 0 else None,
                "committed_s": _seconds(int(committed_ns[row]), start_ns),
                "delivery": causes[row],
            }
            for row in range(min(len(wrongs), EXAMPLES))
        ],
    }


def _class_name(event: int, value: int) -> str:
    if event < 0:
        return NO_EVENT
    return DeliveryClass(value).name.lower() if value >= 0 else NOT_COUNTED


def _seconds(at_ns: int, start_ns: int) -> float | None:
    return None if at_ns == UNKNOWN else (at_ns - start_ns) / NS_PER_S
