"""What `manage.py bench outgoing` measures: by name, in order."""

from bench.outgoing import accept, claim, drain, drain_quota, neighbour, quiet, quota, scale, slow

BENCHES = {
    "drain": drain,
    "drain_quota": drain_quota,
    "scale": scale,
    "slow": slow,
    "quiet": quiet,
    "quota": quota,
    "neighbour": neighbour,
    "accept": accept,
    "claim": claim,
}
