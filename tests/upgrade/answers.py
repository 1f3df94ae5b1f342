"""The outside world of the fixtures: it takes everything, but for what it is told to say
instead.
"""

import json
from urllib.parse import urlsplit

from connectors.wire import Response

from tests.fakes import FakeHttp
from tests.makers import NOON

SLACK = {"ok": True, "channel": "C1", "ts": "1764000000.000100"}
SPLUNK = {"text": "Success", "code": 0}


def build_http(instead=None):
    """`instead` is by the first part of a host: `world({"slack": Response(500)})`."""
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
