"""The verdict for build servers: each gate is a test case, and so is the verdict itself.

A violated gate is a failure. A gate that could not be judged is skipped, with its reason; the verdict's own case
then is an error, so that "unknown" never looks like success.
"""

import xml.etree.ElementTree as ET

from loadtests.checks.gates import GateResult, Outcome
from reports.input import ReportInput
from reports.summary import statement


def to_junit(run: ReportInput) -> str:
    """Return the document."""
    verdict = run.verdict
    outcomes = [gate.outcome for gate in verdict.gates]
    counts = {
        "tests": len(outcomes) + 1,
        "failures": outcomes.count(Outcome.FAIL) + (verdict.value is Outcome.FAIL),
        "errors": int(verdict.value is Outcome.UNKNOWN),
        "skipped": outcomes.count(Outcome.UNKNOWN),
    }
    told = {key: str(value) for key, value in counts.items()}
    root = ET.Element("testsuites", {"name": "loadtests", **told})
    suite = ET.SubElement(root, "testsuite", {"name": run.scenario.name, **told})
    case = ET.SubElement(suite, "testcase", {"classname": run.scenario.name, "name": "verdict"})
    if verdict.value is not Outcome.PASS:
        tag = "failure" if verdict.value is Outcome.FAIL else "error"
        element = ET.SubElement(case, tag, {"message": statement(verdict), "type": str(verdict.value)})
        element.text = "\n".join(verdict.reasons)
    for gate in verdict.gates:
        _gate(ET.SubElement(suite, "testcase", {"classname": f"{run.scenario.name}.gates", "name": gate.text}), gate)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _gate(case: ET.Element, gate: GateResult) -> None:
    if gate.outcome is Outcome.FAIL:
        ET.SubElement(case, "failure", {"message": gate.reason, "type": "gate"})
    elif gate.outcome is Outcome.UNKNOWN:
        ET.SubElement(case, "skipped", {"message": gate.reason})
