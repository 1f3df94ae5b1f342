"""The demo's scheduled jobs, for all tenants: reconciliation, report, log shipping, sync."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from hub.audit import ActorContext
from hub.management.demo.data import ORDER_FIELD
from hub.scheduled.jobs.job_actions import build_job, create_job
from hub.scheduled.models import Job

RECONCILIATION = "Orders, every night"
WEEKLY_SALES = "Weekly sales"
LOG_SHIPPING = "Operational logs to Splunk"
SIGN_UPS = "Sign-ups that no webhook brought"

# Opportunities that the routes of the demo create from orders
RECONCILE_OPTIONS: Mapping[str, Any] = {
    "local": {"collection": "orders"},
    "remote": {
        "collection": "records",
        "query": {
            "object": "Opportunity",
            "fields": f"Id, {ORDER_FIELD['name']}, StageName, Amount, SystemModstamp",
        },
    },
    "match": {"local": "number", "remote": ORDER_FIELD["name"]},
    "fields": [
        {
            "name": "status",
            "local": "state",
            "remote": "StageName",
            "type": "picklist",
            "owner": "ours",
            "values": {
                "placed": "Closed Won",
                "sent": "Closed Won",
                "shipped": "Closed Won",
                "cancelled": "Closed Lost",
            },
        },
        {"name": "total", "local": "total", "remote": "Amount", "type": "decimal", "owner": "ours"},
    ],
    "mode": "propose",
    "repair": {"local_action": "update_order", "remote_action": "update_record"},
}
JOBS: tuple[Mapping[str, Any], ...] = (
    {
        "kind": "reconcile",
        "name": RECONCILIATION,
        "connector_key": "salesforce",
        "cron": "0 1 * * *",
        "options": RECONCILE_OPTIONS,
    },
    {
        "kind": "report",
        "name": WEEKLY_SALES,
        "connector_key": "salesforce",
        "cron": "0 9 * * 1",
        "options": {"period": "last_week", "title": "Sales of last week"},
    },
    {
        "kind": "ship",
        "name": LOG_SHIPPING,
        "connector_key": "splunk",
        "cron": "* * * * *",
        "options": {"source": "api"},
    },
    {
        "kind": "sync",
        "name": SIGN_UPS,
        "connector_key": "pipedrive",
        "cron": "30 1 * * *",
        "options": {"collection": "persons", "changes": ["created"]},
    },
)


def create_demo_jobs(*, now: datetime) -> None:
    """Create the jobs that do not exist yet."""
    known = set(Job.unscoped.filter(tenant=None).values_list("name", flat=True))
    for values in JOBS:
        if values["name"] not in known:
            create_job(build_job(**values), ActorContext.system(), now=now)
