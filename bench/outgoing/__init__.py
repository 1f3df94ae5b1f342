"""The benches of `manage.py bench outgoing` by name, in the order in which they run."""

from collections.abc import Mapping

from bench.outgoing import (
    accept,
    channels,
    claim,
    drain,
    drain_quota,
    neighbour,
    quiet,
    quota,
    scale,
    slow,
)
from bench.suite import Bench

BENCHES: Mapping[str, Bench] = {
    "drain": drain,
    "drain_quota": drain_quota,
    "scale": scale,
    "slow": slow,
    "quiet": quiet,
    "quota": quota,
    "channels": channels,
    "neighbour": neighbour,
    "accept": accept,
    "claim": claim,
}
