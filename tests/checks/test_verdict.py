"""The verdict: what is proven fails, what was measured badly is unknown, what is left is judged by its gates."""

from typing import Any

import pytest

from loadtests.analysis.analyse import analyse
from loadtests.checks.gates import Outcome
from loadtests.checks.verdict import Verdict, judge
from loadtests.scenario.model import Scenario
from tests.analysis.synthetic_history import history_of
from tests.analysis.synthetic_pipeline import SyntheticPipeline

KEPT = "push.visibility_ms.p50 < 1000"
VIOLATED = "push.visibility_ms.p50 < 100"
TOO_FEW = "push.visibility_ms.p99 < 1000"


def scenario_with(*gates: str) -> Scenario:
    """Return a scenario with these gates."""
    return Scenario.model_validate(
        {
            "name": "judged",
            "question": "Does it keep its limits?",
            "phases": [{"name": "load", "duration_s": 1, "mutations_per_s": 1}],
            "gates": gates,
        }
    )


def metrics_of(reasons: tuple[str, ...] = (), **delivery: int) -> dict[str, Any]:
    """Return the part of metrics.json that verdicts look at: a median of 519 ms, and nothing wrong."""
    return {
        "push": {
            "visibility_ms": {"p50": 519.0, "p99": None, "n": 20},
            "signal_ms": {"p50": 12.0, "n": 20},
        },
        "delivery": {
            "leaked": 0,
            "leaked_answers": 0,
            "duplicate": 0,
            "missed_live": 0,
            **delivery,
            "leaks": {"total": 0, "examples": []},
        },
        "health": {"clock_bound_ms": 3.0, "reasons": list(reasons)},
    }


@pytest.mark.parametrize(
    ("gates", "reasons", "expected"),
    [
        ((KEPT,), (), Outcome.PASS),
        ((), (), Outcome.PASS),
        ((KEPT, VIOLATED), (), Outcome.FAIL),
        ((KEPT, TOO_FEW), (), Outcome.UNKNOWN),
        ((TOO_FEW, VIOLATED), (), Outcome.FAIL),
        ((KEPT,), ("our own event loops lagged",), Outcome.UNKNOWN),
        ((VIOLATED,), ("our own event loops lagged",), Outcome.UNKNOWN),
    ],
)
def test_health_comes_before_the_gates_and_a_violated_gate_before_one_that_cannot_be_told(
    gates: tuple[str, ...], reasons: tuple[str, ...], expected: Outcome
) -> None:
    """Our own lateness can violate a latency gate, so then nothing is proven."""
    assert judge(metrics_of(reasons), scenario_with(*gates)).value is expected


def test_a_leak_fails_however_bad_the_rest_was() -> None:
    """No gate asks for it, health is bad, the driver died."""
    verdict = judge(metrics_of(("bad clocks",), leaked=1), scenario_with(KEPT), trouble=["the swarm died"])

    assert verdict.value is Outcome.FAIL
    assert verdict.reasons == ("1 signal crossed organizations: isolation is broken",)


def test_a_duplicate_is_proven_by_its_receipt_but_a_miss_is_not() -> None:
    """What arrived twice did, whoever was late; what is missing may be missing because of us."""
    unwell = ("our own event loops lagged",)

    duplicate = judge(metrics_of(unwell, duplicate=2), scenario_with("delivery.duplicate == 0"))
    missed = judge(metrics_of(unwell, missed_live=2), scenario_with("delivery.missed_live == 0"))

    assert (duplicate.value, missed.value) == (Outcome.FAIL, Outcome.UNKNOWN)


def doubted(*gates: str, trouble: tuple[str, ...] = (), missing: int = 0, **delivery: int) -> Verdict:
    """Return the verdict where the control group alone contradicts, and one mutation was refused."""
    doubt = "official clients and lean subscribers did not receive the same events"
    metrics = metrics_of((doubt,), **delivery)
    metrics |= {"control": {"missing": missing, "reasons": [doubt]}, "mutations": {"failed": 1, "ambiguous": 1}}
    return judge(metrics, scenario_with(*gates), trouble=trouble)


def test_what_devices_received_is_unknown_where_official_clients_received_something_else() -> None:
    """Which of the two is wrong cannot be told: neither a loss nor a latency is proven, and nothing passes."""
    assert doubted("delivery.missed_live == 0", missed_live=1).value is Outcome.UNKNOWN
    assert doubted(VIOLATED).value is Outcome.UNKNOWN
    assert doubted(KEPT).value is Outcome.UNKNOWN


def test_what_devices_have_no_part_in_fails_all_the_same() -> None:
    """A mutation was refused, whoever was told of the others. Two of the counts of mutations may rest on receipts."""
    verdict = doubted("mutations.failed == 0", "delivery.missed_live == 0", missed_live=1)

    assert (verdict.value, verdict.reasons) == (Outcome.FAIL, ("mutations.failed == 0: measured 1, not == 0",))
    assert doubted("mutations.failed <= 1").value is Outcome.UNKNOWN
    assert doubted("mutations.ambiguous == 0").value is Outcome.UNKNOWN


def test_other_trouble_leaves_nothing_apart() -> None:
    """What went wrong around the run may have refused the mutation."""
    assert doubted("mutations.failed == 0", trouble=("the mutators died",)).value is Outcome.UNKNOWN


def test_a_second_receipt_is_no_proof_where_an_official_client_lacks_one() -> None:
    """It may be ours. Where only the devices lack something they have invented nothing, and content is no count."""
    gate = "delivery.duplicate == 0"

    assert doubted(gate, duplicate=1, missing=1).value is Outcome.UNKNOWN
    assert doubted(gate, duplicate=1).value is Outcome.FAIL
    assert doubted("delivery.degraded == 0", degraded=1, missing=1).value is Outcome.FAIL
    assert doubted(leaked=1, missing=1).value is Outcome.FAIL


def test_trouble_around_the_run_makes_it_unknown() -> None:
    """Even if all gates hold."""
    verdict = judge(metrics_of(), scenario_with(KEPT), trouble=["swarm-0 is full after 10 rows"])

    assert (verdict.value, verdict.reasons) == (Outcome.UNKNOWN, ("swarm-0 is full after 10 rows",))


def test_gates_of_the_command_line_are_judged_too() -> None:
    """Beside the scenario's."""
    verdict = judge(metrics_of(), scenario_with(KEPT), extra_gates=[VIOLATED])

    assert [gate.outcome for gate in verdict.gates] == [Outcome.PASS, Outcome.FAIL]


@pytest.mark.parametrize("gate", ["push.signal_ms.p50 < 10", "push.signal_ms.p50 < 14"])
def test_a_limit_nearer_than_the_clocks_can_tell_is_unknown(gate: str) -> None:
    """12 ms by clocks that agree within 3 ms is neither above 10 nor below 14."""
    assert judge(metrics_of(), scenario_with(gate)).value is Outcome.UNKNOWN
    assert judge(metrics_of(), scenario_with("push.signal_ms.p50 < 20")).value is Outcome.PASS
    assert judge(metrics_of(), scenario_with("push.signal_ms.n >= 20")).value is Outcome.PASS


@pytest.mark.parametrize(("outcome", "code"), [(Outcome.PASS, 0), (Outcome.FAIL, 3), (Outcome.UNKNOWN, 4)])
def test_exit_codes_are_never_those_of_a_crash(outcome: Outcome, code: int) -> None:
    """1 and 2 stay what Python and the option parser mean by them."""
    assert Verdict(value=outcome, reasons=(), gates=()).exit_code == code


def test_a_verdict_is_plain_json() -> None:
    """The document verdict.json."""
    document = judge(metrics_of(), scenario_with(KEPT)).to_json()

    assert document == {
        "schema": "loadtests.verdict/1",
        "value": "pass",
        "reasons": ["its one gate holds"],
        "gates": [{"text": KEPT, "measured": 519.0, "outcome": "pass", "reason": "measured 519"}],
    }


def test_a_whole_synthetic_run_is_judged_from_its_metrics() -> None:
    """Nothing is lost: all gates hold; with loss, the gate on misses fails."""
    gates = ("push.visibility_ms.p50 < 520", "delivery.missed_live == 0", "push.seen_within_1s.mutations == 40")
    sound = SyntheticPipeline(gates=gates)
    lossy = SyntheticPipeline(gates=gates, lost_share=0.1)

    def verdict_of(pipeline: SyntheticPipeline) -> Outcome:
        metrics = analyse(history_of(pipeline), pipeline.scenario, pipeline.population, replays=False).metrics
        return judge(metrics, pipeline.scenario).value

    assert (verdict_of(sound), verdict_of(lossy)) == (Outcome.PASS, Outcome.FAIL)
