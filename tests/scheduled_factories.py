"""Rows of scheduled work; part of `make`."""

from datetime import UTC, datetime, timedelta

from hub.scheduled.models import Discrepancy, Job, JobSchedule, Run

NIGHT = datetime(2026, 11, 25, 1, tzinfo=UTC)
RESULT = {
    "compared": 10_000,
    "equal": 9_996,
    "records": {"local": 9_999, "remote": 9_998},
    "verdicts": {"differs": 3, "missing_there": 1},
    "states": {"new": 4},
    "read": "full",
    "since": None,
    "is_complete": True,
    "compared_at": "2026-11-25T01:14:09+00:00",
    "digest": "9f86d081",
}


OPTIONS = {
    "local": {"collection": "orders", "query": {}},
    "remote": {
        "collection": "records",
        "query": {"object": "Order__c", "fields": "Number__c,Status__c"},
    },
    "match": {"local": "number", "remote": "Number__c"},
    "fields": [
        {"name": "status", "local": "state", "remote": "Status__c", "type": "text", "owner": "ours"}
    ],
    "repair": {"local_action": "update_order", "remote_action": "update_record"},
}


class ScheduledFactories:
    def job(self, tenant=None, *, connector="salesforce", **fields):
        """A nightly reconciliation; without a tenant, of all tenants."""
        options = OPTIONS if connector == "salesforce" else {}
        columns = {"kind": "reconcile", "name": "Orders", "cron": "0 2 * * *", "options": options}
        return Job.unscoped.create(tenant=tenant, connector_key=connector, **columns | fields)

    def job_schedule(self, job, tenant=None, *, at=NIGHT, **fields):
        """The schedule of a job for a tenant, whose next slot is at this time."""
        tenant = tenant or job.tenant
        columns = {"time_zone": tenant.time_zone, "last_slot_at": at - timedelta(days=1)} | fields
        return JobSchedule.unscoped.create(job=job, tenant=tenant, next_slot_at=at, **columns)

    def run(self, job, tenant=None, *, at=NIGHT, **fields):
        """A run that waits for its slot."""
        columns = {
            "slot_at": at,
            "due_at": at,
            "created_at": at,
            "window_ends_at": at + timedelta(minutes=job.window_minutes),
            "deadline_at": at + timedelta(minutes=job.deadline_minutes),
        } | fields
        return Run.unscoped.create(job=job, tenant=tenant or job.tenant, **columns)

    def finished_run(self, job, tenant=None, *, at=NIGHT, **fields):
        """A run that has finished, with the result of a reconciliation."""
        columns = {
            "state": "finished",
            "result": RESULT,
            "started_at": at,
            "finished_at": at,
        } | fields
        return self.run(job, tenant, at=at, **columns)

    def discrepancy(self, connection=None, *, job=None, run=None, now=NIGHT, **fields):
        """A field whose values differ."""
        connection = connection or self.connection(connector="salesforce")
        job = job or self.job(connection.tenant, connector=connection.connector_key)
        columns = {
            "record_key": f"A-{next(self.numbers)}",
            "field": "status",
            "verdict": "differs",
            "owner": "ours",
            "local_value": "shipped",
            "remote_value": "Paid",
            "found_by_runs": f",{run.pk}," if run else "",
        } | fields
        return Discrepancy.unscoped.create(
            tenant=connection.tenant,
            job=job,
            connection=connection,
            first_run=run,
            last_run=run,
            first_seen_at=now,
            last_seen_at=now,
            **columns,
        )
