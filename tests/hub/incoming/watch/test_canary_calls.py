"""The hub changes a record of its own, waits for its webhook, and publishes nothing of it."""

import json
from datetime import timedelta

import pytest

from connectors.http import Response
from hub.db.clock import clock
from hub.incoming.models import InboundGap, InboundItem, InboundSource, SourceCanary, WebhookAddress
from hub.incoming.tasks import listen_to_sources
from hub.incoming.watch.canary_calls import CanaryContext, handle_due_canaries
from hub.incoming.watch.silence_watch import judge_due_sources, wake_due_sources
from hub.incoming.watch.source_actions import switch_canary_off, switch_canary_on
from hub.notices.models import Notice
from hub.outgoing.models import Event
from hub.queue import WakeUp
from tests.fakes import FakeHttp
from tests.hub.incoming.watch.canaries import (
    ACTOR,
    CREATED,
    FORBIDDEN,
    MARK,
    canary,
    post,
    send,
    source,
)
from tests.hub.incoming.webhook_posts import endpoint_of, local_path, run_inbox

__all__ = ["source"]
pytestmark = pytest.mark.django_db(transaction=True)


def test_a_canary_is_off_until_a_person_switches_it_on(source):
    http = FakeHttp(CREATED)
    send(http)
    assert http.requests == []
    switch_canary_on(source, ACTOR, minutes=30, now=clock())
    send(http)
    (request,) = http.requests
    assert (request.method, request.json) == ("POST", {"name": MARK})
    assert (canary().record, canary().state, canary().interval_seconds) == ("99", "waiting", 1800)


def test_its_webhook_is_a_proof_and_no_event(client, source):
    switch_canary_on(source, ACTOR, now=clock())
    send(FakeHttp(CREATED))
    post(client, source)
    item = InboundItem.unscoped.get()
    assert (item.state, item.reason, canary().state) == ("echo", "canary", "idle")
    send(FakeHttp(CREATED))
    assert canary().source.canary_heard_at == canary().heard_at == item.received_at
    assert canary().due_at >= item.received_at + timedelta(hours=1)
    assert canary().round_trip_ms >= 0
    assert not Event.unscoped.exists()


def test_a_webhook_before_the_answer_is_recognized_by_its_mark(client, source):
    switch_canary_on(source, ACTOR, now=clock())

    def answer(request):
        post(client, source, action="create")
        return CREATED

    send(FakeHttp(answer))
    assert (canary().state, canary().record) == ("idle", "99")
    assert not Event.unscoped.exists()


def test_what_people_change_is_published_beside_it(client, source):
    switch_canary_on(source, ACTOR, now=clock())
    send(FakeHttp(CREATED))
    post(client, source, name="Ann Able", record=31)
    post(client, source, name="Integration Hub check guessed", record=32)
    assert [item.state for item in InboundItem.unscoped.all()] == ["processed", "processed"]
    assert canary().state == "waiting"


def test_an_old_mark_proves_nothing(client, source):
    switch_canary_on(source, ACTOR, now=clock())
    send(FakeHttp(CREATED))
    SourceCanary.unscoped.update(mark="Integration Hub check token-2")
    post(client, source)
    assert (InboundItem.unscoped.get().reason, canary().state) == ("canary", "waiting")


def test_two_that_are_not_heard_in_a_row_are_an_alarm(source):
    now = clock()
    switch_canary_on(source, ACTOR, now=now)
    http = FakeHttp(CREATED)
    for minutes in (0, 3, 6):
        assert not InboundGap.unscoped.exists()
        send(http, at=now + timedelta(minutes=minutes))
    assert len(http.requests) == 2
    gap = InboundGap.unscoped.get()
    assert (gap.cause, gap.from_at) == ("canary", source.heard_at - timedelta(minutes=2))
    source.refresh_from_db()
    assert (source.state, source.reason, source.connection.state) == (
        "silent",
        "canary_late",
        "silent",
    )


def test_a_canary_that_is_heard_again_ends_the_alarm(client, source):
    test_two_that_are_not_heard_in_a_row_are_an_alarm(source)
    InboundSource.unscoped.update(state_changed_at=clock() - timedelta(minutes=1))
    SourceCanary.unscoped.update(mark=MARK)
    post(client, source)
    send(FakeHttp(CREATED))
    wake_due_sources(now=clock())
    assert WakeUp.objects.filter(name="listen").exists()
    judge_due_sources(now=clock())
    source.refresh_from_db()
    assert (source.state, source.connection.state) == ("listening", "healthy")
    assert InboundGap.unscoped.get().state == "due"


@pytest.mark.parametrize("column", ["heard_at", "retired_at"])
def test_an_alarm_of_a_canary_that_is_off_ends_with_any_event_or_the_last_route(source, column):
    test_two_that_are_not_heard_in_a_row_are_an_alarm(source)
    SourceCanary.unscoped.update(is_on=False, due_at=None)
    wake_due_sources(now=clock())
    assert not WakeUp.objects.filter(name="listen").exists()
    at = clock()
    InboundSource.unscoped.update(state_changed_at=at - timedelta(minutes=1), **{column: at})
    wake_due_sources(now=at)
    assert WakeUp.objects.filter(name="listen").exists()
    judge_due_sources(now=at)
    source.refresh_from_db()
    assert (source.state, source.connection.state) == ("listening", "healthy")


def test_three_refusals_switch_it_off(source):
    now = clock()
    switch_canary_on(source, ACTOR, now=now)
    for days in range(3):
        assert canary().is_on
        send(FakeHttp(FORBIDDEN), at=now + timedelta(days=days))
    assert (canary().is_on, canary().state, canary().due_at) == (False, "refused", None)
    notice = Notice.unscoped.get(kind="canary_refused")
    assert "refused the change three times" in notice.sentence
    switch_canary_on(source, ACTOR, now=clock())
    notice.refresh_from_db()
    assert notice.resolved_at is not None


def test_an_outage_of_the_system_is_no_refusal(source):
    now = clock()
    switch_canary_on(source, ACTOR, now=now)
    for minutes in (0, 10, 20, 30):
        send(FakeHttp(Response(503)), at=now + timedelta(minutes=minutes))
    assert (canary().is_on, canary().state) == (True, "idle")


def test_nothing_is_written_while_the_connection_is_held(source):
    now = clock()
    source.connection.pause("holidays", until=None, now=now)
    switch_canary_on(source, ACTOR, now=now)
    http = FakeHttp(CREATED)
    send(http)
    assert http.requests == []
    assert canary().due_at > now + timedelta(minutes=4)


def test_a_copy_of_an_installation_writes_nothing(source):
    switch_canary_on(source, ACTOR, now=clock())
    WebhookAddress.objects.create(pk=1, public_url="https://original.example", changed_at=clock())
    listen_to_sources("listen")
    assert canary().sent_at is None


def test_a_heartbeat_search_of_splunk_is_heard_while_it_is_on(make, client):
    splunk = make.connection(connector="splunk", account="", secret={})
    source = make.source(splunk, "alert", heard_at=clock())
    alert = {"sid": "s1", "search_name": "Integration Hub heartbeat", "result": {}}
    path = local_path(endpoint_of(splunk))
    client.post(path, json.dumps(alert), content_type="application/json")
    run_inbox()
    assert Event.unscoped.count() == 1
    switch_canary_on(source, ACTOR, minutes=15, now=clock())
    client.post(path, json.dumps(alert | {"sid": "s2"}), content_type="application/json")
    run_inbox()
    assert (Event.unscoped.count(), canary().state) == (1, "idle")
    send(FakeHttp([]))
    assert canary().source.canary_heard_at == canary().heard_at
    send(FakeHttp([]), at=clock() + timedelta(minutes=31))
    assert (canary().state, InboundGap.unscoped.get().cause) == ("late", "canary")


def test_a_round_that_is_heard_or_missed_is_kept_for_a_day(client, source):
    now = clock()
    switch_canary_on(source, ACTOR, now=now)
    old = {"at": (now - timedelta(hours=25)).isoformat(), "ms": 5}
    SourceCanary.unscoped.update(rounds=[old])
    send(FakeHttp(CREATED))
    post(client, source)
    send(FakeHttp([]))
    assert [entry["ms"] for entry in canary().rounds] == [canary().round_trip_ms]
    SourceCanary.unscoped.update(state="waiting", due_at=now)
    send(FakeHttp(CREATED), at=clock() + timedelta(minutes=5))
    assert canary().rounds[-1]["ms"] is None and len(canary().rounds) == 2


def test_a_person_who_switches_it_off_during_a_refused_call_is_not_overruled(source):
    switch_canary_on(source, ACTOR, now=clock())

    def refuse(request):
        switch_canary_off(source, ACTOR, call=FakeHttp([]).call, now=clock())
        return FORBIDDEN

    send(FakeHttp(refuse))
    assert not canary().is_on
    http = FakeHttp([])
    send(http, at=clock() + timedelta(days=1))
    assert (canary().state, http.requests) == ("refused", [])


def test_one_that_is_heard_while_it_is_called_late_is_no_alarm(source):
    now = clock()
    switch_canary_on(source, ACTOR, now=now)
    columns = {"state": "waiting", "sent_at": now, "due_at": now, "failure_count": 1}
    SourceCanary.unscoped.update(mark=MARK, **columns)
    readings = iter(range(1, 10))

    def read_clock():
        if next(readings) == 3:  # it is claimed: the inbox processes its webhook now
            SourceCanary.unscoped.update(state="idle", heard_at=now, due_at=now, failure_count=0)
        return now

    http = FakeHttp([])
    handle_due_canaries(CanaryContext(http.call, read_clock, lambda: "token-2", lambda: False))
    assert (canary().state, canary().rounds, http.requests) == ("idle", [], [])
    assert not InboundGap.unscoped.exists()
