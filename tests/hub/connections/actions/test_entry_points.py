"""What one entry point does to a connection and audits, every other one does and audits too."""

from dataclasses import dataclass
from typing import Any

import pytest
from django.urls import reverse

from hub.audit import ActorContext, find_audit_rows
from hub.connections.actions import connection_actions, signing_secret_actions
from hub.connections.actions.disconnection import disconnect_account
from hub.connections.models import Connection
from hub.db.clock import clock
from hub.operations.models import Operation
from hub.outgoing.models import Delivery, Route
from tests.factories import MINUTE, NOON
from tests.tenants.door import reauthenticate

pytestmark = pytest.mark.django_db

SYSTEM = ActorContext.system()
GENERATED = {
    "overlap_until",
    "delivery",
    "at",
    "revoke_at",
}  # values that differ from one call to the next


@dataclass
class EntryPoints:
    """The three ways to change a connection, each as somebody who may."""

    staff_client: Any
    portal_client: Any
    rest_client: Any

    def staff(self, connection, verb, **data):
        url = reverse("admin:connections_connection_verb", args=[connection.pk, verb])
        return self.staff_client.post(url, data)

    def staff_form(self, connection, **changes):
        """Save the form on the connection's own page."""
        data = {"name": connection.name, "in_flight": connection.lane.in_flight} | changes
        url = reverse("admin:connections_connection_change", args=[connection.pk])
        return self.staff_client.post(url, data)

    def portal(self, connection, page, slash="/", **data):
        url = f"/t/acme/connections/{connection.public_id}/{page}{slash}"
        return self.portal_client.post(url, data)

    def endpoint(self, connection, page, **data):
        return self.portal_client.post(f"/t/acme/endpoints/{connection.public_id}/{page}", data)

    def subscribe(self, connection, **body):
        url = f"/api/v1/connections/{connection.public_id}/subscription"
        return self.rest_client.put(url, body, format="json")

    def rest(self, connection, verb, body=None):
        url = f"/api/v1/connections/{connection.public_id}/{verb}"
        return self.rest_client.post(url, body, format="json")

    def patch(self, connection, **body):
        url = f"/api/v1/connections/{connection.public_id}"
        return self.rest_client.patch(url, body, format="json")


@pytest.fixture
def entry_points(client, browser, shop, make):
    client.force_login(make.staff(is_superuser=True))
    reauthenticate(client)
    reauthenticate(browser.client)
    return EntryPoints(client, browser.client, shop)


# Of each action: how the connection is prepared, and how each entry point performs it.
WHY = "We move servers."
ACTIONS = {
    "pause": (
        "healthy",
        lambda by, it: by.staff(it, "pause", reason=WHY, length=""),
        lambda by, it: by.portal(it, "pause", slash="", reason=WHY, length=""),
        lambda by, it: by.rest(it, "pause", {"reason": WHY}),
    ),
    "resume": (
        "paused",
        lambda by, it: by.staff(it, "resume"),
        lambda by, it: by.portal(it, "resume", slash=""),
        lambda by, it: by.rest(it, "resume"),
    ),
    "disable": (
        "healthy",
        lambda by, it: by.staff(it, "disable", reason=WHY),
        lambda by, it: by.portal(it, "disable", slash="", reason=WHY),
        lambda by, it: by.rest(it, "disable", {"reason": WHY}),
    ),
    "enable": (
        "disabled",
        lambda by, it: by.staff(it, "enable"),
        lambda by, it: by.portal(it, "resume", slash=""),
        lambda by, it: by.rest(it, "resume"),
    ),
    "renew the access token": (
        "with an access token that ends",
        lambda by, it: by.staff(it, "renew"),
        lambda by, it: by.portal(it, "renew", slash=""),
        lambda by, it: by.rest(it, "renew"),
    ),
    "disconnect and hold": (
        "healthy",
        lambda by, it: by.staff(it, "disconnect", reason=WHY, what_waits="hold"),
        lambda by, it: by.portal(
            it, "disconnect", reason=WHY, what_waits="hold", data="keep", sure="on"
        ),
        lambda by, it: by.rest(it, "disconnect", {"reason": WHY, "what_waits": "hold"}),
    ),
    "disconnect and cancel": (
        "with a delivery that waits",
        lambda by, it: by.staff(it, "disconnect", reason=WHY, what_waits="cancel"),
        lambda by, it: by.portal(
            it, "disconnect", reason=WHY, what_waits="cancel", data="keep", sure="on"
        ),
        lambda by, it: by.rest(it, "disconnect", {"reason": WHY, "what_waits": "cancel"}),
    ),
    "disconnect for now": (
        "healthy",
        lambda by, it: by.staff(it, "disconnect", reason=WHY, what_waits="hold", revoke="later"),
        lambda by, it: by.portal(
            it, "disconnect", reason=WHY, what_waits="hold", revoke="later", data="keep", sure="on"
        ),
        lambda by, it: by.rest(it, "disconnect", {"reason": WHY, "revoke": "later"}),
    ),
    "undo the disconnect": (
        "that was disconnected for now",
        lambda by, it: by.staff(it, "undo_disconnect"),
        lambda by, it: by.portal(it, "undo_disconnect", slash=""),
        lambda by, it: by.rest(it, "undo-disconnect"),
    ),
    "revoke at once": (
        "that was disconnected for now",
        lambda by, it: by.staff(it, "revoke_now"),
        lambda by, it: by.portal(it, "revoke_now", slash=""),
        lambda by, it: by.rest(it, "revoke-now"),
    ),
    "test": (
        "that the sandbox accepts",
        lambda by, it: by.staff(it, "test"),
        lambda by, it: by.portal(it, "test", slash=""),
        lambda by, it: by.rest(it, "test"),
    ),
    "rename": (
        "healthy",
        lambda by, it: by.staff_form(it, name="Ours"),
        lambda by, it: by.portal(it, "rename", slash="", name="Ours"),
        lambda by, it: by.patch(it, name="Ours"),
    ),
    "limit the calls at the same time": (
        "healthy",
        lambda by, it: by.staff_form(it, in_flight=2),
        lambda by, it: by.patch(it, in_flight=2),
    ),
    "rotate the signing secret": (
        "healthy",
        lambda by, it: by.staff(it, "rotate_signing_secret"),
        lambda by, it: by.endpoint(it, "rotate_signing_secret"),
        lambda by, it: by.rest(it, "rotate-signing-secret"),
    ),
    "end the overlap of signing secrets": (
        "with two signing secrets",
        lambda by, it: by.staff(it, "end_signing_overlap"),
        lambda by, it: by.endpoint(it, "end_signing_overlap"),
        lambda by, it: by.rest(it, "end-signing-overlap"),
    ),
    "send a test event": (
        "healthy",
        lambda by, it: by.staff(it, "test_event"),
        lambda by, it: by.endpoint(it, "test_event"),
        lambda by, it: by.rest(it, "test-event"),
    ),
    "choose the events": (
        "healthy",
        lambda by, it: by.endpoint(it, "events", others="order.*", filter="data.total > `5`"),
        lambda by, it: by.subscribe(it, event_types=["order.*"], filter="data.total > `5`"),
    ),
}
AUDITED_AS = {
    "choose the events": "endpoint.events",
    "end the overlap of signing secrets": "endpoint.end_overlap",
    "enable": "connection.enable",
    "limit the calls at the same time": "connection.limit",
    "rename": "connection.rename",
    "renew the access token": "connection.renew",
    "rotate the signing secret": "endpoint.rotate",
    "send a test event": "endpoint.test",
    "undo the disconnect": "connection.undo_disconnect",
    "revoke at once": "connection.end_undo",
}


def prepare(make, acme, state, sandbox_url=""):
    connector = "salesforce" if state == "with an access token that ends" else "webhook"
    connection = make.connection(acme, connector, name="Theirs", account="")
    if state == "paused":
        connection.pause("moving", until=None, now=NOON)
    if state == "disabled":
        connection.disable("disabled", "moving", now=NOON)
    if state == "with a delivery that waits":
        make.delivery(connection)
    if state == "with two signing secrets":
        actor = ActorContext.system()
        signing_secret_actions.change_signing_secret(
            connection, actor, random=lambda count: b"s" * count, now=clock()
        )
    if state == "that the sandbox accepts":
        connection.settings = {"url": sandbox_url}
        connection.save()
    if state == "that was disconnected for now":
        connection.settings = {"url": sandbox_url}
        connection.save()
        actor = ActorContext.system()
        disconnect_account(connection, actor, can_be_undone=True, now=clock())
    if state == "with an access token that ends":
        connection.credential.request_refresh(now=clock() + 60 * MINUTE)
    return connection


def observe(connection, last_row):
    """What the action left: the connection, its credential and deliveries, and its audit rows."""
    connection = Connection.unscoped.select_related("lane", "credential").get(pk=connection.pk)
    columns = ("name", "state", "reason", "detail", "keeps_events", "paused_until")
    rows = find_audit_rows(connection).filter(pk__gt=last_row).order_by("pk")
    return {
        "connection": {column: getattr(connection, column) for column in columns},
        "lane": (connection.lane.in_flight, connection.lane.hold_reason),
        "credential version": connection.credential.version,
        "is refresh due": bool(
            connection.credential.refresh_due_at and connection.credential.refresh_due_at <= clock()
        ),
        "deliveries": sorted(Delivery.unscoped.filter(connection=connection).values_list("state")),
        "routes": sorted(
            Route.unscoped.filter(connection=connection).values_list("event_type", "filter")
        ),
        "operations": Operation.unscoped.filter(
            filter={"connection": str(connection.public_id)}
        ).count(),
        "audit": [
            (row.verb, row.reason, without_generated(row.before), without_generated(row.after))
            for row in rows
        ],
    }


def without_generated(values):
    return {key: values[key] for key in values if key not in GENERATED} if values else values


@pytest.mark.parametrize("action", ACTIONS)
def test_every_entry_point_does_and_audits_the_same(action, entry_points, make, acme, outside):
    state, *performers = ACTIONS[action]
    observed = []
    for perform in performers:
        connection = prepare(make, acme, state, f"{outside.url}/webhook/acme/one")
        rows = find_audit_rows(connection).order_by("-pk").values_list("pk", flat=True)
        last_row = rows.first() or 0
        response = perform(entry_points, connection)
        assert response.status_code < 400, response.content
        observed.append(observe(connection, last_row))
    assert len(observed) >= 2 and all(one == observed[0] for one in observed)
    (audited,) = observed[0]["audit"]
    assert audited[0] == AUDITED_AS.get(action, f"connection.{action.split()[0]}")


def test_a_form_that_staff_save_unchanged_is_not_audited(entry_points, make, acme):
    connection = prepare(make, acme, "healthy")
    entry_points.staff_form(connection)
    assert not find_audit_rows(connection).exists()


def test_the_limit_is_audited_with_its_value_before_and_after(entry_points, make, acme):
    connection = prepare(make, acme, "healthy")
    before = connection.lane.in_flight
    entry_points.staff_form(connection, in_flight=before + 1)
    row = find_audit_rows(connection).get()
    assert (row.verb, row.actor_kind) == ("connection.limit", "user")
    assert (row.before, row.after) == ({"in_flight": before}, {"in_flight": before + 1})


@pytest.mark.parametrize(
    "act",
    [
        lambda it: connection_actions.pause_connection(it, WHY, SYSTEM, until=None, now=NOON),
        lambda it: connection_actions.disable_connection(it, WHY, SYSTEM, now=NOON),
        lambda it: disconnect_account(it, SYSTEM, now=NOON),
    ],
)
def test_a_refusal_names_the_state_that_somebody_else_has_changed(make, act):
    connection = make.connection()
    Connection.unscoped.update(state="disabled", reason="disconnected")
    with pytest.raises(connection_actions.InvalidConnectionState) as refused:
        act(connection)
    assert str(refused.value).startswith("The connection is disabled.")
