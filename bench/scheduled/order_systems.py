"""Two systems with planted orders: the sandbox as a process, a job that reconciles them, and what
is to be found.
"""

import contextlib
import http.client
import json
import os
import socket
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import seed
from bench.installation.processes import Process, python_command, running, wait_until
from hub.connections.models import Connection, ConnectorApp
from hub.db.clock import clock
from hub.scheduled.models import Job
from tenants.models import Tenant

ORG, TENANT = "00D000000000001EAA", "bench-0"
ACCESS = "00D000000000001!bench"
LONG_AGO = "2020-01-01T00:00:00Z"
CHUNK = 5000  # records of one request that plants them
STATES = {"placed": "Prospecting", "paid": "Closed Won", "lost": "Closed Lost"}
WORLD = {
    "salesforce": [
        {
            "org": ORG,
            "access_token": ACCESS,
            "daily_limit": 100_000_000,
            "session_timeout": 10_000_000,
            "fields": {
                "Opportunity": [
                    {"name": "Number__c", "type": "string", "length": 80, "external_id": True}
                ]
            },
        }
    ],
    "app": {
        "secret": seed.SECRET["signing_secret"],
        "tenants": [{"reference": TENANT, "name": "Bench"}],
    },
    "latency": {"salesforce": [0, 0]},
}
OPTIONS: Mapping[str, Any] = {
    "local": {"collection": "orders"},
    "remote": {
        "collection": "records",
        "query": {"object": "Opportunity", "fields": "Number__c, StageName, Amount"},
    },
    "match": {"local": "number", "remote": "Number__c"},
    "fields": [
        {
            "name": "state",
            "local": "state",
            "remote": "StageName",
            "type": "picklist",
            "values": STATES,
            "owner": "ours",
        },
        {
            "name": "total",
            "local": "total",
            "remote": "Amount",
            "type": "decimal",
            "owner": "theirs",
        },
    ],
    "repair": {"local_action": "update_order", "remote_action": "update_record"},
}
# one key in a hundred of each
PLANTED = ("missing_here", "missing_there", "differs", "ambiguous", "unmapped")
Found = set[tuple[str, str, str]]  # key, field, verdict


@dataclass(frozen=True, slots=True)
class OrderSystems:
    """The sandbox at a place, "host:port", and its process."""

    place: str
    process: Process

    def post(self, path: str, document: object) -> Any:
        return json.loads(self._ask("POST", path, json.dumps(document).encode()))

    def plant(self, system: str, account: str, object: str, records: list[Any]) -> None:
        for start in range(0, len(records), CHUNK):
            chunk = records[start : start + CHUNK]
            wish = {"system": system, "account": account, "object": object, "records": chunk}
            self.post("/_control/seed", wish)

    def list_records(self, system: str, account: str, object: str) -> list[dict[str, Any]]:
        path = f"/_control/records?system={system}&account={account}&object={object}"
        return [json.loads(line) for line in self._ask("GET", path).splitlines()]

    def list_requests(self) -> list[dict[str, Any]]:
        lines = self._ask("GET", "/_control/ledger?since=0").splitlines()
        return [json.loads(line) for line in lines]

    def _ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        host, _, port = self.place.partition(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=300)
        try:
            headers = {"Content-Type": "application/json"} if body else {}
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            content = response.read()
            if response.status >= 400:
                raise SystemExit(f"the sandbox refuses {method} {path}: {content[:500]!r}")
            return content
        finally:
            connection.close()


@contextlib.contextmanager
def order_systems() -> Iterator[OrderSystems]:
    """Run the sandbox with an org and an order application, both empty."""
    with tempfile.TemporaryDirectory(prefix="hub-bench-sandbox-") as folder:
        world = Path(folder) / "world.json"
        world.write_text(json.dumps(WORLD))
        port, mail_port = find_free_port(), find_free_port()
        environment = os.environ | {
            "HUB_SANDBOX_STATE": str(Path(folder) / "state"),
            "HUB_SANDBOX_WORLD": str(world),
            "HUB_SANDBOX_PORT": str(port),
            "HUB_SANDBOX_SMTP_PORT": str(mail_port),
        }
        command = python_command("sandbox")
        with running(command, environment=environment, stdout=subprocess.DEVNULL) as (process,):
            systems = OrderSystems(f"127.0.0.1:{port}", process)
            wait_until(lambda: is_listening(port), within=30, what="the sandbox")
            os.environ["HUB_EGRESS_ALLOW"] += f",{systems.place}"  # of the processes that follow
            yield systems


def find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def connect_systems(systems: OrderSystems, **options: Any) -> Job:
    """Connect both systems for one tenant, and return the job that reconciles them."""
    seed.empty()
    url = f"http://{systems.place}"
    (remote,) = seed.connections(
        1, url, connector="salesforce", secret={"access_token": ACCESS, "refresh_token": "5Aep"}
    )
    remote.settings = {"instance_url": f"{url}/salesforce/{ORG}"}
    remote.account = ORG
    remote.save()
    ConnectorApp.objects.create(connector_key="app", urls={"api": f"{url}/app/api"})
    local = Connection.unscoped.create(connector_key="app", name="our application")
    seed.store_credentials([local], seed.SECRET)
    return Job.unscoped.create(
        tenant=remote.tenant,
        kind="reconcile",
        name="orders",
        connector_key="salesforce",
        cron="0 2 * * *",
        options={**OPTIONS, **options},
        is_enabled=False,  # no slot of it is due meanwhile
        created_at=clock(),
    )


def find_tenant() -> Tenant:
    return Tenant.objects.get(reference=TENANT)


def plant_orders(systems: OrderSystems, count: int) -> Found:
    """Plant so many keys with differences of every verdict; return what is to be found."""
    orders, records = [], []
    planted: Found = set()
    for number in range(count):
        key, verdict = format_number(number), choose_verdict(number)
        amount = number % 1000 + 0.5
        if verdict != "missing_here":
            state = "unknown" if verdict == "unmapped" else "placed"
            orders.append(build_order(key, state, f"{amount:.2f}"))
        if verdict != "missing_there":
            stage = "Closed Won" if verdict == "differs" else "Prospecting"
            records += [build_record(key, stage, amount)] * (2 if verdict == "ambiguous" else 1)
        if verdict:
            field = "state" if verdict in ("differs", "unmapped") else ""
            planted.add((key, field, verdict))
    systems.plant("app", TENANT, "orders", orders)
    systems.plant("salesforce", ORG, "Opportunity", records)
    return planted


def choose_verdict(number: int) -> str:
    """Return the verdict that the order of this number is to get; empty: it is equal."""
    return PLANTED[number % 100] if number % 100 < len(PLANTED) else ""


def format_number(number: int) -> str:
    return f"A-{number:07d}"


def build_order(key: str, state: str, total: str) -> dict[str, Any]:
    return {
        "number": key,
        "customer": "Ann",
        "state": state,
        "total": total,
        "currency": "EUR",
        "updated_at": LONG_AGO,
    }


def build_record(key: str, stage: str, amount: float) -> dict[str, Any]:
    return {
        "Name": f"Order {key}",
        "CloseDate": "2020-01-01",
        "Number__c": key,
        "StageName": stage,
        "Amount": amount,
        "SystemModstamp": LONG_AGO,
    }


def count_writes(systems: OrderSystems) -> int:
    return sum(request["method"] != "GET" for request in systems.list_requests())


def count_missing(expected: Iterable[Any], actual: Iterable[Any]) -> int:
    """Return how many were not found, and how many were invented."""
    return len(set(expected) ^ set(actual))
