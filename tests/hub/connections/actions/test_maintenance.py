"""During maintenance nothing is sent; what waits reads as held, and is sent afterwards."""

from datetime import timedelta

import pytest
from django.urls import reverse

from hub.audit import AuditRow
from hub.connections.actions import maintenance
from hub.connections.models import Lane, MaintenanceWindow
from hub.db.clock import clock
from hub.outgoing.insight.explain import explain_delivery, readable_deliveries
from hub.sweep import run_sweep
from tests.factories import MINUTE, NOON
from tests.fakes import FakeHttp
from tests.hub.outgoing.pump.test_loop import pump

pytestmark = pytest.mark.django_db
ADD = reverse("admin:connections_maintenancewindow_add")


def explain(delivery, at=NOON):
    return explain_delivery(readable_deliveries().get(pk=delivery.pk), now=at)


@pytest.mark.parametrize("whole_connector", [False, True])
def test_nothing_is_sent_while_a_window_is_on_and_everything_after(make, whole_connector):
    delivery, http = make.delivery(), FakeHttp()
    make.maintenance(None if whole_connector else delivery.connection, connector="webhook")
    pump(http)
    assert http.requests == []
    explanation = explain(delivery)
    assert (explanation.effective_state.state, explanation.effective_state.reason) == (
        "held",
        "maintenance",
    )
    assert (
        explanation.first_failed_check.sentence
        == "There is a maintenance window until 2026-11-25 13:00:00 UTC."
    )
    run_sweep(now=NOON + 60 * MINUTE)
    pump(http, at=NOON + 60 * MINUTE)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempt_count) == ("delivered", 1)


def test_other_connections_are_not_held(make):
    delivery, http = make.delivery(), FakeHttp()
    make.maintenance(make.connection())
    make.maintenance(connector="slack")
    make.maintenance(delivery.connection, starts_at=NOON + MINUTE)
    assert len(pump(http).requests) == 1


def test_what_a_person_holds_stays_held_when_the_maintenance_is_over(make):
    connection = make.connection()
    make.maintenance(connection)
    maintenance.apply_maintenance(now=NOON)
    connection.pause("they said so", until=None, now=NOON)
    maintenance.apply_maintenance(now=NOON + 90 * MINUTE)
    assert Lane.unscoped.get().hold_reason == "paused"


def test_a_connection_that_is_resumed_during_maintenance_is_held_again(make):
    delivery, http = make.delivery(), FakeHttp()
    make.maintenance(delivery.connection)
    delivery.connection.pause("they said so", until=None, now=NOON)
    delivery.connection.mark_healthy(now=NOON)
    assert pump(http).requests == []


def declare(client, **fields):
    now = clock().replace(microsecond=0)
    moments = {"starts_at": now - MINUTE, "ends_at": now + timedelta(hours=2)} | fields
    filled = {"connector_key": "webhook", "connection": "", "reason": "they move servers"}
    for name in ("starts_at", "ends_at"):
        moment = moments.pop(name)
        filled |= {f"{name}_0": f"{moment:%Y-%m-%d}", f"{name}_1": f"{moment:%H:%M:%S}"}
    return client.post(ADD, filled | moments, follow=True)


def test_staff_declare_maintenance_and_end_it_and_the_audit_tells(superuser, make):
    lane = make.connection().lane
    declare(superuser)
    window = MaintenanceWindow.unscoped.get()
    lane.refresh_from_db()
    assert (window.declared_by.email, lane.hold_reason) == ("robin@example.com", "maintenance")
    url = reverse("admin:connections_maintenancewindow_verb", args=[window.pk, "end_now"])
    superuser.post(url, {"reason": "they are done"})
    lane.refresh_from_db()
    assert lane.hold_reason == ""
    assert AuditRow.objects.filter(
        verb="maintenancewindow.end_now", reason="they are done"
    ).exists()


@pytest.mark.parametrize(
    "said", [{"ends_at": NOON - 900 * MINUTE}, {"connector_key": "slack", "connection": "own"}]
)
def test_a_window_that_cannot_be_is_refused(superuser, make, said):
    connection = make.connection()
    said = said | ({"connection": connection.pk} if "connection" in said else {})
    assert "error" in declare(superuser, **said).content.decode()
    assert not MaintenanceWindow.unscoped.exists()
