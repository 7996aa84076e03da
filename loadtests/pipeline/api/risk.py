"""How risky a job is, and what is to be done about it, from the codes of its risk factors.

Pure. A code that is not in the catalogue is kept with the job and counts for nothing: there is no weight for it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

HIGHEST_SCORE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskFactor:
    """What one code adds to a job's score, and the mitigation that it asks for."""

    weight: int
    mitigation: str


FACTORS: Final[Mapping[str, RiskFactor]] = {
    "height": RiskFactor(weight=25, mitigation="Fall protection inspected and worn"),
    "electrical": RiskFactor(weight=25, mitigation="Circuits locked out and tagged"),
    "confined_space": RiskFactor(weight=30, mitigation="Air tested, attendant posted"),
    "hot_work": RiskFactor(weight=20, mitigation="Fire watch and extinguisher in place"),
    "asbestos": RiskFactor(weight=30, mitigation="Material surveyed, licensed removal booked"),
    "excavation": RiskFactor(weight=20, mitigation="Services located, trench shored"),
    "heavy_lifting": RiskFactor(weight=10, mitigation="Lifting plan agreed"),
    "chemicals": RiskFactor(weight=15, mitigation="Safety data sheets on site"),
    "public_access": RiskFactor(weight=10, mitigation="Barriers and signs set up"),
    "weather": RiskFactor(weight=5, mitigation="Forecast checked, stop rule agreed"),
}

_LEVELS = ((75, "critical"), (50, "high"), (25, "medium"), (0, "low"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Risk:
    """A job's risk: its score, the level that the score stands for, and the codes that count."""

    score: int
    level: str
    codes: tuple[str, ...]


def assess(codes: Iterable[str]) -> Risk:
    """Return the risk of these codes, each counted once: the sum of their weights, at most 100."""
    known = tuple(dict.fromkeys(code for code in codes if code in FACTORS))
    score = min(HIGHEST_SCORE, sum(FACTORS[code].weight for code in known))
    return Risk(score=score, level=level_of(score), codes=known)


def level_of(score: int) -> str:
    """Return the level of a score."""
    return next(level for least, level in _LEVELS if score >= least)


def score_detail(codes: Sequence[str], score: int | None, level: str | None) -> dict[str, Any] | None:
    """Return what a job shows of its score; None while it has none, or when nothing accounts for it."""
    known = assess(codes).codes if codes and score is not None else ()
    if not known:
        return None
    factors = [{"code": code, "weight": FACTORS[code].weight} for code in known]
    return {"overall_score": score, "risk_level": level, "factors": factors}
