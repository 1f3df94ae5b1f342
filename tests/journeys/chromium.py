"""A real browser before the pages of this process: Django's test client answers it, and no port is
opened.
"""

import shutil
from contextlib import contextmanager
from contextvars import Context, copy_context
from html import escape
from urllib.parse import urlsplit

import pytest
from django.test import Client
from playwright.sync_api import sync_playwright

ORIGIN = "https://hub.test"
NAMES = ("chromium", "chromium-browser", "google-chrome")
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


def answer(client: Client, here: Context, route, request):
    """As the hub answers; the session is the client's, so that nobody has to sign in."""
    parts = urlsplit(request.url)
    if parts.path in STATIC:
        return route.fulfill(**STATIC[parts.path])
    if f"{parts.scheme}://{parts.netloc}" != ORIGIN:
        return route.fulfill(status=204)  # silence: where a page leads outside, it stays
    # Playwright calls this in a context of its own, where Django would open another connection to
    # the database.
    result = here.copy().run(
        ask, client, request, f"{parts.path}?{parts.query}" if parts.query else parts.path
    )
    if result.headers.get("Location"):  # what is fulfilled cannot redirect
        page = f'<meta http-equiv="refresh" content="0;url={escape(result.headers["Location"])}">'
        return route.fulfill(content_type="text/html", body=page)
    body = b"".join(result.streaming_content) if result.streaming else result.content
    result.close()
    kept = {
        name: value for name, value in result.headers.items() if name.lower() not in NOT_SENT_ON
    }
    fulfilled = {"status": result.status_code, "headers": kept, "body": body}
    if parts.path.startswith("/static/"):
        STATIC[parts.path] = fulfilled
    return route.fulfill(**fulfilled)


def ask(client: Client, request, path):
    headers = {
        f"HTTP_{name.upper().replace('-', '_')}": value for name, value in request.headers.items()
    }
    headers.pop("HTTP_COOKIE", None)
    kind = request.headers.get("content-type", "application/octet-stream")
    data = {"content_type": kind, "secure": True, "SERVER_NAME": "hub.test", **headers}
    return client.generic(request.method, path, request.post_data_buffer or b"", **data)


@contextmanager
def window(browser, client: Client, **options):
    """A window of somebody; what the browser complains of is in `complaints`, and in `look` the
    theme and the width, once tests/journeys/axe.py has set them.
    """
    context = browser.new_context(base_url=ORIGIN, **options)
    here = copy_context()
    context.route("**/*", lambda route, request: answer(client, here, route, request))
    page = context.new_page()
    page.complaints, page.look = [], None
    page.on(
        "console",
        lambda said: (
            page.complaints.append(said.text) if said.type in ("error", "warning") else None
        ),
    )
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    yield page
    context.unroute_all(behavior="wait")  # a request cut off within a query would lock its table
    context.close()
