"""A Pipedrive company with its webhooks, and the check of them."""

import json
import time

from connectors.http import Response
from hub.db.clock import clock
from hub.incoming.endpoints.create import get_or_create_connection_endpoint
from hub.incoming.models import InboundEndpoint, WebhookSubscription
from hub.incoming.registration.check import RegistrationCheckContext, check_endpoint
from hub.incoming.registration.lease import claim_check

OLD_TOKEN = "v1u:test-access"


class PipedriveCompany:
    """The webhooks of a company, as https://developers.pipedrive.com/docs/api/v1/Webhooks says."""

    def __init__(self):
        self.webhooks, self.writes, self.status = {}, [], 200
        self.refuses_writes = False

    def __call__(self, request):
        if self.status != 200:
            body = {"success": False, "error": "Scope and URL mismatch"}
            return Response(self.status, json.dumps(body).encode())
        if request.method == "GET":
            return self.answer(list(self.webhooks.values()))
        if self.refuses_writes:
            return Response(403, b'{"success": false, "error": "not yours"}')
        self.writes.append(request.method)
        if request.method == "POST":
            return self.answer(self.add(**request.json))
        self.webhooks.pop(int(request.url.rpartition("/")[2]), None)
        return self.answer({})

    def add(self, **fields):
        id = len(self.writes) + len(self.webhooks) + 100
        self.webhooks[id] = {"id": id, "is_active": 1, **fields}
        return self.webhooks[id]

    def find(self, url):
        (webhook,) = [entry for entry in self.webhooks.values() if entry["subscription_url"] == url]
        return webhook

    def answer(self, data):
        return Response(200, json.dumps({"success": True, "data": data}).encode())


def check(connection, company):
    endpoint = get_or_create_connection_endpoint(connection, now=clock())
    InboundEndpoint.unscoped.filter(pk=endpoint.pk).update(next_check_at=clock())
    assert run_due_check(endpoint, company)
    return InboundEndpoint.unscoped.select_related("connection__credential").get(pk=endpoint.pk)


def run_due_check(endpoint, company, *, low_priority=True):
    """Do what the task of a check does; return whether it could claim the check."""
    lease = claim_check(endpoint, now=clock())
    if lease:
        waiting = (time.sleep, lambda: 0.5, low_priority)
        check_endpoint(lease, RegistrationCheckContext(company, clock, *waiting))
    return bool(lease)


def state_of(connection):
    subscription = WebhookSubscription.unscoped.get(endpoint__connection=connection)
    return subscription.state, subscription.reason
