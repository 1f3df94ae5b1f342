"""The view at which external systems deliver webhooks."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.utils.encoding import escape_uri_path
from rest_framework.request import Request
from rest_framework.views import APIView

from connectors.http import Response
from connectors.webhook_request import WebhookRequest
from hub.db.clock import clock
from hub.incoming.receiving.admission import BACKLOG, admit_request
from hub.incoming.receiving.decide import (
    REFUSALS,
    ReceivedRequest,
    answer_handshake,
    find_refusal,
)
from hub.incoming.receiving.receive import find_receiver, receive_webhook
from hub.incoming.receiving.receiver_cache import CURRENT
from hub.problems import Problem

HEADER_PREFIX = "HTTP_"
RAW_PATH = "RAW_PATH"  # the path as it was sent, percent-encoded: Django's own is decoded
BODY_HEADERS = ("CONTENT_TYPE", "CONTENT_LENGTH")


class InboundWebhookView(APIView):
    """Receive a webhook: verify it, store it, acknowledge it.

    Nothing else happens in the request. GET and HEAD answer handshakes only. A usual POST does not
    come here: the event loop answers it (hub.incoming.api.webhook_route) by the same functions.
    """

    authentication_classes = ()
    permission_classes = ()
    schema = None  # called by external systems, not by partners
    http_method_names = ("get", "head", "post")

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse a URL that is not canonical, such as %2f for a slash. Raises Problem (404)."""
        super().initial(request, *args, **kwargs)
        if "%" in get_raw_path(request._request):
            raise Problem("not-found")

    def post(self, request: Request, connector: str, key: str) -> HttpResponse:
        now = clock()
        with admit_request():
            BACKLOG.refuse_if_full(now=now)
            webhook, address = read_webhook_request(request._request), request.META["REMOTE_ADDR"]
            received = ReceivedRequest(webhook, address, len(webhook.body), now)
            response = receive_webhook(connector, key, received)
        return build_http_response(response)

    def get(self, request: Request, connector: str, key: str) -> HttpResponse:
        with admit_request():
            receiver = find_receiver(connector, key, max_age=CURRENT, now=clock())
            if refusal := find_refusal(receiver):
                raise Problem(REFUSALS[refusal])
            response = answer_handshake(
                receiver, read_webhook_request(request._request), is_verified=False
            )
        return build_http_response(response) if response else HttpResponseNotAllowed(["POST"])

    head = get


def read_webhook_request(request: HttpRequest) -> WebhookRequest:
    """Return the request as a value: its URL as registered at the system, and the raw body."""
    query = request.META.get("QUERY_STRING", "")
    path = get_raw_path(request)
    return WebhookRequest(
        method=str(request.method),
        url=f"{settings.HUB_PUBLIC_URL}{path}{'?' if query else ''}{query}",
        body=request.body,
        headers=tuple(_list_headers(request)),
        path=path,
        query=query,
    )


def get_raw_path(request: HttpRequest) -> str:
    """Return the path as it was sent; re-encoded if the server does not provide the raw path."""
    return request.META.get(RAW_PATH) or escape_uri_path(request.path)


def _list_headers(request: HttpRequest) -> list[tuple[str, str]]:
    """List the headers by lower-case name; a repeated one is joined by commas."""
    return [
        (name.removeprefix(HEADER_PREFIX).replace("_", "-").lower(), value)
        for name, value in request.META.items()
        if isinstance(value, str) and (name.startswith(HEADER_PREFIX) or name in BODY_HEADERS)
    ]


def build_http_response(response: Response) -> HttpResponse:
    """Convert a connector's response to Django's."""
    headers = dict(response.headers)
    content_type = headers.pop("content-type", "text/plain; charset=utf-8")
    return HttpResponse(
        response.body, status=response.status, content_type=content_type, headers=headers
    )
