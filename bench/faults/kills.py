"""SIGKILLs of everything there is, at random moments and at named places, while events are told and delivered."""

import os
import time

from django.db import connection as database

from bench import postgres
from bench.faults import judge, victims
from bench.faults.desk import BACK_WITHIN, Desk
from bench.processes import until

DATABASES = ("postgresql", "sqlite")
ROUND = (
    "pump", "helper", "pool", "work", "web_worker", "sentinel", "database", "everything", "parent", "web_master",
    "idle",
)  # fmt: skip
PLACES = {"O1": 5, "O2": 5, "O3": 20, "O4": 20, "O5": 20, "O6": 10, "O8": 5, "S1": 2}  # and at which time
FRONT = "I1=kill@5,I2=kill@10,I3=kill@15"
ROUNDS, LONG_ROUNDS = 3, 18
KILLS, LONG_KILLS = 40, 200


def measure(sink, *, quick, long=False):
    began = time.monotonic()
    with Desk(sink) as desk:
        if quick:
            blows, kills = ("pump", "work", "web_worker"), 3
        else:
            blows, kills = ROUND * (LONG_ROUNDS if long else ROUNDS), LONG_KILLS if long else KILLS
        for blow in filter(possible, blows):
            desk.strike(blow)
        if not quick:
            by_their_own_hand(desk)
        desk.stops.append(desk.worker.stop())
        desk.calm_down()
        orphans = left_of(desk)
    yield from judge.figures(desk, sink.arrivals(), orphans=orphans, seconds=time.monotonic() - began, kills=kills)


def possible(blow):
    """Only a PostgreSQL of ours may be killed; SQLite has nothing to kill."""
    if blow != "database":
        return True
    return database.vendor == "postgresql" and postgres.folder_of(os.environ["DATABASE_URL"]) is not None


def by_their_own_hand(desk):
    for point, turn in PLACES.items():
        desk.fail_at(point, turn)
    desk.break_at(desk.web, FRONT, ["I1", "I2", "I3"])
    desk.recovers(since=desk.kills[-1][0])


def left_of(desk):
    """Process groups of pools that are not the last one, and of which something still runs."""
    living = {victims.pool_of(desk.worker.pid), desk.worker.pid}
    groups = {group for group in desk.pools | desk.worker.groups if group} - living
    until(lambda: all(map(victims.is_empty, groups)), within=BACK_WITHIN, every=0.5, what="the end of old pools")
    return sum(not victims.is_empty(group) for group in groups)
