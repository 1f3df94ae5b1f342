"""`manage.py demo` on a desk in one process: the shop, the hub's API, the pump."""

import json
from datetime import timedelta
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command

from connectors.http import Response
from hub import egress
from hub.db.clock import clock
from hub.management.demo.installation_client import InstallationClient, InstallationNotRunning
from hub.management.demo.story import DemoFailed, Story
from hub.outgoing.models import Delivery
from hub.processes.worker_registry import Worker
from hub.queue import record_heartbeat
from tenants.models import Tenant

pytestmark = pytest.mark.django_db(transaction=True)  # a probe looks by a connection of its own


class Running:
    """What the shop tells the hub reaches it here, and each look at the ledger lets a second
    pass.
    """

    def __init__(self, demo, api):
        self.demo, self.api = demo, api
        self.at = clock()
        self.rules = egress.EgressRules(allow=frozenset({urlsplit(demo.desk.url).netloc}))

    def call(self, request):
        if request.url.startswith(self.demo.told["hub"]):
            return self.hub(request.method, request.url, request.bearer, request.json)
        response = egress.send_guarded(request, rules=self.rules, clock=clock)
        while self.demo.desk.hub:
            url, headers, event = self.demo.desk.hub.pop(0)
            self.hub("POST", url, headers["Authorization"].partition(" ")[2], event)
        return response

    def hub(self, method, url, key, body):
        client = self.api(key)
        answer = getattr(client, method.lower())(urlsplit(url).path, body, format="json")
        return Response(answer.status_code, answer.content)

    def ticks(self, awaited, most=20):
        for _ in range(most):
            self.demo.pump(self.at)
            self.at += timedelta(seconds=1)
            yield

    def story(self, ticks=None):
        return list(
            Story(
                InstallationClient(self.demo.told, call=self.call),
                self.demo.told,
                ticks or self.ticks,
            ).run()
        )


@pytest.fixture
def began(db):
    return clock()


@pytest.fixture
def running(demo, api):
    now = clock()
    Worker.objects.create(id=uuid4(), host="desk", pid=1, started_at=now, seen_at=now, heard_at=now)
    record_heartbeat("sweep", now=now)
    return Running(demo, api)


def test_it_tells_step_by_step_and_with_ids_what_arrived_where(running):
    steps = running.story()
    arrived = [
        (step.evidence["system"], step.evidence["account"])
        for step in steps
        if step.name == "arrived"
    ]
    assert (
        len(arrived) == 16
    )  # two orders and the one that was refused at first, in five systems, and the way back
    assert all(
        step.evidence["delivery"] and step.evidence["ledger"]
        for step in steps
        if step.name == "arrived"
    )
    assert [step.name for step in steps if step.name in ("fault", "refused", "waited")] == [
        "fault",
        "refused",
        "waited",
    ]
    assert (steps[-1].evidence["system"], steps[-1].evidence["account"]) == ("app", "globex")


@pytest.mark.corrections(item="2.10")
def test_it_runs_beside_a_server_that_a_person_connected(running, make):
    acme = Tenant.objects.get(reference="acme")
    url = f"{running.demo.desk.url}/webhook/quick-start"
    server = make.connection(acme, "webhook", settings={"url": url})
    assert [step.name for step in running.story()].count("arrived") == 16
    assert Delivery.unscoped.filter(connection=server, state="delivered").count() == 2


def test_an_order_that_does_not_arrive_is_shown_with_its_reason(running):
    running.demo.desk.fault("splunk", account="acme", status=503, times=0)
    with pytest.raises(
        DemoFailed, match=r"A-1001 did not arrive in Splunk of Acme Teas: .* A quota is used up"
    ):
        running.story()


def test_an_order_that_the_hub_does_not_take_is_reported(running):
    running.demo.desk.hub_says = (401, '{"title": "The API key is unknown"}')
    with pytest.raises(DemoFailed, match="answered 401"):
        running.story()


def test_a_desk_that_does_not_run_is_reported_in_a_sentence(demo):
    demo.file.write_text(json.dumps(demo.told | {"sandbox": "http://127.0.0.1:9"}))
    with pytest.raises(
        CommandError, match="The local installation is not running: .* Start it with script/server"
    ):
        call_command("demo", file=demo.file)


def test_a_desk_without_a_worker_is_reported(running):
    Worker.objects.all().delete()
    with pytest.raises(InstallationNotRunning, match="not ready. No worker is running"):
        running.story()


def test_a_demo_that_was_never_loaded_is_reported_in_a_sentence(tmp_path):
    with pytest.raises(CommandError, match="load_demo"):
        call_command("demo", file=tmp_path / "none.json")
