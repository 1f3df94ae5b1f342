"""What `manage.py bench outgoing` measures: by name, in order."""

from bench.outgoing import accept, claim, drain, neighbour, quiet, quota, slow

BENCHES = {
    "drain": drain,
    "slow": slow,
    "quiet": quiet,
    "quota": quota,
    "neighbour": neighbour,
    "accept": accept,
    "claim": claim,
}
