"""The demo's ninth scenario in one process: what a deleted webhook missed is in Salesforce."""

import json
from urllib.parse import urlsplit

import pytest
from django.core.management import call_command

from connectors.http import Response
from hub import egress
from hub.db.clock import clock
from hub.egress.async_client import open_async_client
from hub.management.demo.data import CUSTOMERS
from hub.management.demo.gap_scenarios import GapScenarios
from hub.management.demo.installation_client import InstallationClient
from hub.outgoing.pump.loop import run_pump

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]


@pytest.fixture
def told(hub, tmp_path):
    file, world = tmp_path / "demo.json", tmp_path / "world.json"
    call_command("load_demo", file=file, world=world, sandbox=hub.desk.url, verbosity=0)
    hub.desk.world(**json.loads(world.read_text()))
    for _check in range(2):
        hub.work()
        hub.turn(minutes=1)
    return json.loads(file.read_text())


def test_three_missed_sign_ups_are_leads_once(hub, told, api):
    rules = egress.load_rules()

    def call(request):
        if not request.url.startswith(told["hub"]):
            return egress.send_guarded(request, rules=rules, clock=clock)
        url = urlsplit(request.url)
        send = getattr(api(request.bearer), request.method.lower())
        answer = send(f"{url.path}?{url.query}", request.json, format="json")
        return Response(answer.status_code, answer.content)

    def poll(awaited):
        for _ in range(20):
            yield
            hub.turn(seconds=10)
            hub.work(rounds=1)
            run_pump(
                clock=clock,
                open_client=lambda: open_async_client(rules, clock=clock),
                random=lambda: 0,
                idle_seconds=0,
            )

    scenario = GapScenarios(InstallationClient(told, call=call), told, poll)
    (result,) = scenario.run()
    assert result.evidence["counts"]["new"] == 3
    leads = scenario.list_leads(CUSTOMERS[0])
    assert len([name for name in leads if name.startswith("Sign-up")]) == 3
