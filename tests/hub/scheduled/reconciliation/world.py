"""A job between two simulated systems, and a context that executes its runs."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from itertools import count

from django.db import transaction

from connectors.http import Request, Response
from hub.connections.credentials.provider_call import Patience
from hub.connections.models import Connection
from hub.operations.models import Operation
from hub.operations.operation_runner import run_batch
from hub.outgoing.models import Delivery, EventBody
from hub.outgoing.queue.expire import expire_deliveries
from hub.processes.db_thread import in_db_thread, run_with_loop
from hub.scheduled.models import Discrepancy, Job, JobSchedule, Run, RunLogEntry
from hub.scheduled.reconciliation.executor import run_reconciliation
from hub.scheduled.repairs.outcomes import settle_failed_repairs
from hub.scheduled.repairs.repair_checks import RepairCheckContext, check_repairs
from hub.scheduled.runs.context import RunStopped
from tests.factories import NOON, WHSEC
from tests.hub.scheduled.reconciliation.repair_deliveries import CREDENTIAL_URLS, send_delivery
from tests.hub.scheduled.reconciliation.systems import DealSystem, OrderApplication, SimulatedClock

OPTIONS = {
    "local": {"collection": "orders", "query": {}},
    "remote": {"collection": "deals", "query": {}},
    "match": {"local": "number", "remote": "title"},
    "fields": [
        {"name": "status", "local": "state", "remote": "status", "owner": "ours"},
        {
            "name": "total",
            "local": "total",
            "remote": "value",
            "type": "decimal",
            "owner": "theirs",
        },
    ],
    "repair": {"local_action": "update_order", "remote_action": "update_deal"},
    "limits": {"share": 1, "count": 100_000},
}


class ReconciliationScenario:
    """A tenant's orders and deals. `before_call` and `before_save` are called, and may raise."""

    def __init__(self, make, *, tenant=None, **options):
        self.clock = SimulatedClock()
        self.orders = OrderApplication(self.clock)
        self.deals = DealSystem(self.clock)
        self.local = make.connection(connector="app", secret={"signing_secret": WHSEC})
        self.remote = make.connection(
            tenant,
            "pipedrive",
            secret={"access_token": "token", "refresh_token": "token"},
            settings={"api_domain": "https://acme.pipedrive.com"},
        )
        self.tenant = self.remote.tenant
        self.job = Job.unscoped.create(
            tenant=self.tenant,
            kind="reconcile",
            name="orders and deals",
            connector_key="pipedrive",
            cron="0 2 * * *",
            options={**OPTIONS, **options},
        )
        JobSchedule.unscoped.create(
            job=self.job, tenant=self.tenant, time_zone="UTC", last_slot_at=NOON
        )
        self.before_call: Callable[[Connection], None] = lambda connection: None
        self.before_save: Callable[[], None] = lambda: None
        self.after_save: Callable[[], None] = lambda: None

    def plant(self, number: int, *, state="open", total=12.5, there=None) -> str:
        """Plant an order and its deal, which is equal unless `there` says otherwise."""
        key = f"A-{number:05}"
        long_ago = NOON - timedelta(days=1)
        self.orders.put(key, long_ago, state=state, total=total)
        deal = {"title": key, "status": state, "value": total, **(there or {})}
        self.deals.put(f"{number:05}", long_ago, **deal)
        return key

    def start(self, *, is_dry=False) -> Run:
        now = self.clock()
        return Run.unscoped.create(
            job=self.job,
            tenant=self.tenant,
            state="running",
            is_dry=is_dry,
            due_at=now,
            window_ends_at=now,
            deadline_at=now,
            created_at=now,
        )

    def execute(self, run: Run) -> dict:
        """Execute a run once; raises what interrupts it."""
        context = SimulatedContext(self, Run.unscoped.get(pk=run.pk))
        result = run_with_loop(partial(run_reconciliation, context))
        Run.unscoped.filter(pk=run.pk).update(state="finished", result=result)
        return dict(result)

    def execute_to_end(self, run: Run) -> dict:
        """Execute a run again and again until it is not interrupted."""
        while True:
            try:
                return self.execute(run)
            except RunStopped:
                continue

    def reconcile(self, **options) -> dict:
        return self.execute_to_end(self.start(**options))

    def find_discrepancies(self) -> set[tuple[str, str]]:
        """Return key and field or verdict of all unresolved discrepancies."""
        rows = Discrepancy.unscoped.filter(job=self.job).exclude(state="resolved")
        return {(row.record_key, row.field or row.verdict) for row in rows}

    def run_operations(self) -> None:
        from_ids = self.list_running()
        while from_ids:
            for id in from_ids:
                run_batch(id, now=self.clock())
            from_ids = self.list_running()

    def list_running(self) -> list[int]:
        return list(Operation.unscoped.filter(state="running").values_list("pk", flat=True))

    def check_repairs(self) -> None:
        """Do what the sweep and the task `repair` do."""
        expire_deliveries(now=self.clock())
        settle_failed_repairs(now=self.clock())
        patience = Patience(timedelta(seconds=10), self.clock.sleep)
        check_repairs(RepairCheckContext(self.answer, self.clock, lambda: 0.5, patience))

    def answer(self, request: Request) -> Response:
        is_local = request.url.startswith(CREDENTIAL_URLS["api"])
        return (self.orders if is_local else self.deals).answer(request)

    def repair(self) -> int:
        """Let all repairs be read, sent and verified; return how many were delivered."""
        self.check_repairs()
        delivered = self.deliver()
        self.check_repairs()
        return delivered

    def deliver(self) -> int:
        """Send what waits by the real actions, once; return how many were sent."""
        waiting = Delivery.unscoped.filter(state="waiting").select_related("route", "connection")
        return sum(self._send(delivery) for delivery in waiting.order_by("pk"))

    def _send(self, delivery: Delivery) -> bool:
        system = self.orders if delivery.connection_id == self.local.pk else self.deals
        body = bytes(EventBody.objects.get(pk=delivery.event_id).body)
        return send_delivery(delivery, body, system, now=self.clock())


class SimulatedContext:
    """The context of one execution: calls reach the simulated systems."""

    def __init__(self, world: ReconciliationScenario, run: Run):
        self.world, self.run, self.job, self.tenant = world, run, run.job, run.tenant

    def now(self):
        return self.world.clock()

    async def find_connection(self, connector_key=""):
        return self.world.local if connector_key == "app" else self.world.remote

    async def call(self, connection, build, parse):
        return await in_db_thread(partial(self._call, connection, build, parse))

    def _call(self, connection, build, parse):
        self.world.before_call(connection)
        system = self.world.orders if connection == self.world.local else self.world.deals
        return parse(system.answer(build(connection)))

    async def save(self, cursor, *, done, expected=None, write=None):
        await in_db_thread(partial(self._save, dict(cursor), done, write))

    def _save(self, cursor, done, write):
        self.world.before_save()
        with transaction.atomic():
            if write:
                write()
            Run.unscoped.filter(pk=self.run.pk).update(cursor=cursor, done_count=done)
        self.world.after_save()

    async def in_database(self, function):
        return await in_db_thread(function)

    async def log(self, kind, *, level="info", **parameters):
        now = self.now()
        await in_db_thread(
            lambda: RunLogEntry.unscoped.create(
                run=self.run, at=now, level=level, kind=kind, parameters=parameters
            )
        )


class Interruption:
    """Interrupts the nth time that it is called."""

    def __init__(self, number):
        self.number, self.calls = number, count(1)

    def __call__(self, *arguments):
        if next(self.calls) == self.number:
            raise RunStopped
