"""Measure the time from a received mention to its arrival at our application, with little to do."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from bench import slack
from bench.checker import percentile
from bench.figures import Bar, Figure
from bench.incoming.installation import installation
from bench.incoming.sender import Answer, send
from bench.installation.processes import wait_until
from bench.sink.client import Sink
from bench.slack import SlackApp
from bench.suite import Options
from hub.outgoing.models import Delivery

DATABASES = ("postgresql", "sqlite")
PER_SECOND, SECONDS, WORKSPACES = 5, 30, 5
ARRIVE_WITHIN = 60.0  # seconds


def measure(sink: Sink, options: Options) -> Iterator[Figure]:
    app = slack.stage(sink, workspaces=WORKSPACES)
    with installation(sink, app) as place:
        waits = reaction_times(sink, app, place, seconds=3 if options.quick else SECONDS)
    yield Figure("react_p50", percentile(waits, 0.5), "ms", bar=Bar("<=", 100))
    yield Figure("react_p95", percentile(waits, 0.95), "ms", bar=Bar("<=", 250))


def reaction_times(sink: Sink, app: SlackApp, place: str, *, seconds: int) -> list[float]:
    """Send mentions at an even pace; return the milliseconds from each one's sending to its
    arrival.
    """
    ids = [f"EvR{number:09d}" for number in range(PER_SECOND * seconds)]
    requests = [
        (id, partial(app.request, place, id, app.workspaces[number % WORKSPACES].account))
        for number, id in enumerate(ids)
    ]
    answers = asyncio.run(send(place, requests, connections=4, per_second=PER_SECOND))
    wait_until(
        lambda: set(ids) <= set(arrivals_by_event(sink)),
        within=ARRIVE_WITHIN,
        every=0.5,
        what="all mentions at our application",
    )
    arrived_at = arrivals_by_event(sink)
    return [(arrived_at[answer.id] - answer.due_at) * 1000 for answer in accepted(answers)]


def accepted(answers: Sequence[Answer]) -> Sequence[Answer]:
    """Return the answers. Raises SystemExit if one is no acceptance."""
    if refused := [answer for answer in answers if answer.status != 200]:
        raise SystemExit(f"{len(refused)} were not accepted, such as {refused[0]}")
    return answers


def list_events_by_message() -> Mapping[str, str]:
    """Return Slack's id of each mention by the id of the message that tells our application."""
    deliveries = Delivery.unscoped.filter(event__source="slack")
    senders = dict(deliveries.values_list("message_uuid", "event__sender_id"))
    return {f"msg_{id.hex}": sender.rpartition(":")[2] for id, sender in senders.items()}


def arrivals_by_event(sink: Sink) -> Mapping[str, float]:
    """Return the first arrival of each event, by Slack's id."""
    by_message = list_events_by_message()
    firsts: dict[str, float] = {}
    for arrival in sink.arrivals():
        if arrival.id in by_message:
            firsts.setdefault(by_message[arrival.id], arrival.at)
    return firsts
