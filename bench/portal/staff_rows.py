"""What staff see beside deliveries: rows of every other kind that their pages list."""

import hashlib
from datetime import datetime, timedelta

from bench.seed import tenant_of
from hub.audit import AuditRow
from hub.connections.models import (
    Connection,
    ConnectLink,
    ConnectorApp,
    ConnectorRequest,
    KillSwitch,
    MaintenanceWindow,
)
from hub.drift.models import DriftFinding
from hub.identities.models import DirectoryRead
from hub.incoming.models import InboundEndpoint, WebhookSubscription
from hub.mail.models import Mail
from hub.notices.models import Notice
from hub.scheduled.models import Log, LogPosition
from hub.throttle.models import QuotaState
from tenants.models import ApiKey, PortalLink, Tenant, User

DAYS = 30
AUDIT_ROWS, NOTICES, MAILS, FINDINGS, LINKS = 20_000, 2_000, 5_000, 500, 500
VERBS = ("connection.pause", "connection.resume", "delivery.retry", "route.change")


def insert_staff_rows(tenants: list[Tenant], person: User, *, now: datetime) -> None:
    """Insert rows of these tenants, each of which has a connection to Slack; the times are spread
    over the month.
    """
    connections = [
        connection
        for tenant in tenants
        for connection in Connection.objects.of(tenant).filter(connector_key="slack")[:1]
    ]
    _insert_audit_log(tenants, now=now)
    _insert_messages(tenants, connections, now=now)
    _insert_findings(connections, now=now)
    _insert_settings(tenants, connections, person, now=now)
    _insert_links(tenants, now=now)


def _spread(count: int, now: datetime) -> list[datetime]:
    """Return so many times of the month, the oldest first."""
    step = timedelta(days=DAYS) / count
    return [now - step * (count - number) for number in range(count)]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _insert_audit_log(tenants: list[Tenant], *, now: datetime) -> None:
    """Insert acts of people, in a chain of their own whose hashes nothing checks here."""
    rows = []
    for number, at in enumerate(_spread(AUDIT_ROWS, now), start=1):
        tenant = tenants[number % len(tenants)]
        rows.append(
            AuditRow(
                chain="bench",
                number=number,
                at=at,
                actor_kind="user",
                actor_id="1",
                actor_label="member-1@example.com",
                tenant=tenant.public_id,
                tenant_reference=tenant.reference,
                verb=VERBS[number % len(VERBS)],
                object_label="connections.Connection",
                object_id=str(tenant.public_id),
                after={"state": "paused"},
                request_id=f"bench-{number}",
                hash=_digest(str(number)),
            )
        )
    AuditRow._base_manager.bulk_create(rows, batch_size=500)


def _insert_messages(
    tenants: list[Tenant], connections: list[Connection], *, now: datetime
) -> None:
    Notice.unscoped.bulk_create(
        Notice(
            key=f"bench-{number}",
            tenant=tenants[number % len(tenants)],
            connection=connections[number % len(connections)],
            kind="disabled",
            message="disabled_by_endpoint",
            parameters={"connection": "bench"},
            created_at=at,
            seen_at=at if number % 3 else None,
            resolved_at=at if number % 2 else None,
        )
        for number, at in enumerate(_spread(NOTICES, now))
    )
    Mail.objects.bulk_create(
        Mail(
            to=f"member-{number % 100}@example.com",
            kind="mail/notice.txt",
            state="sent",
            created_at=at,
            until=at,
            sent_at=at,
        )
        for number, at in enumerate(_spread(MAILS, now))
    )


def _insert_findings(connections: list[Connection], *, now: datetime) -> None:
    DriftFinding.unscoped.bulk_create(
        DriftFinding(
            connection=connections[number % len(connections)],
            object_key="channel",
            object_label="Channel",
            field_key=f"field_{number}",
            field_label=f"Field {number}",
            change="removed",
            before="text",
            first_seen_at=at,
            last_seen_at=at,
            resolved_at=at if number % 2 else None,
        )
        for number, at in enumerate(_spread(FINDINGS, now))
    )
    for connection in connections:
        DirectoryRead.unscoped.create(
            tenant=tenant_of(connection),
            connection=connection,
            state="incomplete",
            reason="safety_valve",
            stopped_count=1,
            people_count=1,
            page_count=1,
            started_at=now,
            finished_at=now,
        )
        endpoint = InboundEndpoint.unscoped.get(connection=connection)
        WebhookSubscription.unscoped.create(
            endpoint=endpoint, tenant=connection.tenant, key="message", event_types=["message"]
        )


def _insert_settings(
    tenants: list[Tenant], connections: list[Connection], person: User, *, now: datetime
) -> None:
    app = ConnectorApp(connector_key="slack")
    app.seal({"client_id": "1.2", "client_secret": "bench", "signing_secret": "bench"})
    app.save()
    QuotaState.objects.bulk_create(
        QuotaState(
            key=f"slack|method|T{number}|chat.postMessage", connector_key="slack", kind="method"
        )
        for number in range(LINKS)
    )
    KillSwitch.unscoped.create(
        key="bench",
        scope="connector",
        connector_key="pipedrive",
        reason="bench",
        activated_by=person,
        activated_at=now,
    )
    for tenant, connection in zip(tenants, connections, strict=True):
        MaintenanceWindow.unscoped.create(
            connector_key="slack",
            connection=connection,
            starts_at=now - timedelta(days=2),
            ends_at=now - timedelta(days=1),
            reason="bench",
            declared_by=person,
        )
        ConnectorRequest.unscoped.create(
            tenant=tenant, system="bench", name="Bench", asker=person.email, created_at=now
        )
        log = Log.unscoped.create(tenant=tenant, next_line=7)
        LogPosition.unscoped.create(tenant=tenant, log=log)


def _insert_links(tenants: list[Tenant], *, now: datetime) -> None:
    """Insert keys and links, of which nobody has the secret."""
    moments = list(enumerate(_spread(LINKS, now)))
    owners = {number: tenants[number % len(tenants)] for number, _ in moments}
    ApiKey.unscoped.bulk_create(
        ApiKey(
            tenant=owners[number],
            name=f"bench {number}",
            prefix=f"b{number:07d}",
            digest=_digest(f"key {number}"),
            scopes=["events:read"],
            created_at=at,
        )
        for number, at in moments
    )
    ConnectLink.unscoped.bulk_create(
        ConnectLink(
            tenant=owners[number],
            connector_key="slack",
            digest=_digest(f"link {number}"),
            created_at=at,
            expires_at=at + timedelta(days=7),
        )
        for number, at in moments
    )
    PortalLink.unscoped.bulk_create(
        PortalLink(
            tenant=owners[number],
            role="member",
            reference=f"person-{number}",
            digest=_digest(f"portal {number}"),
            created_at=at,
            expires_at=at + timedelta(hours=1),
        )
        for number, at in moments
    )
