"""What a run would send, as people and programs are told."""

import orjson
import pytest

from loadtests.dry_run import DRY_RUN_SCHEMA, DryRun, dry_run, json_of, lines_of, refusal
from loadtests.scenario.model import Scenario
from loadtests.wire.plans import HOSTED, PlanName


def hosted(subscribers: int = 400, mutations_per_s: float = 5, plan: PlanName = "pro", control: int = 0) -> DryRun:
    """Return the dry run for a hosted project: one organization, ten minutes."""
    scenario = Scenario.model_validate(
        {
            "name": "hosted",
            "question": "Would a hosted project hold this?",
            "subscribers": {"count": subscribers, "control": control},
            "phases": [{"name": "steady", "duration_s": 600, "mutations_per_s": mutations_per_s}],
        }
    )
    return dry_run(scenario, target="abc.supabase.co", plan=plan)


def test_a_hosted_project_on_the_pro_plan_is_told_what_it_would_lose() -> None:
    """400 subscribers of one organization and 5 mutations/s: 2,000 deliveries/s, four times what the plan takes."""
    text = "\n".join(lines_of(hosted()))

    assert "dry run of hosted on abc.supabase.co, plan pro: nothing is sent" in text
    assert "REFUSED messages/s: changes are silently discarded from the first minute on" in text
    assert "because 5 mutations/s x 400 receivers = 2,000 deliveries/s" in text
    assert "against 500/s" in text
    assert "would fit: fewer than 1.25 mutations/s" in text
    assert "fewer than 100 subscribers for these 5 mutations/s" in text
    assert "receives    1,200,000 messages" in text
    assert "connects    400 WebSockets at once" in text


def test_the_same_for_programs() -> None:
    """With the schema's name, and everything that people are told."""
    told = orjson.loads(orjson.dumps(json_of(hosted())))
    (messages,) = [each for each in told["findings"] if each["limit"] == "messages/s"]

    assert (told["schema"], told["plan"], told["refused"]) == (DRY_RUN_SCHEMA, "pro", True)
    assert (messages["expected"], messages["allowed"]) == (pytest.approx(2000), 500)
    assert messages["from_s"] < 60
    assert told["load"]["messages"] == pytest.approx(1_200_000)


def test_the_bill_of_a_month_stands_for_each_plan() -> None:
    """1,000 devices at 2 mutations/s for ten minutes: 1.2 million messages, and 1,000 peak connections: one package."""
    bills = json_of(hosted(1000, 2, "team"))["bills"]

    assert tuple(bills) == HOSTED
    assert bills["team"] == {"dollars": 10.0, "exceeds_quota": True, "limits_hit": []}
    assert bills["pro"] == {"dollars": 0.0, "exceeds_quota": True, "limits_hit": ["messages/s", "connections"]}
    assert bills["enterprise"]["dollars"] is None


def test_the_control_group_is_on_the_bill() -> None:
    """Four official clients make the 1,501st peak connection, a second package, and messages as four devices do."""
    with_group, without = hosted(1_497, 0.1, "team", control=4), hosted(1_497, 0.1, "team")
    text = "\n".join(lines_of(with_group))

    assert "connects    1,501 WebSockets at once, 1,501 joins" in text
    assert "            4 official clients among them: the control group" in text
    assert json_of(with_group)["bills"]["team"]["dollars"] == 20.0
    assert json_of(without)["bills"]["team"]["dollars"] == 10.0
    assert with_group.load.messages - without.load.messages == pytest.approx(4 * 0.1 * 600)


def test_a_load_that_fits_is_fine_throughout() -> None:
    """Half a mutation a second for 400 devices on the paid plan."""
    told = hosted(400, 0.5)

    assert {each["severity"] for each in json_of(told)["findings"]} == {"fine"}
    assert "because" not in "\n".join(lines_of(told))


def test_a_refusal_says_why_and_what_to_do() -> None:
    """What the run says instead of starting."""
    said = refusal([each for each in hosted().findings if each.severity == "refused"])

    assert "2,000 deliveries/s" in said
    assert "fewer than 1.25 mutations/s" in said
    assert said.endswith("measure it all the same with --force; see everything with --dry-run")


def test_what_this_machine_needs_is_told() -> None:
    """Open files of the busiest process, and room for the ledger."""
    told = hosted()

    assert told.descriptors == 400 + 200 + 256
    assert told.ledger_mb > 40


def test_people_who_are_given_are_not_made() -> None:
    """Jobs are, and they stay."""
    scenario = hosted().load.scenario
    text = "\n".join(lines_of(dry_run(scenario, target="any", plan="pro", makes_people=False)))

    assert "makes       nobody, 15 jobs before the start" in text
    assert "makes       1 organization, 401 users with 401 memberships, 15 jobs" in "\n".join(lines_of(hosted()))
