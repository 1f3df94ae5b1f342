"""Webhooks that the hub refused are counted wherever they were refused, also before any view."""

import threading
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import OperationalError
from django.db import connection as database

from hub.asgi_bridge import AsgiBridge, Limits
from hub.asgi_bridge.short_chain import ShortChainHandler
from hub.db.clock import clock
from hub.incoming.models import InboundCount
from hub.incoming.receiving import admission
from hub.incoming.receiving.counts import truncate_to_minute
from hub.incoming.receiving.refused_answers import (
    MAX_KEYS,
    REFUSED_ANSWERS,
    RefusedAnswers,
    store_refused_answers,
)
from hub.sweep import STEPS
from tests.hub.asgi_bridge.asgi_client import Page, ask
from tests.hub.incoming.sources import make_sender

pytestmark = pytest.mark.django_db(transaction=True)
SHORT_CHAIN = settings.HUB_SHORT_CHAINS[settings.HUB_WEBHOOK_PATH]


@pytest.fixture(autouse=True)
def empty_memory():
    REFUSED_ANSWERS.take()
    yield
    REFUSED_ANSWERS.take()


@pytest.fixture
def slack(make, client):
    return make_sender(make, client, "slack")


def note(path, status, seconds=0.1, *, is_refusal=False):
    REFUSED_ANSWERS.count(path, status, seconds, is_refusal=is_refusal, at=clock())


def post(sender, wsgi, body=b"{}", *, headers=(), **limits):
    """Post a webhook to the hub's door; return the status."""
    front = AsgiBridge(
        wsgi,
        behind_proxy=False,
        limits=Limits(**limits),
        deadline_path=settings.HUB_WEBHOOK_PATH,
        on_answer=lambda path, status, seconds, *, is_refusal: note(
            path, status, seconds, is_refusal=is_refusal
        ),
    )
    length = ("Content-Length", str(len(body)))
    headers = [length, ("Host", "testserver"), *headers]
    return ask(front, [body], path=sender.sign(body).path, headers=headers).status


def answering(status):
    def wsgi(environ, start_response):
        start_response(status, [])
        return Page([b""])

    return wsgi


def stored_counts():
    store_refused_answers(now=clock())
    return dict(InboundCount.unscoped.values_list("cause", "count"))


def test_the_step_belongs_to_the_sweep():
    assert store_refused_answers in STEPS


def test_a_webhook_that_admission_refuses_is_counted(slack):
    admission.IN_PROGRESS.acquire(admission.REQUESTS_IN_PROGRESS_MAX)
    try:
        assert post(slack, ShortChainHandler(SHORT_CHAIN)) == 503
    finally:
        admission.IN_PROGRESS.release(admission.REQUESTS_IN_PROGRESS_MAX)
    assert stored_counts() == {"unavailable": 1}


def test_a_webhook_that_has_no_answer_at_the_deadline_is_counted(slack):
    is_open = threading.Event()

    def wait(environ, start_response):
        is_open.wait(20)
        return answering("200 OK")(environ, start_response)

    assert post(slack, wait, webhook_answer_seconds=0.1) == 503
    is_open.set()
    assert stored_counts() == {"unavailable": 1}


def test_a_body_that_the_door_refuses_is_counted_and_one_of_the_view_is_not_counted_twice(slack):
    assert post(slack, answering("200 OK"), b"x" * 11, body_bytes=10) == 413
    assert post(slack, answering("413 Too Large")) == 413
    assert stored_counts() == {"too_large": 1}


def test_requests_beyond_those_in_progress_are_counted(slack):
    assert post(slack, answering("200 OK"), requests_in_progress=0) == 503
    assert stored_counts() == {"unavailable": 1}


@pytest.mark.parametrize("status", [301, 400, 408, 429, 500, 503])
def test_an_answer_that_no_system_takes_for_a_success_is_counted(slack, status):
    note(slack.sign(b"").path, status)
    assert stored_counts() == {"unavailable": 1}


@pytest.mark.parametrize("status", [200, 401, 403, 404, 405, 410])
def test_what_the_view_counts_or_nobody_wants_is_not_counted(slack, status):
    note(slack.sign(b"").path, status)
    assert stored_counts() == {}


def test_an_acknowledgement_after_the_systems_patience_is_late(slack):
    note(slack.sign(b"").path, 200, 2.9)
    note(slack.sign(b"").path, 200, 3.1)
    assert stored_counts() == {"late": 1}


def test_urls_that_do_not_exist_leave_nothing(slack):
    for path in ("/hooks/slack/unknown/", "/hooks/none/x/", "/api/v1/events"):
        note(path, 503)
    note(slack.sign(b"").path.replace("slack", "splunk"), 503)
    assert stored_counts() == {}
    assert not REFUSED_ANSWERS.counts


def test_without_a_database_the_counts_wait_for_it(slack):
    note(slack.sign(b"").path, 503)

    def break_off(execute, sql, params, many, context):
        raise OperationalError("the connection was closed")

    with database.execute_wrapper(break_off), pytest.raises(OperationalError):
        store_refused_answers(now=clock())
    note(slack.sign(b"").path, 503)
    assert sum(stored_counts().values()) == 2
    assert sum(stored_counts().values()) == 2


def test_the_memory_of_refused_answers_is_bounded():
    answers, now = RefusedAnswers(), truncate_to_minute(clock())
    for number in range(MAX_KEYS + 5):
        answers.count(f"/hooks/slack/{number}/", 503, 0, is_refusal=True, at=now)
    answers.count("/hooks/slack/1/", 503, 0, is_refusal=True, at=now)
    answers.count("/hooks/slack/1/", 503, 0, is_refusal=True, at=now + timedelta(minutes=1))
    assert (len(answers.counts), sum(answers.counts.values())) == (MAX_KEYS, MAX_KEYS + 1)
