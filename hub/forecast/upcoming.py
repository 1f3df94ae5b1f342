"""Find what a tenant's people must do soon, from existing rows, in a fixed number of queries."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext as _

from hub.audit import AuditRow
from hub.connections.models import Connection, Disconnection
from hub.connections.status.expiry_forecast import (
    build_expiring_condition,
    list_expiring_connections,
)
from hub.drift.findings import build_notice_parameters
from hub.drift.models import DriftFinding
from hub.identities.models import DirectoryRead
from hub.incoming.insight.subscription_status import describe_subscription
from hub.incoming.models import InboundItem, WebhookSubscription
from hub.incoming.processing.attribution import FORMER_ACCOUNT
from hub.notices.messages import translate_notice
from tenants.models import ApiKey, Membership, Tenant

ROWS_READ = 100  # of each kind
WEBHOOK_PERIOD = timedelta(days=7)  # in which a registration expires
API_KEY_FORECAST_PERIOD = timedelta(days=14)  # in which an API key expires
OVERLAP_PERIOD = timedelta(days=2)  # longer than the overlap of two secrets lasts
ROTATION_VERBS = ("endpoint.rotate", "endpoint.end_overlap")
KINDS = (
    "authorization_ends",
    "disconnect_ends",
    "secret_overlap_ends",
    "webhook_fails",
    "schema_changed",
    "people_list_stopped",
    "webhooks_held",
    "connected_by_former_member",
    "api_key_expires",
)


@dataclass(frozen=True, slots=True)
class UpcomingNeed:
    """An upcoming task of a person: when (None: at any moment), why, and on which page."""

    kind: str
    at: datetime | None
    subject: str
    sentence: str
    connection: Connection | None = None


def list_upcoming_needs(tenant: Tenant, *, now: datetime) -> list[UpcomingNeed]:
    """Return what will require the tenant's people, in order of time, in nine queries.

    Problems without a time, which may occur at any moment, come first.
    """
    needs = (
        *_list_ending_authorizations(tenant, now=now),
        *_list_ending_disconnects(tenant, now=now),
        *_list_ending_overlaps(tenant, now=now),
        *_list_failing_webhooks(tenant, now=now),
        *_list_schema_changes(tenant),
        *_list_stopped_lists(tenant),
        *_list_held_webhooks(tenant),
        *_list_former_members(tenant),
        *_list_expiring_keys(tenant, now=now),
    )
    return sorted(needs, key=lambda need: need.at or now)


def count_urgent_needs(tenant: Tenant, *, now: datetime) -> int:
    """Count the connections that will require a person within seven days, in one query."""
    findings = DriftFinding.unscoped.filter(resolved_at=None).values("connection")
    is_urgent = build_expiring_condition(now=now) | Q(disconnection__revoke_at__gt=now)
    is_urgent |= Q(pk__in=findings) & ~Q(state="disabled", reason="disconnected")
    is_urgent |= Q(directory_read__state="incomplete", directory_read__stopped_count__gt=0)
    return Connection.objects.of(tenant).filter(is_urgent).order_by().distinct().count()


def _list_ending_authorizations(tenant: Tenant, *, now: datetime) -> Iterator[UpcomingNeed]:
    for expiring in list_expiring_connections(Connection.objects.of(tenant), now=now):
        connection, text = expiring.connection, expiring.reason_text.sentence
        yield UpcomingNeed(
            "authorization_ends", expiring.expires_at, connection.name, text, connection
        )


def _list_ending_disconnects(tenant: Tenant, *, now: datetime) -> Iterator[UpcomingNeed]:
    rows = Disconnection.objects.of(tenant).filter(revoke_at__gt=now)
    text = _("It is disconnected. Until then the disconnect can be undone.")
    for disconnection in rows.select_related("connection").order_by("revoke_at")[:ROWS_READ]:
        connection = disconnection.connection
        yield UpcomingNeed(
            "disconnect_ends", disconnection.revoke_at, connection.name, text, connection
        )


def _list_ending_overlaps(tenant: Tenant, *, now: datetime) -> Iterator[UpcomingNeed]:
    """Yield the endpoints whose old signing secret ends, from the audit rows of its rotation."""
    rotations = AuditRow.objects.filter(
        tenant=tenant.public_id, at__gt=now - OVERLAP_PERIOD, verb__in=ROTATION_VERBS
    )
    last_by_endpoint = {row.object_id: row for row in rotations.order_by("at", "number")}
    overlap_ends = {id: _read_overlap_end(row) for id, row in last_by_endpoint.items()}
    text = _("Its old signing secret ends. Use the new one in your receiver before that.")
    connections = Connection.objects.of(tenant).filter(public_id__in=list(overlap_ends)[:ROWS_READ])
    for connection in connections:
        ends_at = overlap_ends[str(connection.public_id)]
        if ends_at and ends_at > now:
            yield UpcomingNeed("secret_overlap_ends", ends_at, connection.name, text, connection)


def _read_overlap_end(audit_row: AuditRow) -> datetime | None:
    """Return the end of the overlap; None if a person has ended it early."""
    stored = (audit_row.after or {}).get("overlap_until")
    is_rotation = audit_row.verb == "endpoint.rotate"
    return datetime.fromisoformat(stored) if stored and is_rotation else None


def _list_failing_webhooks(tenant: Tenant, *, now: datetime) -> Iterator[UpcomingNeed]:
    """Yield the wanted registrations that differ from the wanted state, or expire soon."""
    is_failing = Q(state__in=WebhookSubscription.UNHEALTHY_STATES)
    is_expiring = Q(expires_at__lte=now + WEBHOOK_PERIOD)
    rows = WebhookSubscription.objects.of(tenant).filter(is_failing | is_expiring, is_wanted=True)
    rows = rows.exclude(endpoint__connection=None)
    rows = rows.exclude(endpoint__connection__reason="disconnected")
    for row in rows.select_related("endpoint__connection__tenant").order_by("pk")[:ROWS_READ]:
        connection = row.endpoint.connection
        if connection is not None:
            text = describe_subscription(row).sentence
            subject = f"{connection.name}: {row.key}"
            yield UpcomingNeed("webhook_fails", row.expires_at, subject, text, connection)


def _list_schema_changes(tenant: Tenant) -> Iterator[UpcomingNeed]:
    rows = DriftFinding.objects.of(tenant).filter(resolved_at=None)
    for finding in rows.select_related("connection").order_by("pk")[:ROWS_READ]:
        text = translate_notice(
            f"schema_drift_{finding.change}", build_notice_parameters(finding), reason=""
        )
        changed = finding.field_label or finding.field_key or finding.object_label
        subject = f"{finding.connection.name}: {changed}"
        yield UpcomingNeed("schema_changed", None, subject, text, finding.connection)


def _list_stopped_lists(tenant: Tenant) -> Iterator[UpcomingNeed]:
    """Yield the lists of people that the safety valve has stopped."""
    rows = DirectoryRead.objects.of(tenant).filter(state="incomplete", stopped_count__gt=0)
    text = _("A list of people would deactivate too many of them. Confirm or reject it.")
    for read in rows.select_related("connection").order_by("pk")[:ROWS_READ]:
        subject = read.connection.name if read.connection else _("Your users")
        yield UpcomingNeed("people_list_stopped", None, subject, text, read.connection)


def _list_held_webhooks(tenant: Tenant) -> Iterator[UpcomingNeed]:
    """Yield the connections at which webhooks for the former account wait for a decision."""
    held = InboundItem.unscoped.filter(
        connection=OuterRef("pk"), state="held", reason=FORMER_ACCOUNT
    )
    rows = Connection.objects.of(tenant).filter(Exists(held), account_since__isnull=False)
    text = _(
        "Webhooks that arrived for the account before are held. Replay those that belong to the "
        "account that is connected now."
    )
    for connection in rows.order_by("pk")[:ROWS_READ]:
        yield UpcomingNeed("webhooks_held", None, connection.name, text, connection)


def _list_former_members(tenant: Tenant) -> Iterator[UpcomingNeed]:
    """Yield the connections of former members.

    Possibly no other person is able to authorize these accounts again.
    """
    members = Membership.objects.of(tenant).filter(user__is_active=True).values("user")
    rows = (
        Connection.objects.of(tenant)
        .exclude(connected_by=None)
        .exclude(connected_by__in=members)
        .exclude(connected_by__is_staff=True)
        .exclude(state="disabled", reason="disconnected")
    )
    for connection in rows.select_related("connected_by").order_by("pk")[:ROWS_READ]:
        text = _(
            "%(person)s, who connected it, is no longer a member. Authorize it again with an "
            "account that stays."
        ) % {"person": connection.connected_by}
        yield UpcomingNeed("connected_by_former_member", None, connection.name, text, connection)


def _list_expiring_keys(tenant: Tenant, *, now: datetime) -> Iterator[UpcomingNeed]:
    rows = ApiKey.objects.of(tenant).filter(
        revoked_at=None, expires_at__gt=now, expires_at__lte=now + API_KEY_FORECAST_PERIOD
    )
    text = _("This API key expires. Ask support for a new one.")
    for key in rows.order_by("expires_at")[:ROWS_READ]:
        yield UpcomingNeed("api_key_expires", key.expires_at, str(key), text)
