"""How connections did lately, and what types a tenant knows."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from hub.outgoing.insight.endpoint_stats import (
    ANSWER_PARTS,
    classify_answer,
    compute_endpoint_stats,
)
from hub.outgoing.insight.examples import list_event_types, load_recent_documents
from hub.outgoing.models import Attempt, Delivery
from tests.factories import NOON

pytestmark = pytest.mark.django_db


def create_attempt(delivery, *, at, outcome="delivered", milliseconds=10):
    Attempt.unscoped.create(
        delivery=delivery, number=1, started_at=at, outcome=outcome, milliseconds=milliseconds
    )


def moment_of(delivery):
    """When its id was made: ids are of the real clock."""

    return datetime.fromtimestamp((delivery.public_id.int >> 80) / 1000, UTC)


def test_calls_failures_and_times_are_counted_by_hour(make):
    delivery = make.delivery()
    now = moment_of(delivery) + timedelta(minutes=1)
    for milliseconds in range(1, 101):
        create_attempt(delivery, at=now - timedelta(minutes=2), milliseconds=milliseconds)
    create_attempt(delivery, at=now - timedelta(hours=5), outcome="later", milliseconds=None)
    figures = compute_endpoint_stats(
        Delivery.objects.of(delivery.tenant), [delivery.connection_id], now=now
    )[delivery.connection_id]
    assert (figures.calls, figures.failure_percent, figures.p95) == (101, 1, 95)
    assert (figures.answers[0][23], figures.answers[3][19]) == (100, 1)


@pytest.mark.parametrize(
    ("outcome", "reason", "part"),
    [
        ("delivered", "", "accepted"),
        ("pending", "awaiting_confirmation", "accepted"),
        ("later", "status_404", "refused"),
        ("later", "throttled", "refused"),
        ("disable", "gone", "refused"),
        ("unknown", "status_502", "errors"),
        ("later", "unavailable", "errors"),
        ("later", "timeout", "no answer"),
        ("unknown", "connection_lost", "no answer"),
    ],
)
def test_answers_are_classified_as_people_who_run_servers_do(outcome, reason, part):
    assert ANSWER_PARTS[classify_answer(outcome, reason)][1] == part


def test_a_connection_that_did_nothing_has_no_figures(make):
    connection = make.connection()
    figures = compute_endpoint_stats(
        Delivery.objects.of(connection.tenant), [connection.pk], now=NOON
    )[connection.pk]
    assert (figures.calls, figures.failure_percent, figures.p95) == (0, None, None)


def test_another_tenants_calls_are_not_counted(make):
    delivery = make.delivery()
    now = moment_of(delivery) + timedelta(minutes=1)
    create_attempt(delivery, at=now)
    assert (
        compute_endpoint_stats(
            Delivery.objects.of(make.tenant()), [delivery.connection_id], now=now
        )
        == {}
    )


def test_known_types_are_those_of_late_and_those_that_routes_wait_for(make, acme):
    make.event(acme, "lead.won", data={"number": 1})
    make.event(acme, "lead.won", data={"number": 2})
    make.route(tenant=acme, event_type="order.created")
    make.route(tenant=acme, event_type="invoice.*")
    make.event(make.tenant(), "secret.type")
    told = [(type.name, type.count, type.example) for type in list_event_types(acme)]
    assert told == [("lead.won", 2, {"number": 2}), ("order.created", 0, None)]


def test_the_last_events_are_read_in_two_statements(make, acme):
    for number in range(30):
        make.event(acme, data={"number": number})
    make.event(acme, "lead.won")
    with CaptureQueriesContext(database) as queries:
        recent_documents = load_recent_documents(acme, ["order.*"])
    assert (len(recent_documents), recent_documents[0][1]["data"]["number"], len(queries)) == (
        20,
        29,
        2,
    )
