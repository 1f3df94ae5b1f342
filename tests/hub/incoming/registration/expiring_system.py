"""A system whose webhooks expire after ten minutes, and the connector to it. Only tests know it.

It speaks JSON as the systems of the sandbox do: POST /webhooks creates one, POST /webhooks/<id>
renews it, GET lists those that exist, DELETE removes one. One that has expired sends nothing more,
and is listed for another minute.
"""

import json

from connectors.base import Connector
from connectors.http import Request, Response
from connectors.outcomes import later
from connectors.signatures import SharedSecretScheme
from connectors.webhook_sources import (
    FoundSubscription,
    IncomingEventType,
    Step,
    SubscriptionPage,
    Subscriptions,
    WebhookSource,
)

KEY = "expiring"
LIFE_SECONDS, LISTED_SECONDS, RENEW_BEFORE = 600, 660, 120
URL = "https://expiring.example/webhooks"


class ExpiringSystem:
    """`now` is a function that returns seconds since 1970; `broken` refuses renewals."""

    def __init__(self, now):
        self.now, self.webhooks, self.calls, self.broken = now, {}, [], False

    def __call__(self, request):
        self.calls.append(f"{request.method} {request.url.removeprefix(URL)}".strip())
        body = self.answer(request.method, request.url.removeprefix(URL).strip("/"), request.json)
        status = 503 if body is None else 200
        return Response(status, json.dumps(body).encode())

    def answer(self, method, id, body):
        listed = {
            key: row
            for key, row in self.webhooks.items()
            if self.now() < row["expires_at"] - LIFE_SECONDS + LISTED_SECONDS
        }
        if method == "GET":
            return list(listed.values())
        if method == "DELETE":
            return self.webhooks.pop(id, {})
        if id and self.broken:
            return None
        id = id or str(len(self.calls))
        row = self.webhooks.get(id) or {"id": id, **body}
        self.webhooks[id] = row | {"expires_at": self.now() + LIFE_SECONDS}
        return self.webhooks[id]


class ExpiringSubscriptions(Subscriptions):
    renew_before = RENEW_BEFORE

    def list_wanted_registrations(self, event_types):
        return {"parcel": tuple(event_types)} if event_types else {}

    def list_request(self, credential, *, cursor=""):
        return Request("GET", URL)

    def parse_list(self, response, *, cursor=""):
        return SubscriptionPage(
            [
                FoundSubscription(
                    row["id"], row["url"], "parcel", ("parcel.sent",), expires_at=row["expires_at"]
                )
                for row in response.json()
            ]
        )

    def join_ids(self, ids):
        return ids.get("id", "")

    def find_expiry(self, ids):
        return float(ids["expires_at"])

    def next_step(self, credential, target, ids):
        return None if ids else Step("create", Request("POST", URL, json={"url": target.url}))

    def next_repair(self, credential, target, registration, done):
        request = Request("POST", f"{URL}/{registration.external_id}", json={})
        return None if done else Step("renew", request)

    def next_removal(self, credential, external_id, done):
        request = Request("DELETE", f"{URL}/{external_id}")
        return None if done else Step("delete", request)

    def parse_step(self, step, response):
        if response.status != 200:
            return later("server_error")
        row = response.json()
        is_removal = step == "delete"
        return {} if is_removal else {"id": row["id"], "expires_at": str(row["expires_at"])}


class ExpiringSource(WebhookSource):
    scheme = SharedSecretScheme(location="path")
    secret_from = "url"
    event_types = (IncomingEventType("parcel.sent", "A parcel was sent", {}, {}),)


class Expiring(Connector):
    key = KEY
    label = "Expiring"
    webhook_source = ExpiringSource()
    subscriptions = ExpiringSubscriptions()
