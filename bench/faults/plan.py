"""What is struck, in which order, and how much must have happened in the end."""

from dataclasses import dataclass

from bench.suite import Options

ROUND = (
    "pump",
    "helper",
    "pool",
    "work",
    "web_worker",
    "sentinel",
    "everything",
    "web_master",
    "database",
    "idle",
)
QUICK = ("pump", "work", "web_worker")


@dataclass(frozen=True, slots=True)
class Plan:
    """What is struck, in order, and how much must have happened in the end."""

    strikes: tuple[str, ...]
    kills: int
    acknowledged: int
    callers: int  # whose events have no order
    per_second: int  # events of each of these callers
    outages: bool


def plan_of(options: Options, *, own_server: bool) -> Plan:
    """Only a PostgreSQL of ours may be killed; where there is none, a process of the pool is killed
    in its place.
    """
    if options.quick:
        return Plan(QUICK, kills=len(QUICK), acknowledged=1, callers=4, per_second=6, outages=False)
    rounds, kills, acknowledged, callers, per_second = (
        (19, 200, 100_000, 12, 16) if options.long else (3, 40, 5_000, 4, 6)
    )
    strikes = tuple(
        "helper" if strike == "database" and not own_server else strike for strike in ROUND * rounds
    )
    return Plan(strikes, kills, acknowledged, callers, per_second, outages=own_server)
