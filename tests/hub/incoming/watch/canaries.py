"""The persons of a Pipedrive account, whose webhooks a change of the hub proves."""

import json
from base64 import b64encode
from datetime import timedelta

import pytest

from connectors.http import Response
from hub.audit import ActorContext
from hub.db.clock import clock
from hub.incoming.models import SourceCanary
from hub.incoming.watch.canary_calls import CanaryContext, handle_due_canaries
from tests.hub.incoming.webhook_posts import endpoint_of, local_path, run_inbox

ACTOR = ActorContext.system()
CREATED = Response(201, b'{"success": true, "data": {"id": 99}}')
GONE = Response(404, b'{"success": false, "error": "Person not found"}')
FORBIDDEN = Response(403, b'{"success": false, "error": "Scope and URL mismatch"}')
REMOVED = Response(200, b'{"success": true, "data": {"id": 99}}')
MARK = "Integration Hub check token-1"


@pytest.fixture
def source(make):
    connection = make.connection(connector="pipedrive", account="701", secret={"access_token": "p"})
    return make.source(connection, "person", heard_at=clock() - timedelta(hours=1))


def send(http, *, at=None):
    numbers = iter(range(1, 10))
    now = at or clock()
    handle_due_canaries(
        CanaryContext(http.call, lambda: now, lambda: f"token-{next(numbers)}", lambda: False)
    )


def post(client, source, *, name=MARK, record=99, action="change"):
    endpoint = endpoint_of(source.connection)
    document = {
        "meta": {
            "action": action,
            "entity": "person",
            "entity_id": str(record),
            "company_id": "701",
            "user_id": "7",
            "id": f"{action}-{name}-{record}",
            "timestamp": clock().isoformat(),
        },
        "data": None if action == "delete" else {"id": record, "name": name, "custom_fields": {}},
        "previous": {"name": "before"},
    }
    secret = endpoint.open()["secrets"][0]["secret"]
    headers = {"Authorization": "Basic " + b64encode(secret.encode()).decode()}
    path, body = local_path(endpoint), json.dumps(document)
    assert (
        client.post(path, body, content_type="application/json", headers=headers).status_code == 200
    )
    run_inbox()


def canary():
    return SourceCanary.unscoped.select_related("source").get()
