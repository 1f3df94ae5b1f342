"""The outside world of the upgrade tests: it accepts everything, except where a test says so."""

import json
from urllib.parse import urlsplit

from connectors.http import Response
from hub.outgoing.pump.loop import run_pump
from tests.factories import NOON
from tests.fakes import FakeHttp

SLACK = {"ok": True, "channel": "C1", "ts": "1764000000.000100"}
SPLUNK = {"text": "Success", "code": 0}


def answer_all(instead=None):
    """`instead` is by the first part of a host: `answer_all({"slack": Response(500)})`."""
    return FakeHttp(lambda request: answer(request, instead or {}))


def answer(request, instead):
    host = urlsplit(request.url).hostname
    name = host.partition(".")[0]
    if name in instead:
        return instead[name]
    if host.endswith("salesforce.com"):
        records = json.loads(request.content())["records"]
        return json_response(
            [
                {"id": f"00Q{number:012}AAA", "success": True, "errors": []}
                for number in range(len(records))
            ]
        )
    return json_response({"slack": SLACK, "splunk": SPLUNK}.get(name, {}))


def json_response(body):
    return Response(200, json.dumps(body).encode(), {"content-type": "application/json"}, at=NOON)


def run_pump_once(http, at=NOON):
    run_pump(clock=lambda: at, open_client=http.outlet, random=lambda: 0, idle_seconds=0)
