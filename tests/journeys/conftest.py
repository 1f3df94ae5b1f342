"""A desk in one process: the demo in the test's database, the sandbox in a thread, the real pump
and egress.
"""

import json
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from urllib.parse import urlsplit

import pytest
from django.core.management import call_command

from hub import egress
from hub.connections.credentials.refresh import refresh_access_token
from hub.connections.models import Connection
from hub.egress.async_client import open_async_client
from hub.outgoing.intake.publish import publish
from hub.outgoing.pump.loop import run_pump
from tenants.models import Tenant
from tests.desk.installation import READY
from tests.desk.installation import Installation as RealDesk
from tests.journeys.chromium import chromium
from tests.journeys.person import Person
from tests.journeys.running_hub import RunningHub
from tests.sandbox.running_sandbox import RunningSandbox

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


class Journey:
    def __init__(self, desk, file):
        self.desk = desk
        self.file = file
        self.told = json.loads(file.read_text())

    def order(self, reference, number, *, at=NOON, **data):
        tenant = Tenant.objects.get(reference=reference)
        said = {
            "number": number,
            "customer": "Ann",
            "email": "ann@acme.example",
            "total": "12.50",
            "currency": "EUR",
        }
        return publish(
            tenant,
            "order.created",
            said | {"items": [{"name": "Tea"}]} | data,
            now=at,
            id=f"order-{number}",
        )

    def pump(self, at=NOON):
        self.desk.now = at.timestamp()
        clock = lambda: at  # noqa: E731 - a clock that stands still
        run_pump(
            clock=clock,
            open_client=lambda: open_async_client(egress.load_rules(), clock=clock),
            random=lambda: 0,
            idle_seconds=0,
        )

    def refresh(self, reference, connector="salesforce", *, at):
        connection = Connection.unscoped.get(tenant__reference=reference, connector_key=connector)
        call = partial(egress.send_guarded, rules=egress.load_rules(), clock=lambda: at)
        assert refresh_access_token(
            connection, call=call, now=at, random=lambda: 0.5, sleep=time.sleep
        )

    def ledger(self, marker):
        """Where a marker was seen: system, account and status, in the order of arrival."""
        return [
            (line["system"], line["account"], line["status"])
            for line in self.desk.ledger()
            if marker in line["body"]
        ]


@pytest.fixture
def desk(tmp_path):
    with RunningSandbox(tmp_path / "sandbox").running() as running:
        yield running


@pytest.fixture
def began():
    """When the world of the sandbox begins, and its tokens."""
    return NOON


@pytest.fixture
def demo(desk, db, settings, tmp_path, began):
    settings.HUB_EGRESS_ALLOW = [urlsplit(desk.url).netloc]
    file, world = tmp_path / "demo.json", tmp_path / "world.json"
    call_command("load_demo", file=file, world=world, sandbox=desk.url, verbosity=0)
    desk.now = began.timestamp()
    desk.world(**json.loads(world.read_text()))
    return Journey(desk, file)


@pytest.fixture(scope="session")
def running_hub(tmp_path_factory):
    """A desk of real processes, one for all journeys by browser."""
    real = RealDesk(tmp_path_factory.mktemp("running_hub"))
    real.migrate()
    real.start(HUB_DEMO="1").says(READY)
    yield RunningHub(real)
    real.end()


@pytest.fixture(scope="module")
def browser():
    with chromium() as running:
        yield running


@pytest.fixture
def open_browser(browser, running_hub):
    """Puts somebody before a browser of their own."""
    with seats(browser, running_hub) as sits:
        yield sits


@pytest.fixture(scope="module")
def open_lasting_browser(browser, running_hub):
    """The same, and there they stay."""
    with seats(browser, running_hub) as sits:
        yield sits


@contextmanager
def seats(browser, running_hub):
    contexts = []

    def sits(company, **options):
        contexts.append(browser.new_context(**options))
        page = contexts[-1].new_page()
        page.set_default_timeout(15_000)
        return Person(page, running_hub, company)

    yield sits
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def company(running_hub, request):
    """One for all tests of a module."""
    name = request.module.__name__.rpartition("test_")[2].replace("_", "-")
    return running_hub.invites(name, name.title())


@pytest.fixture(scope="module")
def rival(running_hub, company):
    """Another one, in the same systems."""
    return running_hub.invites(f"{company.reference}-rival", "Rival")


@pytest.fixture(scope="module")
def at_the_desk(open_lasting_browser, company):
    return open_lasting_browser(company).signs_up()


@pytest.fixture
def olga(at_the_desk, running_hub):
    """One person in one browser, for all of it; afterwards the systems are well again."""
    yield at_the_desk
    running_hub.control("POST", "reset")
