"""When a load ends by itself because the target suffers: the table `[abort]`, of a scenario or of a target's limits.

Only the words and their bounds; what they come to is the business of `checks.abort`.
"""

from typing import Annotated

from pydantic import Field

from loadtests.scenario.devices import Share, Table

Positive = Annotated[float, Field(gt=0)]


class Abort(Table):
    """Each key is a limit over the last ten seconds; left out, it ends nothing."""

    error_share: Share | None = None
    """Of the requests that came to an end, mutations and re-fetches alike."""
    latency_ms: Positive | None = None
    """Mean of the mutations that came to an end, from their writing."""
    slot_lag_mb: Positive | None = None
    """How far a replication slot may stay behind, where the database can be asked."""
