"""A real browser before the pages of this process: Django's test client answers it, and no port is
opened.
"""

import shutil
from base64 import b64decode, b64encode
from contextlib import contextmanager, suppress
from contextvars import Context, copy_context
from html import escape
from urllib.parse import urlsplit

import pytest
from django.test import Client
from playwright.sync_api import Error, sync_playwright

ORIGIN = "https://hub.test"
NAMES = ("chromium", "chromium-browser", "google-chrome")
ICON = "/favicon.ico"  # of a page without one, such as what leads on below
NOT_SENT_ON = {"content-length", "content-encoding", "set-cookie"}


def installed():
    path = next(filter(None, map(shutil.which, NAMES)), None)
    return path or pytest.fail("there is no Chromium: apt-get install chromium")


@contextmanager
def chromium():
    """Its loop runs in this thread, between the lines of the test: Django is told that this is
    harmless.
    """
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        browser = playwright.chromium.launch(executable_path=installed(), args=["--no-sandbox"])
        yield browser
        browser.close()


STATIC = {}  # by address: what never changes is asked for once


def respond(cdp, client: Client, here: Context, paused):
    """Answer a request of a page, if the page still waits for it."""
    answered = answer(client, here, paused["request"])
    with suppress(Error):
        cdp.send("Fetch.fulfillRequest", {"requestId": paused["requestId"]} | answered)


def answer(client: Client, here: Context, request):
    """As the hub answers; the session is the client's, so that nobody has to sign in."""
    parts = urlsplit(request["url"])
    if parts.path in STATIC:
        return STATIC[parts.path]
    if f"{parts.scheme}://{parts.netloc}" != ORIGIN or parts.path == ICON:
        return fulfilled(204)  # silence: where a page leads outside, it stays
    # Playwright calls this in a context of its own, where Django would open another connection to
    # the database.
    result = here.copy().run(
        ask, client, request, f"{parts.path}?{parts.query}" if parts.query else parts.path
    )
    if result.headers.get("Location"):  # what is fulfilled cannot redirect
        page = f'<meta http-equiv="refresh" content="0;url={escape(result.headers["Location"])}">'
        return fulfilled(200, {"Content-Type": "text/html"}, page.encode())
    body = b"".join(result.streaming_content) if result.streaming else result.content
    result.close()
    kept = {
        name: value for name, value in result.headers.items() if name.lower() not in NOT_SENT_ON
    }
    answered = fulfilled(result.status_code, kept, body)
    if parts.path.startswith("/static/"):
        STATIC[parts.path] = answered
    return answered


def fulfilled(status, headers=None, body=b""):
    return {
        "responseCode": status,
        "responseHeaders": [
            {"name": name, "value": value} for name, value in (headers or {}).items()
        ],
        "body": b64encode(body).decode(),
    }


def ask(client: Client, request, path):
    headers = {
        f"HTTP_{name.upper().replace('-', '_')}": value
        for name, value in request["headers"].items()
    }
    headers.pop("HTTP_COOKIE", None)
    kind = headers.get("HTTP_CONTENT_TYPE", "application/octet-stream")
    data = {"content_type": kind, "secure": True, "SERVER_NAME": "hub.test", **headers}
    parts = request.get("postDataEntries", [])
    body = b"".join(b64decode(part["bytes"]) for part in parts)
    return client.generic(request["method"], path, body, **data)


@contextmanager
def window(browser, client: Client, **options):
    """A window of somebody; what the browser complains of is in `complaints`, and in `look` the
    theme and the width, once tests/journeys/axe.py has set them.

    Its requests are intercepted by the protocol of the browser. With Playwright's routes, no page
    would find scripts, styles and fonts in the memory of the one before.
    """
    context = browser.new_context(base_url=ORIGIN, **options)
    here, page = copy_context(), context.new_page()
    page.cdp, page.complaints, page.look = context.new_cdp_session(page), [], None
    emulate(page, color_scheme=options.get("color_scheme", "light"))
    page.cdp.on("Fetch.requestPaused", lambda paused: respond(page.cdp, client, here, paused))
    page.cdp.send("Fetch.enable")
    page.on(
        "console",
        lambda said: (
            page.complaints.append(said.text) if said.type in ("error", "warning") else None
        ),
    )
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    yield page
    context.close()


def emulate(page, media="screen", color_scheme="light"):
    """Show the pages of a window as on this medium and in this theme.

    Its own session says so, too: each session says again what it said before, or nothing, where
    another process of the browser takes over the page.
    """
    page.emulate_media(media=media, color_scheme=color_scheme)
    features = [{"name": "prefers-color-scheme", "value": color_scheme}]
    page.cdp.send("Emulation.setEmulatedMedia", {"media": media, "features": features})
