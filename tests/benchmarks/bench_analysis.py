"""Time and peak memory of reading, analysing and reporting a recorded run of a million rows.

The run is synthetic (a pipeline with a known answer) and lies on disk as its ledger, as after a real one.
Run as a script: `python tests/benchmarks/bench_analysis.py [--rounds N]`.
"""

import argparse
import resource
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[2]))  # The generator is shared with the tests, which are not installed.

from loadtests.analysis.analyse import analyse
from loadtests.checks.verdict import judge
from loadtests.history.history import History
from reports.input import ReportInput
from reports.render import render
from tests.analysis.synthetic_history import write_history
from tests.analysis.synthetic_pipeline import SyntheticPipeline

TARGET_S = 10.0
TARGET_MIB = 1024


def main() -> None:
    """Print one line for each step."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=250, help="mutations of each of 40 organizations")
    rounds = arguments.parse_args().rounds
    pipeline = SyntheticPipeline(
        organizations=40,
        subscribers=20,
        pollers=30,
        intervals_s=(5.0, 10.0),
        rounds=rounds,
        jitter_ms=5,
        lost_share=0.01,
        gates=("push.visibility_ms.p95 < 1000",),
    )
    with TemporaryDirectory() as name:
        directory = Path(name)
        write_history(pipeline, directory)
        began = time.perf_counter()
        history = History.read(directory)
        read = time.perf_counter()
        results = analyse(history, pipeline.scenario, pipeline.population)
        analysed = time.perf_counter()
        verdict = judge(results.metrics, pipeline.scenario)
        judged = time.perf_counter()
        run = ReportInput(scenario=pipeline.scenario, manifest={}, results=results, verdict=verdict)
        render(run, directory)
        rendered = time.perf_counter()
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    pairs = len(results.series.push_visibility_ms)
    print(f"rows {len(history.rows):,}, pairs {pairs:,}, verdict {verdict.value}")
    print(f"read {read - began:.2f} s, analyse {analysed - read:.2f} s, judge {judged - analysed:.3f} s")
    print(f"report {rendered - judged:.2f} s")
    print(f"together {rendered - began:.2f} s, target {TARGET_S:.0f} s")
    print(f"peak memory {peak_mib:.0f} MiB, target {TARGET_MIB} MiB, the generator's own included")


if __name__ == "__main__":
    main()
