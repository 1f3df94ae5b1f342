"""Reads of gaps at the sandbox's Slack by real HTTP, with the inbox behind."""

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from slack_sdk.signature import Clock, SignatureVerifier

from connectors.registry import CONNECTORS
from connectors.slack.feeds import Messages, ReadState
from hub.connections.calls.reserved_call import QuotaExhausted
from hub.connections.credentials.connector_context import open_credential
from hub.db.clock import clock
from hub.incoming.endpoints.create import get_or_create_app_endpoint
from hub.incoming.models import InboundItem
from hub.outgoing.insight.needed_permissions import find_incoming_permissions
from hub.processes.leases import new_lease
from hub.scheduled.gap_reading.executor import run_gap_reading
from hub.scheduled.runs.calls.provider_calls import reserve_run_call
from hub.scheduled.runs.context import RunStopped
from tests.factories import MINUTE
from tests.hub.incoming.webhook_posts import local_path, run_inbox
from tests.hub.scheduled.gap_reading.gap_runs import counts_of, data_of, list_types, read, start
from tests.hub.scheduled.sandbox_run import SECRETS, execute
from tests.sandbox.running_sandbox import NOON, RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)
TEAM, ANN = "T0000ACME", "U0000ANN1"
SIGNING_SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
SCOPES = [
    "chat:write",
    "channels:read",
    "app_mentions:read",
    "im:history",
    "im:read",
    "channels:history",
    "groups:history",
    "groups:read",
]
BEGIN = datetime.fromtimestamp(NOON, UTC) + timedelta(minutes=20)
END, LATER = BEGIN + timedelta(minutes=20), BEGIN + timedelta(minutes=60)


def set_world(desk, channels):
    team = {
        "team": TEAM,
        "token": SECRETS["slack"]["access_token"],
        "scopes": ",".join(SCOPES),
        "channels": channels,
        "users": [{"id": ANN, "name": "ann"}],
        "limits": {"conversations.history": 1000, "history_messages": 15},
    }
    desk.world(slack=[team])


@pytest.fixture
def desk(tmp_path):
    with RunningSandbox(tmp_path).running() as running:
        private = {"id": "C0000SEC1", "name": "board", "is_private": True}
        set_world(running, [{"id": "C0000ORD1", "name": "orders"}, private])
        running.now += 30 * 60
        yield running


@pytest.fixture
def slack(make, desk):
    urls = {"api": f"{desk.url}/slack/api"}
    make.app("slack", {"signing_secret": SIGNING_SECRET}, urls=urls)
    tenant = make.tenant("acme")
    return make.connection(
        tenant, "slack", account=TEAM, secret=SECRETS["slack"], permissions=SCOPES
    )


@pytest.fixture
def gap(make, slack):
    return make.gap(make.source(slack, "mention"), from_at=BEGIN, to_at=END, now=LATER)


def write(desk, text, channel="C0000ORD1", **more):
    """Write as Ann; return the message's time."""
    answer = desk.post(
        f"/slack/{TEAM}/{channel}/messages", data={"text": text, **more}, allow_redirects=False
    )
    assert answer.status_code in (200, 302, 303), answer.text
    headers = {"Authorization": "Bearer xoxb-acme-1"}
    method, form = "history", {"channel": channel}
    if "thread_ts" in more:
        method, form = "replies", {"channel": channel, "ts": more["thread_ts"]}
    page = desk.post(f"/slack/api/conversations.{method}", data=form, headers=headers).json()
    return max(message["ts"] for message in page["messages"])


def tell(client, ts, *, channel="C0000ORD1", id="Ev1"):
    """Post the event of a mention, and process it."""
    event = {"type": "app_mention", "user": ANN, "text": "?", "ts": ts, "channel": channel}
    document = {"type": "event_callback", "event_id": id, "event_time": int(float(ts))}
    document |= {"team_id": TEAM, "event": event, "authorizations": [{"team_id": TEAM}]}
    body, now = json.dumps(document), str(int(clock().timestamp()))
    signature = SignatureVerifier(SIGNING_SECRET, Clock()).generate_signature(
        timestamp=now, body=body
    )
    source = CONNECTORS["slack"].webhook_source
    response = client.post(
        local_path(get_or_create_app_endpoint("slack", source, now=clock())),
        body,
        content_type="application/json",
        headers={"X-Slack-Request-Timestamp": now, "X-Slack-Signature": signature},
    )
    assert response.status_code == 200
    run_inbox()


def methods_of(called):
    return [call.rpartition("/")[2] for call in called]


def test_missed_mentions_in_channels_and_threads_are_events(desk, slack, gap, client):
    desk.now -= 20 * 60
    question = write(desk, "@Hub before the gap")
    desk.now += 20 * 60
    write(desk, "not for the app")
    known = write(desk, "@Hub first")
    write(desk, "@Hub second", "C0000SEC1")
    write(desk, "@Hub in an old thread", thread_ts=question)
    tell(client, known)
    result, called = read(slack, at=LATER)
    assert (result["read"], counts_of(gap)) == (3, ("closed", 3, 1, 2))
    missed = [data for data in data_of("slack.mention.created") if "read" in data]
    texts = {data["text"].partition("> ")[2]: data["thread_ts"] for data in missed}
    assert texts == {"second": "", "in an old thread": question}
    history = ["conversations.history", "conversations.replies", "conversations.history"]
    assert methods_of(called) == ["auth.test", "auth.test", "users.conversations", *history]


def test_an_answered_question_is_read_once_and_the_next_channel_after_it(desk, slack, gap):
    question = write(desk, "@Hub where is it?")
    write(desk, "Ann found it", thread_ts=question)
    write(desk, "@Hub in another channel", "C0000SEC1")
    read(slack, at=LATER)
    assert (counts_of(gap), gap.reason) == (("closed", 2, 0, 2), "")


def test_late_events_of_what_was_read_are_duplicates(desk, slack, gap, client):
    ts = write(desk, "@Hub first")
    read(slack, at=LATER)
    tell(client, ts)
    assert list_types() == ["source.gap_closed", "slack.mention.created"]
    assert InboundItem.unscoped.latest("pk").reason == "read_before"


def test_missed_direct_messages_are_events_without_the_apps_own(make, desk, slack):
    gap = make.gap(make.source(slack, "message"), from_at=BEGIN, to_at=END, now=LATER)
    write(desk, "Good morning", "D0000ANN1")
    headers = {"Authorization": "Bearer xoxb-acme-1"}
    form = {"channel": "D0000ANN1", "text": "Good morning, Ann"}
    assert desk.post("/slack/api/chat.postMessage", data=form, headers=headers).json()["ok"]
    read(slack, at=LATER)
    (message,) = data_of("slack.message.created")
    assert (message["text"], message["channel_type"]) == ("Good morning", "im")
    assert counts_of(gap) == ("closed", 1, 0, 1)


def test_without_the_permission_nothing_is_read_and_a_reconnect_asks_for_it(make, desk, slack, gap):
    type(slack).unscoped.update(permissions=["chat:write", "app_mentions:read"])
    write(desk, "@Hub first")
    _result, called = read(slack, at=LATER)
    assert counts_of(gap)[0] == "incomplete" and gap.reason == "feed_permission"
    assert methods_of(called) == ["auth.test"]
    make.route(
        tenant=slack.tenant,
        event_type="slack.mention.created",
        origin_connector_key="slack",
        connector="webhook",
    )
    asked = find_incoming_permissions(slack.tenant, slack.connector, slack)
    assert {"channels:history", "groups:history", "groups:read"} <= asked
    first = find_incoming_permissions(slack.tenant, slack.connector, None)
    assert first == {"app_mentions:read"}


def test_a_permission_that_slack_misses_is_told_as_one_that_is_known_to_be_missing(
    desk, slack, gap
):
    type(slack).unscoped.update(permissions=None)
    desk.fault("slack", path="users.conversations", body={"ok": False, "error": "missing_scope"})
    read(slack, at=LATER)
    assert counts_of(gap)[0] == "incomplete" and gap.reason == "feed_permission"


def test_more_calls_than_an_hour_allows_leave_it_incomplete_from_its_start_to_its_end(
    desk, slack, gap
):
    set_world(desk, [{"id": f"C0000{number:04}", "name": f"c{number}"} for number in range(70)])
    write(desk, "@Hub first", "C00000000")
    _result, called = read(slack, at=LATER)
    assert counts_of(gap) == ("incomplete", 1, 0, 1) and gap.reason == "too_many_calls"
    assert (gap.missing_from, gap.missing_to, len(called)) == (BEGIN, END, 62)


def test_a_history_is_asked_for_once_a_minute_and_then_waits_for_its_quota(slack):
    query = {"types": "im", "since": BEGIN.isoformat(), "until": END.isoformat()}
    cursor = ReadState(("D1",), is_listed=True).to_cursor()
    request = Messages().page_request(
        open_credential(slack, None), at=LATER, cursor=cursor, **query
    )
    reserve_run_call(slack, request, group="", lease=new_lease(), now=LATER)
    with pytest.raises(QuotaExhausted) as spent:
        reserve_run_call(slack, request, group="", lease=new_lease(), now=LATER)
    assert LATER + MINUTE <= spent.value.until < LATER + MINUTE + timedelta(seconds=1)


@pytest.mark.parametrize("saves", range(4))
def test_a_killed_read_continues_where_it_was_without_asking_again(desk, slack, gap, saves):
    for number in range(20):
        write(desk, f"@Hub {number}")
    context = start(slack, at=LATER, stop_after=saves)
    with suppress(RunStopped):
        execute(run_gap_reading, context)
    context.run.refresh_from_db()
    context.stop_after = None
    execute(run_gap_reading, context)
    run_inbox()
    assert counts_of(gap) == ("closed", 20, 0, 20)
    assert list_types().count("slack.mention.created") == 20
    assert methods_of(context.called).count("auth.test") == (2 if saves else 4)
