"""Every webhook source with an endpoint, and requests that it would accept."""

from dataclasses import dataclass
from typing import Any

from connectors.registry import CONNECTORS
from connectors.signatures import SharedSecretScheme, sign
from connectors.webhook_request import WebhookRequest
from hub.db.clock import clock
from hub.incoming.endpoints.create import endpoint_url, get_or_create_app_endpoint
from hub.incoming.receiving.receiver_cache import load_receivers
from tests.hub.incoming.webhook_posts import endpoint_of

SOURCES = {
    key: connector.webhook_source
    for key, connector in CONNECTORS.items()
    if connector.webhook_source is not None
}
SECRET = "8f742231b10e8888abcd99yyyzzz85a5"


def load_receiver(connector_key, digest, *, now):
    """Return the receiver of a URL; None if there is none."""
    key = connector_key, digest
    return load_receivers([key], now=now).get(key)


@dataclass
class Sender:
    """An external system that knows an endpoint and its secret."""

    client: Any
    endpoint: Any
    url: str
    receiver: Any

    def sign(
        self, body: bytes, content_type: str = "application/json", *, query: str = ""
    ) -> WebhookRequest:
        """Return an authentic request with this body."""
        path = "/" + self.url.partition("//")[2].partition("/")[2]
        headers = (("Content-Type", content_type),)
        request = WebhookRequest("POST", self.url, body, headers, path=path, query=query)
        scheme = self.receiver.scheme
        if isinstance(scheme, SharedSecretScheme) and scheme.location == "path":
            return request
        return sign(scheme, request, self.receiver.secrets[:1], clock().timestamp(), id="msg_1")

    def send(self, request: WebhookRequest, *, path: str = "", method: str = "POST"):
        headers = dict(request.headers)
        content_type = headers.pop("Content-Type", "")
        address = (path or request.path) + (f"?{request.query}" if request.query else "")
        return self.client.generic(
            method,
            address,
            request.body,
            content_type=content_type,
            headers=headers,
            RAW_PATH=address.partition("?")[0],  # as the ASGI bridge passes it
        )


def make_sender(make, client, key: str, *, account: str = "701", tenant=None) -> Sender:
    """Connect a system, with a secret wherever its source takes it from."""
    source = SOURCES[key]
    secret = {source.secret_field: SECRET} if source.secret_field else {}
    if source.url_per == "app":
        make.app(key, {"client_id": "1.2", "client_secret": "s" * 16} | secret)
        endpoint = get_or_create_app_endpoint(key, source, now=clock())
    else:
        endpoint = endpoint_of(
            make.connection(tenant, connector=key, account=account, secret=secret)
        )
    receiver = load_receiver(key, endpoint.key_digest, now=clock())
    return Sender(client, endpoint, endpoint_url(endpoint), receiver)
