"""Runs that read gaps from the sandbox, and what they published."""

import json

from hub.outgoing.models import Event, EventBody
from hub.scheduled.gap_reading.executor import run_gap_reading
from hub.scheduled.gap_reading.start import start_gap_run
from hub.scheduled.models import Run
from tests.hub.incoming.webhook_posts import run_inbox
from tests.hub.scheduled.sandbox_run import SandboxRun, execute


def start(connection, *, at, **limits):
    run = start_gap_run(connection, now=at)
    Run.unscoped.filter(pk=run.pk).update(state="running")
    run.refresh_from_db()
    return SandboxRun(run, run.job, connection.tenant, at=at, **limits)


def read(connection, *, at, **limits):
    """Read the due gaps and process what was found; return what the run says, and its calls."""
    context = start(connection, at=at, **limits)
    result = execute(run_gap_reading, context)
    Run.unscoped.update(state="finished")
    run_inbox()
    return result, context.called


def list_types():
    return list(Event.unscoped.order_by("pk").values_list("type", flat=True))


def data_of(type):
    ids = Event.unscoped.filter(type=type).values_list("pk", flat=True)
    bodies = EventBody.objects.filter(event_id__in=ids).order_by("event_id")
    return [json.loads(bytes(body))["data"] for body in bodies.values_list("body", flat=True)]


def counts_of(gap):
    gap.refresh_from_db()
    return gap.state, gap.read_count, gap.known_count, gap.new_count
