"""SIGKILLs of everything there is, at random moments and at named places, while events are told and delivered."""

import os
import time

from bench.faults import judge, victims
from bench.faults.desk import BACK_WITHIN, Desk
from bench.ground import OWN_SERVER
from bench.processes import until

DATABASES = ("postgresql", "sqlite")
ROUND = ("pump", "helper", "pool", "work", "web_worker", "sentinel", "database", "everything", "web_master", "idle")
PLACES = ("O1=kill@5,O4=kill@40", "O2=kill@5,O5=kill@40", "O3=kill@20,O6=kill@20", "O8=kill@5,S1=kill@4")
FRONT = "I1=kill@5,I2=kill@10,I3=kill@15"
QUICK = ("pump", "work", "web_worker")
ROUNDS, LONG_ROUNDS = 3, 19
KILLS, LONG_KILLS = 40, 200


def measure(sink, options):
    began = time.monotonic()
    with Desk(sink) as desk:
        blows, kills = plan(options)
        for blow in map(instead, blows):
            desk.strike(blow)
        if not options.quick:
            by_their_own_hand(desk)
        desk.stops.append(desk.worker.stop())
        desk.calm_down()
        orphans = left_of(desk)
    yield from judge.figures(desk, sink.arrivals(), orphans=orphans, seconds=time.monotonic() - began, kills=kills)


def plan(options):
    """What is struck, in order, and how many kills there must be in the end."""
    if options.quick:
        return QUICK, len(QUICK)
    rounds, kills = (LONG_ROUNDS, LONG_KILLS) if options.long else (ROUNDS, KILLS)
    return ROUND * rounds, kills


def instead(blow):
    """Only a PostgreSQL of ours may be killed; where there is none, something else is."""
    return "helper" if blow == "database" and OWN_SERVER not in os.environ else blow


def by_their_own_hand(desk):
    for plan in PLACES:
        desk.fail_at(desk.worker, plan)
    desk.fail_at(desk.web, FRONT)


def left_of(desk):
    """Process groups of pools that are not the last one, and of which something still runs."""
    living = {victims.pool_of(desk.worker.pid), desk.worker.pid}
    groups = {group for group in desk.pools | desk.worker.groups if group} - living
    until(lambda: all(map(victims.is_empty, groups)), within=BACK_WITHIN, every=0.5, what="the end of old pools")
    return sum(not victims.is_empty(group) for group in groups)
