"""What a run would send, without sending anything: the expected load, the month's bill by plan, the limits it hits.

Puts arithmetic of other modules into sentences and one JSON object. Starts nothing and looks nothing up.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from loadtests.checks.expected_load import ExpectedLoad, PhaseLoad, expect, to_json
from loadtests.checks.preflight import Finding, Severity, compare
from loadtests.drivers.shard import Shard, ledger_rows
from loadtests.history.kinds import ROW
from loadtests.runner.preflight import needed_descriptors
from loadtests.scenario.model import Scenario
from loadtests.scenario.population import Population
from loadtests.wire.plans import HOSTED, PLANS, PRICES_AS_OF, PlanName

DRY_RUN_SCHEMA: Final = "loadtests.dry-run/1"
_MARKS: Final = {Severity.FINE: "ok      ", Severity.WARNED: "warning ", Severity.REFUSED: "REFUSED "}
_MB: Final = 1_000_000
_OF_PLANS: Final = ("messages/s", "connections", "joins/s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """What the run costs on one plan, in a month in which nothing else happens."""

    plan: PlanName
    cents: int | None
    """None: by contract."""
    exceeds_quota: bool
    limits_hit: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRun:
    """What is told of a run before it starts."""

    target: str
    """What it would be sent to, for people."""
    plan: PlanName
    makes_people: bool
    """Whether organizations and users are made; else they were given."""
    load: ExpectedLoad
    findings: tuple[Finding, ...]
    bills: tuple[Bill, ...]
    descriptors: int
    """Open files that the busiest of our processes needs."""
    ledger_mb: float
    """Room reserved in the swarms' ledgers; sparse, so what is not used is not taken."""


def dry_run(
    scenario: Scenario, *, target: str, plan: PlanName, makes_people: bool = True, more: tuple[Finding, ...] = ()
) -> DryRun:
    """Return what the run of a scenario would send to a target on a plan; `more` is found of limits beside the plan."""
    population = Population(scenario, seed=scenario.seed, run_id="dry-run")
    load = expect(population)
    shards = scenario.subscribers.processes
    rows = sum(ledger_rows(scenario, Shard.of_population(population, number, shards)) for number in range(shards))
    return DryRun(
        target=target,
        plan=plan,
        makes_people=makes_people,
        load=load,
        findings=(*compare(load, plan), *more),
        bills=tuple(_bill(load, name) for name in HOSTED),
        descriptors=needed_descriptors(scenario),
        ledger_mb=rows * ROW.itemsize / _MB,
    )


def _bill(load: ExpectedLoad, plan: PlanName) -> Bill:
    price, messages = PLANS[plan].price, round(load.messages)
    hit = [each.limit for each in compare(load, plan) if each.is_hit and each.limit in _OF_PLANS]
    return Bill(
        plan=plan,
        cents=None if price is None else price.cents(messages, load.connections_peak),
        exceeds_quota=price is not None and price.exceeds(messages, load.connections_peak),
        limits_hit=tuple(hit),
    )


# ---- for programs


def json_of(told: DryRun) -> dict[str, Any]:
    """Return the object that `--json` prints."""
    return {
        "schema": DRY_RUN_SCHEMA,
        "scenario": told.load.scenario.name,
        "target": told.target,
        "plan": told.plan,
        "makes_people": told.makes_people,
        "load": to_json(told.load),
        "findings": [finding.to_json() for finding in told.findings],
        "refused": any(finding.severity is Severity.REFUSED for finding in told.findings),
        "prices_as_of": PRICES_AS_OF,
        "bills": {
            bill.plan: {
                "dollars": None if bill.cents is None else bill.cents / 100,
                "exceeds_quota": bill.exceeds_quota,
                "limits_hit": list(bill.limits_hit),
            }
            for bill in told.bills
        },
        "descriptors": told.descriptors,
        "ledger_mb": told.ledger_mb,
    }


# ---- for people


def lines_of(told: DryRun) -> Iterator[str]:
    """Yield the lines for the terminal."""
    load = told.load
    yield f"dry run of {load.scenario.name} on {told.target}, plan {told.plan}: nothing is sent"
    yield ""
    yield from _what_is_made(load, makes_people=told.makes_people)
    yield ""
    yield from _what_is_sent(load)
    yield ""
    yield "limits:"
    for finding in told.findings:
        yield from _finding(finding)
    yield ""
    yield from _bills(told)
    yield ""
    yield (
        f"this machine: {told.descriptors:,} open files in the busiest process, "
        f"{told.ledger_mb:,.0f} MB of (sparse) ledgers at most"
    )


def _what_is_made(load: ExpectedLoad, *, makes_people: bool) -> Iterator[str]:
    rows = load.rows
    people = (
        f"{_count(rows.organizations, 'organization')}, {_count(rows.users, 'user')} with "
        f"{_count(rows.memberships, 'membership')}"
    )
    yield f"makes       {people if makes_people else 'nobody'}, {_count(rows.jobs_before, 'job')} before the start"
    yield (
        f"            about {rows.jobs_created:,.0f} more jobs, {rows.documents:,.0f} documents and {rows.events:,.0f} "
        f"events during {load.duration_s:,.0f} s of load; then {load.drain_s:,.0f} s of drain"
    )


def _what_is_sent(load: ExpectedLoad) -> Iterator[str]:
    busiest = load.busiest
    yield (
        f"connects    {_count(load.connections_peak, 'WebSocket')} at once, {_count(load.joins, 'join')}, at most "
        f"{load.joins_per_s_peak:,.0f} in a second; {_count(load.pollers, 'poller')}"
    )
    if load.controls:
        yield f"            {_count(load.controls, 'official client')} among them: the control group"
    yield (
        f"writes      {load.mutations:,.0f} mutations; the busiest organization has "
        f"{_count(busiest.members, 'member')} and up to {busiest.mutations_per_s:,.3g}/s"
    )
    yield f"re-fetches  {load.refetches:,.0f} at most; debouncing makes fewer of them"
    yield f"receives    {load.messages:,.0f} messages: each change counts once for each subscriber that hears it"
    if load.own_echoes:
        yield f"            {load.own_echoes:,.0f} of them are echoes at their authors' own devices"
    yield from _phase_table(load.phases)


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _phase_table(phases: Sequence[PhaseLoad]) -> Iterator[str]:
    width = max(len("phase"), *(len(phase.name) for phase in phases))
    yield ""
    heads = ("s", "mutations/s", "receivers", "deliveries/s", "at its peak", "KB/s")
    yield "  ".join((f"{'phase':<{width}}", *(f"{head:>12}" for head in heads)))
    for phase in phases:
        numbers = (
            phase.duration_s,
            phase.mutations_per_s,
            phase.receivers,
            phase.deliveries_per_s,
            phase.deliveries_per_s_peak,
            phase.bytes_per_s / 1000,
        )
        yield "  ".join((f"{phase.name:<{width}}", *(f"{number:>12,.5g}" for number in numbers)))


def _finding(finding: Finding) -> Iterator[str]:
    yield f"  {_MARKS[finding.severity]}{finding.limit}: {finding.says}"
    if finding.severity is not Severity.FINE:
        yield f"            because {finding.arithmetic}"
    for place, fit in enumerate(finding.fits):
        yield f"            {'would fit:' if place == 0 else '       or:'} {fit}"


def _bills(told: DryRun) -> Iterator[str]:
    load = told.load
    yield (
        f"by plan, if nothing else happens in the month ({load.messages:,.0f} messages, {load.connections_peak:,} peak "
        f"connections, which a month's bill keeps; prices of {PRICES_AS_OF}):"
    )
    for bill in told.bills:
        price = "by contract" if bill.cents is None else f"${bill.cents / 100:,.2f} beyond its fee"
        if bill.cents == 0 and bill.exceeds_quota:
            price = "more than it includes, and it sells no more"
        hit = f"; hits {', '.join(bill.limits_hit)}" if bill.limits_hit else ""
        yield f"  {bill.plan:<10}  {price}{hit}"


def refusal(findings: Sequence[Finding]) -> str:
    """Return the sentence with which a run is refused for what is certain to go wrong in silence."""
    told = [f"{finding.limit}: {finding.says}, because {finding.arithmetic}" for finding in findings]
    fits = [f"would fit: {'; or '.join(finding.fits)}" for finding in findings if finding.fits]
    return "\n".join((*told, *fits, "measure it all the same with --force; see everything with --dry-run"))
