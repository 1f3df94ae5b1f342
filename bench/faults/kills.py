"""SIGKILLs of everything that runs, while events are told over HTTP: nothing acknowledged may be lost."""

import itertools
import time

from django.db import OperationalError
from django.db import connection as database

from bench import checker, seed
from bench.faults.source import Source
from bench.faults.victims import Hub
from bench.figures import Bar, Figure
from bench.processes import until
from hub.outgoing.models import Delivery

DATABASES = ("postgresql", "sqlite")
KILLS, LONG, QUICK = 45, 200, 3
EVERY, QUICK_EVERY = 10.0, 5.0  # seconds
PER_SECOND, CONNECTIONS = 50, 20
ARRIVE_WITHIN = 90.0  # seconds, after the last kill
SETTLED_WITHIN = 3.0  # seconds after a send; a kill before that may make one more


def measure(sink, options):
    seed.empty()
    rows = seed.connections(CONNECTIONS, sink.url + "/ok/{}", tenants=CONNECTIONS)
    seed.route()
    sink.clear()
    with Hub() as hub, Source(hub.place, [row.tenant for row in rows], per_second=PER_SECOND) as source:
        until(sink.count, within=60, what="the first delivery")
        for victim in itertools.islice(itertools.cycle(hub.victims()), number_of_kills(options)):
            time.sleep(QUICK_EVERY if options.quick else EVERY)
            hub.kill(victim)
        source.stop()
        settle_down()
        accepted = outward_ids(source.acknowledged)
    yield from figures(accepted, sink.arrivals(), hub.kills)


def number_of_kills(options):
    if options.quick:
        return QUICK
    return LONG if options.long else KILLS


def settle_down():
    """Until nothing waits any longer, or for long enough."""
    moving = Delivery.unscoped.filter(state__in=("waiting", "sending"))
    until(lambda: not in_peace(moving.exists), within=ARRIVE_WITHIN, every=1.0, what="the last delivery")


def in_peace(question):
    """True also while the database is away."""
    try:
        return question()
    except OperationalError:
        database.close()
        return True


def outward_ids(acknowledged):
    """When each was acknowledged, by the id that the sink sees; what is not even stored keeps the sender's."""
    rows = Delivery.unscoped.filter(event__source="api").values_list("event__sender_id", "outward_id")
    outward = {sender: f"msg_{id.hex}" for sender, id in rows}
    return {outward.get(sender, sender): at for sender, at in acknowledged.items()}


def figures(accepted, arrivals, kills):
    on_the_way = [at for victim, at in kills if victim != "web"]
    yield Figure("faults_kills", len(kills), "kills")
    yield Figure("faults_acknowledged", len(accepted), "events")
    yield Figure("faults_lost", len(checker.lost(accepted, arrivals)), "events", bar=Bar("==", 0))
    yield Figure("faults_extra_sends", checker.extra_sends(arrivals), "sends")
    unexcused = checker.unexcused(arrivals, on_the_way, settled_within=SETTLED_WITHIN)
    yield Figure("faults_extra_sends_without_a_kill", unexcused, "sends", bar=Bar("==", 0))
    recovery = checker.longest_recovery(accepted, arrivals, [at for _, at in kills])
    yield Figure("faults_recovery", recovery, "s", bar=Bar("<=", 30))
