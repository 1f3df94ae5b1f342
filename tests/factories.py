"""Rows with sensible contents; a test names only what it is about."""

import itertools
import os
import zlib
from array import array
from datetime import UTC, datetime, timedelta

from connectors.registry import CONNECTORS
from hub.audit import SYSTEM, ActorContext
from hub.connections.connecting import connect_links
from hub.connections.models import (
    Authorization,
    Connection,
    ConnectorApp,
    Credential,
    Lane,
    MaintenanceWindow,
)
from hub.crypto.sealed import seal
from hub.db.clock import clock
from hub.db.ids import uuid7
from hub.drift.models import DriftFinding
from hub.incoming.models import (
    InboundBody,
    InboundEndpoint,
    InboundGap,
    InboundItem,
    InboundMessage,
    InboundSource,
    SourceRhythm,
    WebhookSubscription,
)
from hub.incoming.models.endpoints import hash_endpoint_key
from hub.mappings.models import FieldMapping, Identity, MappingVersion
from hub.outgoing.intake.event_input import EventInput
from hub.outgoing.intake.publish import publish_batch
from hub.outgoing.models import Delivery, Route
from hub.portal.models import SavedView
from hub.recipes.models import Integration, IntegrationPart
from tests.scheduled_factories import ScheduledFactories
from tests.tenant_factories import TenantFactories

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
WHSEC = "whsec_" + "dGVzdHMtb25seS10ZXN0cy1vbmx5LXRlc3RzLW9ubHk="
SECRETS = {
    "webhook": {"signing_secret": WHSEC},
    "slack": {"access_token": "xoxb-test-token"},
    "salesforce": {"access_token": "00Dtest!access", "refresh_token": "5Aeptestrefresh"},
    "splunk": {"token": "11111111-2222-3333-4444-555555555555"},
    "app": {},
}
ACTIONS = {"slack": "post_message", "salesforce": "upsert", "splunk": "send_event"}
SETTINGS = {
    "webhook": {"url": "https://example.com/hook"},
    "salesforce": {"instance_url": "https://acme.my.salesforce.com"},
    "splunk": {"url": "https://splunk.example.com:8088"},
}
ORDER = {
    "number": "A-1001",
    "customer": "Ann",
    "email": "ann@acme.test",
    "total": 12.5,
    "currency": "EUR",
    "items": [],
}


class Factories(TenantFactories, ScheduledFactories):
    def __init__(self, *, first_number=1):
        self.numbers = itertools.count(first_number)

    def connect_link(self, tenant, connector="webhook", *, now=None, **fields):
        """`token` of it is what its address carries."""
        arguments = {"random": os.urandom, "now": now or clock()} | fields
        row, row.token = connect_links.create_connect_link(
            tenant, CONNECTORS[connector], ActorContext(SYSTEM), **arguments
        )
        return row

    def authorization(self, tenant, connector="slack", *, now=None, **fields):
        """An attempt that nobody has come back from."""
        now, number = now or clock(), next(self.numbers)
        columns = {
            "name": CONNECTORS[connector].label,
            "digest": f"digest {number}",
            "browser": "a browser",
        } | fields
        return Authorization.unscoped.create(
            tenant=tenant,
            connector_key=connector,
            created_at=now,
            expires_at=now + 10 * MINUTE,
            **columns,
        )

    def app(self, connector, secret=None, **fields):
        app = ConnectorApp(connector_key=connector, **fields)
        app.seal(secret or {})
        app.save()
        return app

    def connection(self, tenant=None, connector="webhook", *, secret=None, settings=None, **fields):
        number = next(self.numbers)
        if connector != "app":
            tenant = tenant or self.tenant()
        row = Connection.unscoped.create(
            tenant=tenant,
            connector_key=connector,
            settings=SETTINGS.get(connector, {}) if settings is None else settings,
            **{"name": f"{connector} {number}", "account": f"account-{number}", "changed_at": NOON}
            | fields,
        )
        document = SECRETS[connector] if secret is None else secret
        Credential.unscoped.create(connection=row, sealed=seal(document, Credential.binding(row)))
        Lane.unscoped.create(connection=row, in_flight=row.connector.in_flight, virtual_time=NOON)
        return row

    def maintenance(
        self,
        connection=None,
        *,
        connector=None,
        starts_at=NOON,
        ends_at=NOON + 60 * MINUTE,
        **fields,
    ):
        return MaintenanceWindow.unscoped.create(
            connector_key=connector or connection.connector_key,
            connection=connection,
            **{"starts_at": starts_at, "ends_at": ends_at, "reason": "they move servers"} | fields,
        )

    def mapping(self, tenant=None, connector="webhook", action="send", body=None):
        mapping = FieldMapping.unscoped.create(
            tenant=tenant, name="mapping", connector_key=connector, action=action
        )
        example = (
            {"number": "data.number"}
            if connector == "webhook"
            else CONNECTORS[connector].action(action).example
        )
        self.version(mapping, body or example)
        return mapping

    def version(self, mapping, body, at=NOON):
        number = mapping.versions.count() + 1
        return MappingVersion.unscoped.create(
            mapping=mapping, number=number, body=body, created_at=at
        )

    def drift_finding(self, connection, at=NOON, **fields):
        """The field Title of a Lead was renamed, which will break a route."""
        letters = "".join(chr(ord("a") + int(digit)) for digit in str(next(self.numbers)))
        broken = {"kind": "route", "id": str(uuid7()), "name": "Orders to leads"}
        broken |= {"is_enabled": True, "mapping_id": str(uuid7()), "mapping_name": "Leads"}
        columns = {
            "object_key": "Lead",
            "object_label": "Lead",
            "field_key": f"title_{letters}",
            "field_label": "Title",
            "change": "renamed",
            "before": "Title",
            "after": "Job_Title__c",
            "breaks": [broken],
            "first_seen_at": at,
            "last_seen_at": at,
        }
        return DriftFinding.unscoped.create(connection=connection, **columns | fields)

    def identity(self, connection, kind, local_id, remote_id, at=NOON, name=""):
        data = {"kind": kind, "local_id": local_id, "remote_id": remote_id, "name": name}
        return Identity.unscoped.create(connection=connection, created_at=at, updated_at=at, **data)

    def route(
        self,
        connection=None,
        *,
        tenant=None,
        body=None,
        connector=None,
        action=None,
        mapping=None,
        **fields,
    ):
        connector = connector or (connection.connector_key if connection else "webhook")
        tenant = tenant or (connection.tenant if connection else None)
        action = action or ACTIONS.get(connector, "send")
        return Route.unscoped.create(
            tenant=tenant,
            connector_key=connector,
            connection=connection,
            action=action,
            mapping=mapping or self.mapping(tenant, connector, action, body),
            **{"name": "route", "event_type": "order.created", "changed_at": NOON} | fields,
        )

    def event(self, tenant=None, type="order.created", data=None, id="", now=NOON):
        fact = EventInput(tenant or self.tenant(), type, ORDER if data is None else data, id)
        return publish_batch([fact], source="app", now=now)[0].event

    def inbound_endpoint(self, connection, **fields):
        """The URL at which webhooks of this connection arrive."""
        existing = InboundEndpoint.unscoped.filter(connection=connection).first()
        if existing:
            return existing
        key = f"key-{next(self.numbers)}"
        endpoint = InboundEndpoint(
            connector_key=connection.connector_key,
            connection=connection,
            tenant=connection.tenant,
            key_digest=hash_endpoint_key(key),
            **fields,
        )
        endpoint.seal({"key": key, "secrets": [{"secret": f"secret-{key}", "until": None}]})
        endpoint.save()
        return endpoint

    def inbound_message(self, connection, *, body=b"{}", now=NOON, **fields):
        """A request that was accepted and processed; with state="rejected" one that was not."""
        message = InboundMessage.unscoped.create(
            endpoint=self.inbound_endpoint(connection),
            connector_key=connection.connector_key,
            tenant=connection.tenant,
            connection=connection,
            message_key=f"message {next(self.numbers)}",
            received_at=now,
            **fields,
        )
        if message.state == "accepted":
            InboundBody.objects.create(message_id=message.pk, body=zlib.compress(body))
        return message

    def inbound_item(self, connection, *, message=None, now=NOON, **fields):
        message = message or self.inbound_message(connection, now=now)
        columns = {
            "type": f"{connection.connector_key}.order.created",
            "state": "processed",
        } | fields
        return InboundItem.unscoped.create(
            message=message,
            connector_key=connection.connector_key,
            tenant=connection.tenant,
            connection=connection,
            item_key=f"item {next(self.numbers)}",
            received_at=message.received_at,
            state_changed_at=now,
            **columns,
        )

    def webhook_subscription(self, connection, **fields):
        return WebhookSubscription.unscoped.create(
            endpoint=self.inbound_endpoint(connection),
            tenant=connection.tenant,
            **{"key": "order.create", "event_types": ["order.created"]} | fields,
        )

    def source(self, connection, object="person", **fields):
        """What routes want of a connection, without a proof that it arrives."""
        return InboundSource.unscoped.create(
            tenant=connection.tenant,
            connection=connection,
            object=object,
            **{"state_changed_at": NOON, "created_at": NOON} | fields,
        )

    def rhythm(self, source, *, rate, type="pipedrive.person.created", **fields):
        """A learned rhythm of so many events an hour, all week."""
        return SourceRhythm.unscoped.create(
            source=source,
            connection=source.connection,
            type=type,
            first_day=NOON.date(),
            last_item_at=NOON,
            per_month=rate * 720,
            profile=array("f", [rate] * 168).tobytes(),
            **fields,
        )

    def gap(self, source, *, now=NOON, **fields):
        """A gap that is due; with `to_at=None` and `state="open"` one that lasts."""
        columns = {
            "cause": "outage",
            "state": "due",
            "from_at": now - 10 * MINUTE,
            "to_at": now,
            "due_at": now,
        }
        return InboundGap.unscoped.create(
            tenant=source.tenant,
            connection=source.connection,
            source=source,
            opened_at=now,
            state_changed_at=now,
            **columns | fields,
        )

    def integration(self, tenant=None, *, route=None, job=None, answers=None, **fields):
        """A recipe that is switched on; its part is the route or job, if one is given."""
        columns = {"recipe_key": "order_to_slack", "recipe_version": 1, "created_at": NOON}
        integration = Integration.unscoped.create(
            tenant=tenant or self.tenant(), answers=answers or {}, **columns | fields
        )
        if route or job:
            mapping = route.mapping if route else None
            IntegrationPart.unscoped.create(
                integration=integration, key="message", route=route, mapping=mapping, job=job
            )
        return integration

    def saved_view(self, tenant, name="view 1", query="state=failed"):
        return SavedView.unscoped.create(tenant=tenant, name=name, query=query, created_at=NOON)

    def delivery(self, connection=None, *, data=None, now=NOON, **route):
        connection = connection or self.connection()
        if not Route.unscoped.filter(connection=connection).exists():
            self.route(connection, **route)
        event = self.event(connection.tenant or self.tenant(), data=data, now=now)
        return Delivery.unscoped.get(event=event, connection=connection)
