"""People, mails, webhooks, scheduled work and the data of connections, all of it unfinished."""

import uuid

from django.contrib.auth.models import Group, Permission
from django.core.cache import cache

from hub.audit import ActorContext
from hub.connections.actions.disconnection import disconnect_account
from hub.connections.connecting.connector_requests import request_connector
from hub.connections.models import Authorization, Credential, QuotaQueue, Revocation
from hub.crypto.sealed import seal
from hub.drift.models import DriftSchedule, SchemaBaseline
from hub.identities.models import DirectoryEntry, DirectoryRead, LocalUser, SuggestionRun
from hub.incoming.models import (
    InboundCount,
    RhythmDay,
    RhythmPosition,
    SourceCanary,
    SourceRhythm,
    WebhookAddress,
)
from hub.limits.models import LimitUsage
from hub.mail.models import Mail
from hub.mappings.models import IdentityFallback
from hub.metrics.counters import Tally
from hub.notices.models import ConnectionMailPreference, MailPreference, QuietHours
from hub.outgoing.insight.search.value_index import index_next_events
from hub.outgoing.models import Idempotency, ReceivedDataErasure, RememberedWrite
from hub.portal.models import PortalVisit
from hub.processes.loop_slots import acquire_slot
from hub.processes.worker_registry import Replacement, SweepFailure, Worker
from hub.queue import record_heartbeat, wake_up
from hub.scheduled.models import (
    Log,
    LogChunk,
    LogPosition,
    RunLogEntry,
    StagedRecord,
)
from hub.schemas.models import ChoiceList, ObjectSchema
from hub.throttle.models import BackgroundShare
from tenants.models import ApiKey, Membership, User
from tests.factories import MINUTE, NOON
from tests.upgrade.fill_outgoing import LATER

TOKENS = {"access_token": "xoxe.xoxb-1", "refresh_token": "xoxe-1"}
TITLE = [{"key": "title", "label": "Title", "type": "text"}]


def refresh_credential(make, tenant):
    """A credential whose refresh was on its way, and may have been answered."""
    slack = make.connection(tenant, "slack", name="refreshing")
    life = {"given": NOON.isoformat(), "ends": None, "due": LATER.isoformat(), "rotates": True}
    Credential.unscoped.filter(pk=slack.pk).update(
        token_lifetimes={"": life},
        expires_at=NOON + 60 * MINUTE,
        refresh_due_at=LATER,
        refresh_started_at=LATER,
        refresh_lease_until=LATER + MINUTE,
        refresh_outcome_unknown_since=LATER,
        refresh_failures=2,
    )


def connect_people(make, tenant):
    """Authorizations, links, visits, an invitation, and tokens to be revoked."""
    make.authorization(tenant, now=NOON)
    late = make.authorization(tenant, "salesforce", now=NOON)
    Authorization.unscoped.filter(pk=late.pk).update(state="failed", reason="denied")
    make.connect_link(tenant, now=NOON)
    make.portal_link(tenant, now=NOON)
    make.invitation(tenant, now=NOON)
    make.support_visit(tenant, User.objects.get(email="root@example.com"), now=NOON)
    PortalVisit.unscoped.create(tenant=tenant, person="user:1", seen_at=NOON, changes_since=NOON)
    revocation = Revocation(
        tenant=tenant, connector_key="slack", account="T9", due_at=NOON, created_at=NOON
    )
    revocation.sealed = seal({"settings": {}, "secret": TOKENS}, revocation.binding)
    revocation.save()
    connection = make.connection(tenant, "slack", name="disconnected a moment ago")
    disconnect_account(connection, ActorContext.system(), can_be_undone=True, now=LATER)


def set_preferences(make, tenant):
    """What people asked for, saved and chose."""
    request_connector(tenant, "Fax machine", ActorContext.system(), now=NOON)
    make.saved_view(tenant)
    membership = Membership.unscoped.get(tenant=tenant)
    MailPreference.unscoped.create(membership=membership, kind="degraded", enabled=True)
    ConnectionMailPreference.unscoped.create(
        membership=membership,
        connection=tenant.connections.earliest("pk"),
        kind="failing",
        enabled=False,
    )
    QuietHours.unscoped.create(membership=membership, digest=True, digest_hour=7)
    group = Group.objects.create(name="support")
    membership.user.groups.add(group)
    membership.user.user_permissions.add(Permission.objects.earliest("pk"))


def queue_mails():
    """One that waits, and one that failed."""
    for state in ("waiting", "failed"):
        mail = Mail(
            to=f"{state}@acme.example.com",
            kind="notices/notice.txt",
            created_at=NOON,
            until=NOON + 60 * MINUTE,
            state=state,
            attempt_count=3,
            due_at=NOON if state == "waiting" else None,
        )
        mail.sealed = seal({"subject": "Hello", "text": "It waits."}, mail.binding)
        mail.save()


def receive_webhooks(make, tenant):
    """One is processed, one waits, one is held; the registration is checked."""
    pipedrive = make.connection(tenant, "pipedrive", secret={"access_token": "v1u"})
    make.webhook_subscription(pipedrive)
    message = make.inbound_message(pipedrive, body=b'{"meta": {}}', now=NOON)
    message.seal({"response_url": "https://hooks.example.com/1"})
    message.save()
    make.inbound_item(pipedrive, message=message)
    for state, reason in (("received", ""), ("held", "paused"), ("quarantined", "crashed")):
        make.inbound_item(pipedrive, state=state, reason=reason, now=LATER)
    InboundCount.unscoped.create(
        endpoint=make.inbound_endpoint(pipedrive), minute=NOON, cause="accepted", count=4
    )
    listen_to_source(make, pipedrive)
    acquire_slot("inbox", uuid.UUID(int=3), now=NOON)
    WebhookAddress.objects.create(
        id=WebhookAddress.ONLY_ROW, public_url="https://hub.example.com", changed_at=NOON
    )
    ReceivedDataErasure.unscoped.create(connection=pipedrive, erased_at=NOON, due_at=LATER)
    RememberedWrite.unscoped.create(
        delivery_id=1,
        connection=pipedrive,
        object="person",
        fields={"name": "Ann"},
        is_forwarded=False,
        written_at=LATER,
    )


def listen_to_source(make, connection):
    """Its rhythm is known, its canary waits, and a gap is due."""
    source = make.source(connection, heard_at=NOON)
    make.gap(source, now=LATER)
    rhythm = SourceRhythm.unscoped.create(
        source=source,
        connection=connection,
        type="pipedrive.person.created",
        first_day=NOON.date(),
        last_item_at=NOON,
    )
    RhythmDay.unscoped.create(rhythm=rhythm, day=NOON.date(), h12=7)
    RhythmPosition.objects.create(item_id=1, counted_at=NOON)
    SourceCanary.unscoped.create(source=source, is_on=True, state="waiting", mark="Check 1")


def run_jobs(make, tenant):
    """A run is finished, one is interrupted, one waits; a discrepancy is open; logs are shipped."""
    salesforce = tenant.connections.filter(connector_key="salesforce").earliest("pk")
    job = make.job(tenant, connection=salesforce)
    make.job_schedule(job, at=LATER + 60 * MINUTE)
    finished = make.finished_run(job, at=NOON - 60 * MINUTE)
    interrupted = make.run(job, at=NOON, state="running", started_at=NOON, lease_until=LATER)
    make.run(job, at=LATER)
    make.discrepancy(salesforce, job=job, run=finished)
    RunLogEntry.unscoped.create(run=interrupted, at=NOON, level="info", kind="started")
    acquire_slot("run", uuid.UUID(int=4), now=NOON)
    StagedRecord.objects.create(run=interrupted, is_local=True, key=b"A-1", body=b"{}")
    log = Log.unscoped.create(tenant=tenant, next_line=2, received_at=NOON)
    LogChunk.unscoped.create(
        tenant=tenant,
        source="api",
        idempotency_key="1",
        digest="d",
        first_line=0,
        line_count=2,
        size=10,
        body=b"",
        received_at=NOON,
    )
    LogPosition.unscoped.create(tenant=tenant, log=log)


def read_systems(make, tenant):
    """What was read from systems: schemas, choices, people; and what changed there."""
    salesforce = tenant.connections.filter(connector_key="salesforce").earliest("pk")
    slack = tenant.connections.filter(connector_key="slack").earliest("pk")
    lead = {"connection": salesforce, "object_key": "Lead", "label": "Lead", "fields": TITLE}
    ObjectSchema.unscoped.create(**lead, read_at=NOON)
    SchemaBaseline.unscoped.create(**lead, compared_at=NOON)
    ChoiceList.unscoped.create(
        connection=slack, kind="channel", items=[["C1", "#general"]], read_at=NOON
    )
    DriftSchedule.unscoped.create(connection=salesforce, check_at=LATER)
    make.drift_finding(salesforce)
    LocalUser.unscoped.create(tenant=tenant, user_id="u-1", name="Ann", email="ann@acme.test")
    DirectoryEntry.unscoped.create(connection=slack, remote_id="U7", name="Ann")
    DirectoryRead.unscoped.create(
        tenant=tenant, connection=slack, cursor="page 2", started_at=NOON, next_page_at=LATER
    )
    SuggestionRun.unscoped.create(connection=slack, requested_at=NOON)
    IdentityFallback.unscoped.create(
        connection=slack, kind="user", direction="out", choice="hold", updated_at=NOON
    )
    make.integration(tenant, route=slack.routes.earliest("pk"))


def count_usage(make, tenant):
    """What limits, quotas and repeated requests are decided by."""
    LimitUsage.objects.create(
        subject=f"tenant:{tenant.public_id}", name="events", window=29_000_000, used=7
    )
    BackgroundShare.objects.create(connector_key="slack", quota_name="account", percent=20)
    QuotaQueue.unscoped.create(
        connection=tenant.connections.earliest("pk"), digest="d", scopes=["s"], opens_at=LATER
    )
    Idempotency.objects.create(
        api_key=ApiKey.unscoped.earliest("pk"),
        key="k",
        digest="d",
        status=202,
        answer={},
        created_at=NOON,
    )
    cache.set("page", {"number": 7}, timeout=60)
    Tally.objects.get_or_create(name="events", label="acme", defaults={"value": 7})
    index_next_events(now=LATER + 60 * MINUTE)


def start_processes():
    """A worker, one of its pools was replaced; wake-ups were sent, and nothing has read them."""
    Worker.objects.create(
        id=uuid.UUID(int=2),
        host="desk",
        pid=100,
        pool=101,
        started_at=NOON,
        seen_at=LATER + MINUTE,
        pool_since=NOON,
        heard_at=LATER + MINUTE,
    )
    Replacement.objects.create(at=NOON, host="desk", pool=99, why="hung")
    SweepFailure.objects.create(step="prune", error="OSError", since=NOON, last_at=LATER)
    for name in ("pump", "drain", "refresh:1"):
        wake_up(name, now=LATER + MINUTE)
    record_heartbeat("sweep", now=LATER + MINUTE)
