"""Searching, maxima and expansion within groups, over sorted columns: what the accounting is made of.

Plain array algorithms, exact in 64-bit integers. They know neither devices nor mutations.
"""

from typing import Literal

import numpy as np

from loadtests.analysis.stamps import Bools, Ints

_PACKED_LIMIT = 2**62

Side = Literal["left", "right"]


def search(groups: Ints, values: Ints, asked_groups: Ints, asked_values: Ints, *, side: Side) -> Ints:
    """Return `searchsorted` by (group, value) over columns that are sorted by group, then value.

    The place may lie in another group: compare the group found there.
    """
    if not len(groups) or not len(asked_groups):
        return np.zeros(len(asked_groups), dtype=np.int64)
    packed, asked = _pack(groups, values, asked_groups, asked_values, side=side)
    return np.searchsorted(packed, asked, side=side).astype(np.int64)


def find(groups: Ints, values: Ints, asked_groups: Ints, asked_values: Ints) -> Ints:
    """Return the place of the first entry of the asked group whose value is at least the asked one, else -1."""
    place = search(groups, values, asked_groups, asked_values, side="left")
    return _only_within(groups, place, asked_groups)


def find_last(groups: Ints, values: Ints, asked_groups: Ints, asked_values: Ints) -> Ints:
    """Return the place of the last entry of the asked group whose value is at most the asked one, else -1."""
    place = search(groups, values, asked_groups, asked_values, side="right") - 1
    return _only_within(groups, place, asked_groups)


def find_exact(groups: Ints, values: Ints, asked_groups: Ints, asked_values: Ints) -> Ints:
    """Return the first place that holds exactly the asked group and value, else -1."""
    place = find(groups, values, asked_groups, asked_values)
    if len(values):
        place[(place >= 0) & (values[place] != asked_values)] = -1
    return place


def is_record(groups: Ints, values: Ints) -> Bools:
    """Return which entries exceed all before them in their group; groups are sorted, values in their own order."""
    if not len(groups):
        return np.zeros(0, dtype=np.bool_)
    packed, _ = _pack(groups, values, groups[:0], values[:0], side="left")
    highest = np.maximum.accumulate(packed)
    record = np.ones(len(packed), dtype=np.bool_)
    record[1:] = packed[1:] > highest[:-1]
    return record


def running_max(groups: Ints, values: Ints) -> Ints:
    """Return the largest value up to and including each entry within its group; groups are sorted."""
    places = np.where(is_record(groups, values), np.arange(len(groups)), 0)
    highest: Ints = values[np.maximum.accumulate(places)] if len(groups) else values
    return highest


def starts(groups: Ints) -> Ints:
    """Return where each group begins; groups are sorted."""
    return np.flatnonzero(is_start(groups)).astype(np.int64)


def is_start(groups: Ints) -> Bools:
    """Return which entries are the first of their group; groups are sorted."""
    first = np.ones(len(groups), dtype=np.bool_)
    first[1:] = groups[1:] != groups[:-1]
    return first


def expand(counts: Ints) -> tuple[Ints, Ints]:
    """Return (owner, position): owner i stands `counts[i]` times, with ascending positions from 0."""
    owner = np.repeat(np.arange(len(counts), dtype=np.int64), counts)
    begin = np.cumsum(counts) - counts
    return owner, np.arange(len(owner), dtype=np.int64) - begin[owner]


def stable_order(keys: Ints) -> Ints:
    """Return the stable order of keys from 0 on; sixteen bits at a time, since numpy sorts those in linear time."""
    order = np.argsort((keys & 0xFFFF).astype(np.uint16), kind="stable")
    shift = 16
    while len(keys) and int(keys.max()) >> shift:
        digit = ((keys[order] >> shift) & 0xFFFF).astype(np.uint16)
        order = order[np.argsort(digit, kind="stable")]
        shift += 16
    return order.astype(np.int64, copy=False)


def _only_within(groups: Ints, place: Ints, asked_groups: Ints) -> Ints:
    if not len(groups):
        return np.full(len(place), -1, dtype=np.int64)
    is_inside = (place >= 0) & (place < len(groups))
    is_inside &= groups[np.clip(place, 0, len(groups) - 1)] == asked_groups
    return np.where(is_inside, place, -1)


def _pack(groups: Ints, values: Ints, asked_groups: Ints, asked_values: Ints, *, side: Side) -> tuple[Ints, Ints]:
    """Return one integer for each (group, value) that orders like the two; what is too wide is ranked first."""
    groups, asked_groups = _narrow(groups, asked_groups, side, _PACKED_LIMIT >> 24)
    span_limit = _PACKED_LIMIT // (int(groups.max()) + 2)
    values, asked_values = _narrow(values, asked_values, side, span_limit)
    # One value more on each side stands for "below all" and "above all", so that no asked value changes its group.
    span = int(values.max()) + 3
    return (
        groups * span + values + 1,
        np.clip(asked_groups, -1, int(groups.max()) + 1) * span + np.clip(asked_values + 1, 0, span - 1),
    )


def _narrow(column: Ints, asked: Ints, side: Side, limit: int) -> tuple[Ints, Ints]:
    """Return both columns counted from 0, or by rank when their range exceeds `limit`."""
    low, high = int(column.min()), int(column.max())
    if high - low + 3 < limit:
        return column.astype(np.int64) - low, np.clip(asked, low - 1, high + 1) - low
    distinct = np.unique(column)
    rank = np.searchsorted(distinct, column).astype(np.int64)
    asked_rank = np.searchsorted(distinct, asked, side=side).astype(np.int64) - (side == "right")
    return rank, asked_rank
