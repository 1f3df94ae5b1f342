"""The HTTP client for webhooks: raw bytes by POST, a deadline, and the cause of a failure."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

import aiohttp
from yarl import URL

MAX_ANSWER_BYTES = 64 * 1024
REDIRECTS = (HTTPStatus.MOVED_PERMANENTLY, HTTPStatus.FOUND)
TIMEOUT, CONNECTION, TLS, REDIRECTED = "timeout", "connection", "tls", "redirects"


@dataclass(frozen=True)
class OutgoingRequest:
    url: str
    headers: Mapping[str, str]
    body: bytes
    timeout: float  # seconds, for the whole exchange
    redirects: int = 0  # 301 and 302 that are followed


@dataclass(frozen=True)
class OutgoingResponse:
    """A response; status 0 means that none arrived, and `failure` is the cause in one word."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    failure: str = ""

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300


Deliver = Callable[[OutgoingRequest], Awaitable[OutgoingResponse]]


async def deliver(session: aiohttp.ClientSession, request: OutgoingRequest) -> OutgoingResponse:
    """Send one request; never raises for what the receiver or the network does."""
    try:
        async with asyncio.timeout(request.timeout):
            return await follow(session, request)
    except TimeoutError:
        return OutgoingResponse(0, failure=TIMEOUT)
    except aiohttp.ClientSSLError:
        return OutgoingResponse(0, failure=TLS)
    except (aiohttp.ClientError, OSError, ValueError):
        return OutgoingResponse(0, failure=CONNECTION)


async def follow(session: aiohttp.ClientSession, request: OutgoingRequest) -> OutgoingResponse:
    url = URL(request.url)
    for _ in range(request.redirects + 1):
        async with session.post(
            url, data=request.body, headers=dict(request.headers), allow_redirects=False
        ) as response:
            answer = OutgoingResponse(
                response.status,
                response.headers.copy(),
                await response.content.read(MAX_ANSWER_BYTES),
            )
        location = answer.headers.get("Location", "")
        if answer.status not in REDIRECTS or not request.redirects:
            return answer
        url = url.join(URL(location))
    return OutgoingResponse(0, failure=REDIRECTED)
