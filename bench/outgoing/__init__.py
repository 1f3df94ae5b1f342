"""The benches of `manage.py bench outgoing` by name, in the order in which they run."""

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

BENCHES = {
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
