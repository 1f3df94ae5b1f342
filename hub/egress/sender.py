"""The type of the async client, as its callers receive it."""

from typing import Protocol

from connectors.http import Request, Response


class Sender(Protocol):
    """Send one HTTP request.

    Raises EgressRefused when the address is not allowed, RequestNotSent when nothing was sent,
    ResponseNotReceived when the request may have arrived.
    """

    async def __call__(self, request: Request) -> Response: ...
