"""A client like Django's, whose webhooks the event loop answers."""

import asyncio
from urllib.parse import unquote

from django.http import HttpResponse
from django.test import Client

from hub.asgi_bridge import AsgiBridge, Limits
from hub.incoming.api.webhook_route import WebhookRoute
from tests.hub.asgi_bridge import asgi_client

LEFT_OUT = {"content-length", "connection"}  # Django's client shows none of these


def refuse_all(environ, start_response):
    raise AssertionError("the event loop left a request to Django")


class LoopClient(Client):
    """Sends each webhook in an event loop of its own; whatever the route declines is Django's."""

    def __init__(self):
        super().__init__()
        limits = Limits()
        self.route = WebhookRoute(answer_seconds=limits.webhook_answer_seconds)
        self.front = AsgiBridge(
            refuse_all, behind_proxy=False, limits=limits, loop_routes=[self.route]
        )

    def request(self, **request):
        environ = self._base_environ(**request)
        path = environ.get("RAW_PATH") or environ["PATH_INFO"]
        if environ["REQUEST_METHOD"] != "POST" or not self.route.takes(path):
            return super().request(**request)
        client = asgi_client.Client([environ["wsgi.input"].read()])
        asyncio.run(self.front(build_scope(environ, path), client.receive, client.send))
        headers = {name: value for name, value in client.headers.items() if name not in LEFT_OUT}
        response = HttpResponse(client.body, status=client.status, headers=headers)
        response.json = lambda: self._parse_json(response)
        return response

    def close(self):
        self.front.loop_routes.close()


def build_scope(environ, path):
    headers = [
        (name.removeprefix("HTTP_").replace("_", "-"), str(value))
        for name, value in environ.items()
        if name in ("CONTENT_TYPE", "CONTENT_LENGTH")
        or (name.startswith("HTTP_") and name not in ("HTTP_HOST", "HTTP_COOKIE"))
    ]
    scope = asgi_client.scope(
        headers=[*headers, ("Host", "testserver")],
        path=unquote(path),
        client=environ["REMOTE_ADDR"],
        query=environ["QUERY_STRING"].encode("latin-1"),
    )
    return scope | {"raw_path": path.encode("latin-1")}
