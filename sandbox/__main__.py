"""`python -m sandbox`: the sandbox on 127.0.0.1, until it is stopped."""

import asyncio
import os
import signal
import sys
import time
from functools import partial
from pathlib import Path
from random import SystemRandom
from typing import Any

import aiohttp
from aiohttp import web

from sandbox.application import SMTP_SERVER, create_app
from sandbox.sending.http_client import deliver

PATIENCE = aiohttp.ClientTimeout(total=15)


async def send(method: str, url: str, headers: dict[str, str], body: Any) -> tuple[int, str]:
    options: dict[str, Any] = {"headers": headers, "json": body, "allow_redirects": False}
    try:
        async with (
            aiohttp.ClientSession(timeout=PATIENCE) as session,
            session.request(method, url, **options) as response,
        ):
            return response.status, await response.text()
    except aiohttp.ClientError as error:
        raise ConnectionError(str(error)) from error


async def serve() -> None:
    state = Path(os.environ.get("HUB_SANDBOX_STATE") or "var/sandbox")
    world = Path(os.environ.get("HUB_SANDBOX_WORLD") or state / "world.json")
    session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
    app = create_app(
        state=state,
        world=world,
        clock=time.time,
        random=SystemRandom(),
        send=send,
        deliver=partial(deliver, session),
    )
    port = int(os.environ.get("HUB_SANDBOX_PORT") or 8100)
    mail_port = int(os.environ.get("HUB_SANDBOX_SMTP_PORT") or 8125)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    stop_event = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop_event.set)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port, backlog=1024).start()
        mail = f"smtp://127.0.0.1:{await app[SMTP_SERVER].listen(mail_port)}"
        place = f"http://127.0.0.1:{runner.addresses[0][1]}/"
        print(f"Mail goes to {mail}, and the sandbox is at {place}", flush=True)
        await stop_event.wait()
    finally:
        await runner.cleanup()
        await session.close()


if __name__ == "__main__":
    try:
        asyncio.run(serve())
    except (ValueError, OSError) as error:
        sys.exit(f"The sandbox cannot start: {error}")
