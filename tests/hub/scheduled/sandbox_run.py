"""A run whose calls go to the sandbox: the interface of a run's context, without its loop."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime

import requests
from django.db import transaction

from connectors.http import Response
from hub.connections.models import Connection
from hub.processes.db_thread import in_db_thread, run_with_loop
from hub.scheduled.models import Job, Run
from hub.scheduled.runs.context import RunBlocked, RunStopped
from tests.factories import WHSEC

MONDAY_AT_NINE = datetime(2026, 11, 23, 8, tzinfo=UTC)  # in Berlin
ORG, COMPANY = "00D000000000001EAA", "acme"
SECRETS = {
    "slack": {"access_token": "xoxb-acme-1"},
    "salesforce": {"access_token": "00D000000000001!acme"},
    "pipedrive": {"access_token": "v1u:acme-1"},
}


@dataclass
class SandboxRun:
    """What an executor is given. `stop_after`: the number of saves that the process survives;
    `stop_at_call`: the number of the call at which it ends.
    """

    run: Run
    job: Job
    tenant: object
    stop_after: int | None = None
    stop_at_call: int | None = None
    at: datetime = MONDAY_AT_NINE
    saves: int = 0
    lines: list = field(default_factory=list)
    called: list = field(default_factory=list)

    def now(self):
        return self.at

    async def find_connection(self, connector_key=""):
        key = connector_key or self.job.connector_key
        return await self.in_database(lambda: find_connection(self.tenant, key))

    async def call(self, connection, build, parse):
        request = build(connection)
        self.called.append(f"{request.method} {request.url}")
        if len(self.called) == self.stop_at_call:
            raise RunStopped
        return parse(await asyncio.to_thread(send, request))

    async def save(self, cursor, *, done, expected=None, write=None):
        if self.stop_after is not None and self.saves >= self.stop_after:
            raise RunStopped
        await self.in_database(lambda: self._store(cursor, write))
        self.saves += 1

    async def in_database(self, function):
        return await in_db_thread(function)

    async def log(self, kind, *, level="info", **parameters):
        self.lines.append((kind, parameters))

    def _store(self, cursor, write):
        with transaction.atomic():
            self.run.cursor = cursor
            self.run.save(update_fields=["cursor"])
            if write:
                write()


def find_connection(tenant, key):
    owner = None if key == "app" else tenant
    rows = Connection.unscoped.select_related("credential", "lane", "tenant")
    connection = rows.filter(tenant=owner, connector_key=key).order_by("pk").first()
    if connection is None:
        raise RunBlocked("not_connected", key)
    return connection


def send(request):
    answer = requests.request(
        request.method,
        request.url,
        data=request.content(),
        headers=request.all_headers(),
        timeout=30,
    )
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return Response(answer.status_code, answer.content, headers, MONDAY_AT_NINE)


def connect(make, desk, tenant, *connectors, **fields):
    """Connect the accounts of Acme in the sandbox's built-in world."""
    settings = {
        "salesforce": {"instance_url": f"{desk.url}/salesforce/{ORG}"},
        "pipedrive": {"api_domain": f"{desk.url}/pipedrive/{COMPANY}"},
    }
    urls = {"slack": {"api": f"{desk.url}/slack/api"}, "app": {"api": f"{desk.url}/app/api"}}
    made = []
    for key in connectors:
        app_secret = {"signing_secret": WHSEC} if key == "app" else {}
        make.app(key, app_secret, urls=urls.get(key, {}))
        owner = None if key == "app" else tenant
        more = {"secret": SECRETS[key]} if key in SECRETS else {}
        made.append(make.connection(owner, key, settings=settings.get(key, {}), **more, **fields))
    return made


def start_run(
    make, tenant, connector_key, kind="report", *, slot_at=MONDAY_AT_NINE, dry=False, **options
):
    """Create a job with a run of it, as it would be claimed."""
    job = Job.unscoped.create(
        tenant=tenant,
        kind=kind,
        name="Weekly sales",
        connector_key=connector_key,
        cron="0 9 * * 1",
        options=options,
    )
    run = Run.unscoped.create(
        job=job,
        tenant=tenant,
        slot_at=slot_at,
        state="running",
        is_dry=dry,
        due_at=slot_at,
        window_ends_at=slot_at,
        deadline_at=slot_at,
        created_at=slot_at,
    )
    return SandboxRun(run, job, tenant)


def execute(executor, context):
    return run_with_loop(lambda: executor(context))
