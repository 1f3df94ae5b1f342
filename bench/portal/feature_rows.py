"""What a tenant has beside deliveries: received webhooks, jobs with runs and discrepancies, people
of both sides, a mapping of its own, and an integration.
"""

import json
import zlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bench import seed
from hub.audit import ActorContext
from hub.connections.actions.queued_tests import queue_connection_test
from hub.connections.models import Connection
from hub.identities.models import DirectoryEntry, LocalUser
from hub.incoming.models import (
    InboundBody,
    InboundEndpoint,
    InboundGap,
    InboundItem,
    InboundMessage,
    InboundSource,
)
from hub.incoming.models.endpoints import hash_endpoint_key
from hub.mappings.models import FieldMapping, Identity, MappingVersion
from hub.operations.models import Operation
from hub.outgoing.models import Route
from hub.outgoing.operations.planning import plan_operation
from hub.recipes.models import Integration, IntegrationPart
from hub.scheduled.models import Discrepancy, Job, JobSchedule, Run
from tenants.models import Tenant

RESULT = {
    "compared": 10_000,
    "equal": 9_996,
    "records": {"local": 9_999, "remote": 9_998},
    "verdicts": {"differs": 4},
    "states": {"new": 4},
    "read": "full",
    "since": None,
    "is_complete": True,
    "compared_at": "2026-11-25T01:14:09+00:00",
    "digest": "9f86d081",
}
JOB_OPTIONS = {
    "local": {"collection": "orders"},
    "remote": {
        "collection": "records",
        "query": {"object": "Opportunity", "fields": "Number__c,StageName"},
    },
    "match": {"local": "number", "remote": "Number__c"},
    "fields": [
        {
            "name": "state",
            "local": "state",
            "remote": "StageName",
            "type": "text",
            "owner": "ours",
        }
    ],
    "repair": {"local_action": "update_order", "remote_action": "update_record"},
}
MAPPING = {"channel": "data.channel", "text": "concat('Order ', text(data.number))"}


@dataclass(frozen=True, slots=True)
class FeatureCounts:
    """How many rows of each kind a tenant has."""

    items: int
    runs: int
    discrepancies: int
    people: int
    sources: int


OF_THE_LARGE = FeatureCounts(
    items=20_000, runs=400, discrepancies=10_000, people=2_000, sources=10_000
)
OF_THE_USUAL = FeatureCounts(items=50, runs=20, discrepancies=20, people=40, sources=20)
SOURCES_PER_GAP = 20


def insert_feature_rows(
    tenant: Tenant, counts: FeatureCounts, *, now: datetime
) -> dict[str, object]:
    """Insert the rows of a tenant; return what addresses name: a row of each kind."""
    slack = Connection.objects.of(tenant).filter(connector_key="slack").order_by("pk").first()
    assert slack is not None, "every fourth connection is one"
    route = _insert_own_route(tenant, slack)
    item = _insert_items(slack, counts.items, now=now)
    source = _insert_sources(slack, counts.sources, now=now)
    job, run, discrepancy = _insert_scheduled_work(tenant, counts, now=now)
    _insert_people(slack, counts.people, now=now)
    integration = _insert_integration(tenant, route, now=now)
    outdated = _insert_integration(tenant, route, recipe_version=0, now=now)
    tested = Connection.objects.of(tenant).filter(connector_key="slack").order_by("-pk").first()
    assert tested is not None, "every fourth connection is one"
    queue_connection_test(tested, ActorContext.system(), now=now)
    return {
        "slack": slack.public_id,
        "mapping": route.mapping.public_id,
        "route": route.public_id,
        "item": item.public_id,
        "source": source.public_id,
        "gap": InboundGap.objects.of(tenant).latest("pk").public_id,
        "job": job.public_id,
        "run": run.public_id,
        "discrepancy": discrepancy.public_id,
        "integration": integration.public_id,
        "outdated": outdated.public_id,
        "tested": tested.public_id,
        "operation": _plan_retry(tenant, now=now).public_id,
        "kind": "user",
        "local_id": "user-0",
    }


def _insert_own_route(tenant: Tenant, slack: Connection) -> Route:
    mapping = FieldMapping.unscoped.create(
        tenant=tenant, name="own", connector_key="slack", action="post_message"
    )
    for number in range(1, 21):
        body = MAPPING | {"text": f"concat('Order {number} ', text(data.number))"}
        MappingVersion.unscoped.create(mapping=mapping, number=number, body=body)
    return Route.unscoped.create(
        tenant=tenant,
        name="own",
        event_type="order.created",
        connector_key="slack",
        connection=slack,
        action="post_message",
        mapping=mapping,
    )


def _insert_items(slack: Connection, count: int, *, now: datetime) -> InboundItem:
    """Insert webhook requests with one item each; return the newest item."""
    key = f"bench-{slack.pk}"
    endpoint = InboundEndpoint(
        connector_key="slack",
        connection=slack,
        tenant=slack.tenant,
        key_digest=hash_endpoint_key(key),
    )
    endpoint.seal({"key": key, "secrets": [{"secret": "bench", "until": None}]})
    endpoint.save()
    moments = [now - timedelta(minutes=count - number) for number in range(count)]
    messages = InboundMessage.unscoped.bulk_create(
        InboundMessage(
            endpoint=endpoint,
            connector_key="slack",
            tenant=slack.tenant,
            connection=slack,
            message_key=f"message {number}",
            received_at=at,
        )
        for number, at in enumerate(moments)
    )
    body = zlib.compress(json.dumps({"event": {"type": "message", "text": "hello"}}).encode())
    InboundBody.objects.bulk_create(
        InboundBody(message_id=message.pk, body=body) for message in messages
    )
    items = InboundItem.unscoped.bulk_create(
        InboundItem(
            message=message,
            connector_key="slack",
            tenant=slack.tenant,
            connection=slack,
            type="slack.message",
            item_key=f"item {message.pk}",
            received_at=message.received_at,
            state="processed",
            state_changed_at=message.received_at,
        )
        for message in messages
    )
    return items[-1]


def _insert_sources(slack: Connection, count: int, *, now: datetime) -> InboundSource:
    """Insert sources, every few of them with a gap; return the newest."""
    sources = InboundSource.unscoped.bulk_create(
        InboundSource(
            tenant=slack.tenant,
            connection=slack,
            object=f"object_{number}",
            state_changed_at=now,
            heard_at=now,
        )
        for number in range(count)
    )
    InboundGap.unscoped.bulk_create(
        InboundGap(
            tenant=slack.tenant,
            connection=slack,
            source=source,
            cause=InboundGap.Cause.OUTAGE,
            state=InboundGap.State.HELD,
            from_at=now - timedelta(hours=2),
            to_at=now,
            opened_at=now,
            state_changed_at=now,
        )
        for source in sources[::SOURCES_PER_GAP]
    )
    return sources[-1]


def _insert_scheduled_work(
    tenant: Tenant, counts: FeatureCounts, *, now: datetime
) -> tuple[Job, Run, Discrepancy]:
    """Insert a reconciliation with its runs and what they found; return one of each."""
    salesforce = Connection.unscoped.create(
        tenant=tenant, connector_key="salesforce", name="bench", account=f"00D{tenant.pk:012d}"
    )
    seed.store_credentials([salesforce], {"access_token": "bench"})
    job = Job.unscoped.create(
        tenant=tenant,
        kind="reconcile",
        name="Orders",
        cron="0 2 * * *",
        connector_key="salesforce",
        options=JOB_OPTIONS,
    )
    JobSchedule.unscoped.create(
        job=job,
        tenant=tenant,
        time_zone=tenant.time_zone,
        next_slot_at=now + timedelta(days=1),
        last_slot_at=now,
    )
    runs = Run.unscoped.bulk_create(
        _build_run(job, tenant, now - timedelta(days=counts.runs - number))
        for number in range(counts.runs)
    )
    discrepancies = Discrepancy.unscoped.bulk_create(
        Discrepancy(
            tenant=tenant,
            job=job,
            connection=salesforce,
            first_run=runs[-1],
            last_run=runs[-1],
            first_seen_at=now,
            last_seen_at=now,
            record_key=f"A-{number}",
            field="state",
            verdict="differs",
            owner="ours",
            local_value="shipped",
            remote_value="Paid",
        )
        for number in range(counts.discrepancies)
    )
    return job, runs[-1], discrepancies[-1]


def _build_run(job: Job, tenant: Tenant, at: datetime) -> Run:
    return Run(
        job=job,
        tenant=tenant,
        slot_at=at,
        due_at=at,
        created_at=at,
        window_ends_at=at,
        deadline_at=at,
        state="finished",
        result=RESULT,
        started_at=at,
        finished_at=at,
    )


def _insert_people(slack: Connection, count: int, *, now: datetime) -> None:
    """Insert people of both sides; a third of the pairs is confirmed, suggested, unmatched each."""
    numbers = range(count)
    LocalUser.unscoped.bulk_create(
        LocalUser(
            tenant=slack.tenant,
            user_id=f"user-{number}",
            name=f"Person {number}",
            email=f"person{number}@bench.example",
        )
        for number in numbers
    )
    DirectoryEntry.unscoped.bulk_create(
        DirectoryEntry(
            connection=slack,
            remote_id=f"U{number:08d}",
            name=f"Person {number}",
            email=f"person{number}@bench.example",
        )
        for number in numbers
    )
    states = ("confirmed", "suggested", "unmatched")
    Identity.unscoped.bulk_create(
        Identity(
            connection=slack,
            kind="user",
            local_id=f"user-{number}",
            remote_id="" if number % 3 == 2 else f"U{number:08d}",
            state=states[number % 3],
            created_at=now,
            updated_at=now,
        )
        for number in numbers
    )


def _insert_integration(
    tenant: Tenant, route: Route, *, recipe_version: int = 1, now: datetime
) -> Integration:
    integration = Integration.unscoped.create(
        tenant=tenant,
        recipe_key="order_to_slack",
        recipe_version=recipe_version,
        created_at=now,
        answers={"channel": "C0000000001"},
    )
    parts: dict[str, Any] = {}
    IntegrationPart.unscoped.create(
        integration=integration, key="message", route=route, mapping=route.mapping, made=parts
    )
    return integration


def _plan_retry(tenant: Tenant, *, now: datetime) -> Operation:
    return plan_operation(
        "retry",
        {"state": "failed"},
        tenant=tenant,
        reason="bench",
        actor=ActorContext.system(),
        now=now,
    )
