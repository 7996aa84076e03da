"""Pairs (mutation, device): who should see what, and when it did.

Whoever is not there to look cannot wait: a pair counts for visibility if a foreground span of its device in the
mutation's organization holds the stamp from which on the screen should show it. Else its device was *away*; what
became of that is the business of `recovery`. A span that ends before the mutation is visible and before the device
has waited for the deadline *interrupts* the pair: nobody can say when it would have been visible. Whoever made the
change has nothing to wait for: on their own device the pair is *own*, and left out of all that people wait for.
"""

from dataclasses import dataclass

import numpy as np

from loadtests.analysis.attention import Looks, read_looks
from loadtests.analysis.devices import SUBSCRIBER, Devices
from loadtests.analysis.mutations import Mutations
from loadtests.analysis.screens import Screens
from loadtests.analysis.showings import answered, ever_shown, on_page, shown_by
from loadtests.analysis.stamps import NEVER, Bools, Floats, Ints, elapsed_ms
from loadtests.scenario.vocabulary import MutationKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """One entry per mutation and device of its organization, guests included, in the order of mutations."""

    mutation: Ints
    device: Ints
    cohort: Ints
    request: Ints
    """The re-fetch whose answer made it visible, -1 if none did."""
    visible_ns: Ints
    """When it became visible to whoever was looking when it was promised; NEVER once they looked away."""
    shown_ns: Ints
    """When the device first showed it, whoever looked and in whichever of its lifetimes."""
    visibility_ms: Floats
    on_screen: Bools
    in_window: Bools
    leave_ns: Ints
    """When its job left page 1; NEVER for the open job and for an archive."""
    until_ns: Ints
    """When they looked away; NEVER when the device was away."""
    is_away: Bools
    is_own: Bools
    """The device is that of the mutation's author, who knows it already."""
    is_interrupted: Bools
    begin: Ints
    """Where each mutation's pairs begin, -1 when it has none."""
    organization: Ints
    """Each mutation's."""
    devices: Devices

    def __len__(self) -> int:
        return len(self.mutation)

    @property
    def counted(self) -> Bools:
        """The pairs that latencies are told of."""
        counted: Bools = self.is_awaited & self.in_window & ~self.is_away & ~self.is_interrupted
        return counted

    @property
    def is_awaited(self) -> Bools:
        """The pairs on the screen of somebody who is to learn of the change."""
        awaited: Bools = self.on_screen & ~self.is_own
        return awaited

    @property
    def left_screen(self) -> Bools:
        """The pairs whose job left the screen before it was shown and before they looked away."""
        left: Bools = self.on_screen & (self.visible_ns == NEVER) & (self.leave_ns < self.until_ns) & ~self.is_away
        return left

    def find(self, mutation: Ints, device: Ints) -> Ints:
        """Return the pair of each mutation (-1: none) and device, -1 when there is no such pair."""
        if not len(self) or not len(mutation):
            return np.full(len(mutation), -1, dtype=np.int64)
        begin = np.where(mutation >= 0, self.begin[mutation], -1)
        place = self.devices.place_in(self.organization[mutation], device)
        return np.where((begin >= 0) & (place >= 0), begin + place, -1)

    def of_cohort(self, cohort: int) -> Ints:
        """Return the counted pairs of one cohort."""
        return np.flatnonzero(self.counted & (self.cohort == cohort))

    def of_subscribers(self) -> Ints:
        """Return the counted pairs of the devices that are pushed to."""
        return self.of_cohort(SUBSCRIBER)


def match_pairs(mutations: Mutations, screens: Screens, *, deadline_ns: int) -> Pairs:
    """Return all pairs of the run, warm-up included."""
    devices, pages = screens.devices, screens.pages
    chosen = np.flatnonzero(mutations.is_showable & (mutations.organization >= 0))
    row, device = devices.watching(mutations.organization[chosen])
    mutation = chosen[row]
    begin = np.full(len(mutations), -1, dtype=np.int64)
    sizes = devices.members[mutations.organization[chosen]]
    begin[chosen] = np.cumsum(sizes) - sizes

    is_open = devices.open_job[device] == mutations.job[mutation]
    # What an archive should show is the absence of its job, which lasts.
    stays = is_open | (mutations.kind[mutation] == MutationKind.ARCHIVE)
    stretch = pages.stretch(mutations.job, mutations.effective_ns)
    leave_ns = np.where(stays, NEVER, pages.leave(stretch)[mutation])

    promised_ns = mutations.promised_ns[mutation]
    looks = read_looks(screens.presence, devices)
    span = looks.holding(device, mutations.organization[mutation], promised_ns)
    until_ns = looks.end(span)
    request = _shown_while_looking(mutations, screens, (mutation, span), looks=looks)
    visible_ns = answered(screens.requests, request)
    waited = until_ns - np.minimum(promised_ns, until_ns) >= deadline_ns
    return Pairs(
        mutation=mutation,
        device=device,
        cohort=devices.cohort[device],
        request=request,
        visible_ns=visible_ns,
        shown_ns=_first_shown(mutations, screens, (mutation, device), span=span, visible_ns=visible_ns),
        visibility_ms=elapsed_ms(mutations.due_ns[mutation], visible_ns),
        on_screen=on_page(mutations, screens)[mutation] | is_open,
        in_window=mutations.in_window[mutation],
        leave_ns=leave_ns,
        until_ns=until_ns,
        is_away=span < 0,
        is_own=mutations.author[mutation] == device,
        is_interrupted=(span >= 0) & (visible_ns == NEVER) & (leave_ns >= until_ns) & ~waited,
        begin=begin,
        organization=mutations.organization,
        devices=devices,
    )


def _shown_while_looking(mutations: Mutations, screens: Screens, pairs: tuple[Ints, Ints], *, looks: Looks) -> Ints:
    """Return the request that showed each (mutation, span) before the span ended, -1 if none did."""
    mutation, span = pairs
    request = np.full(len(mutation), -1, dtype=np.int64)
    there = np.flatnonzero(span >= 0)
    by = shown_by(mutations, screens, mutation[there], looks.lifetime[span[there]])
    in_time = answered(screens.requests, by) < looks.end(span[there])
    request[there[in_time]] = by[in_time]
    return request


def _first_shown(
    mutations: Mutations, screens: Screens, pairs: tuple[Ints, Ints], *, span: Ints, visible_ns: Ints
) -> Ints:
    """Return when each device first showed the mutation in any of its lifetimes."""
    mutation, device = pairs
    lives = np.bincount(screens.presence.lifetimes.device, minlength=len(screens.devices))
    # A device with one lifetime showed it when whoever was looking saw it, unless they looked away before.
    open_ = np.flatnonzero((span < 0) | (visible_ns == NEVER) | (lives[device] > 1))
    shown_ns = visible_ns.copy()
    shown_ns[open_] = ever_shown(mutations, screens, mutation[open_], device[open_])
    return shown_ns
