"""The position of a read among conversations, and what of a message is an event."""

import json

import pytest

from connectors.http import Response, dump_json
from connectors.outcomes import READ_ERRORS
from connectors.slack.feeds import Messages, ReadState
from connectors.slack.webhooks import SlackWebhooks
from connectors.webhook_request import WebhookRequest

SOURCE, MESSAGES = SlackWebhooks(), Messages()
QUERY = {
    "object": "mention",
    "types": "public_channel,private_channel",
    "bot": "U0BOT",
    "bot_id": "B0BOT",
    "since": "2026-11-25T12:00:00+00:00",
    "until": "2026-11-25T13:00:00+00:00",
}
IN_GAP = "1795609000.000100"
ASK = {"type": "message", "user": "U0ANN", "text": "<@U0BOT> where?", "ts": IN_GAP}


def read(state, **answer):
    response = Response(200, dump_json({"ok": True, **answer}))
    return MESSAGES.parse_page_at(response, cursor=state.to_cursor(), query=QUERY)


def test_conversations_are_read_one_after_the_other_with_the_threads_that_have_new_replies():
    page = read(ReadState(), channels=[{"id": "C1"}, {"id": "C2"}])
    thread = ASK | {"ts": "1795500000.000100", "latest_reply": IN_GAP}
    old = ASK | {"ts": "1795500000.000200", "latest_reply": "1795500001.000100"}
    page = read(ReadState.parse(page.cursor), messages=[thread, old, ASK])
    assert [record["channel"] for record in page.records] == ["C1"] * 3
    state = ReadState.parse(page.cursor)
    assert (state.is_history_read, state.threads) == (True, ["1795500000.000100"])
    state = ReadState.parse(read(state, messages=[ASK]).cursor)
    assert (state.conversations, state.is_history_read) == (["C2"], False)
    assert read(state, messages=[]).cursor == ""


def test_of_a_thread_only_what_the_history_does_not_have_is_read():
    state = ReadState(["C1", "C2"], [IN_GAP], is_listed=True, is_history_read=True)
    broadcast = ASK | {"ts": "1795609001.000100", "subtype": "thread_broadcast"}
    reply = ASK | {"ts": "1795609002.000100"}
    page = read(state, messages=[ASK, broadcast, reply])
    assert [record["ts"] for record in page.records] == [reply["ts"]]


def test_an_app_in_no_channel_has_nothing_to_read():
    assert read(ReadState(), channels=[]).cursor == ""


def test_a_thread_that_was_deleted_does_not_end_the_read():
    state = ReadState(["C1", "C2"], [IN_GAP], is_listed=True, is_history_read=True)
    response = Response(200, b'{"ok": false, "error": "thread_not_found"}')
    page = MESSAGES.parse_page_at(response, cursor=state.to_cursor(), query=QUERY)
    assert (page.is_complete, ReadState.parse(page.cursor).conversations) == (True, ["C2"])


@pytest.mark.parametrize(
    ("changes", "is_event"),
    [
        ({}, True),
        ({"text": "<@U0BOT|hub> hello"}, True),
        ({"subtype": "thread_broadcast"}, True),
        ({"subtype": "file_share"}, True),
        ({"text": "for nobody"}, False),
        ({"text": "<@U0BOTTLE> hello"}, False),
        ({"user": "U0BOT"}, False),
        ({"bot_id": "B0BOT"}, False),
        ({"user": None}, False),
        ({"subtype": "channel_join"}, False),
    ],
)
def test_a_message_of_a_person_that_mentions_the_app_is_an_event(changes, is_event):
    state = ReadState(["C1"], is_listed=True)
    page = read(state, messages=[{**ASK, **changes}])
    assert bool(page.records) == is_event


def test_a_message_that_was_read_is_the_event_that_would_have_told_of_it():
    record = ASK | {"channel": "C1", "object": "mention", "thread_ts": IN_GAP}
    (change,) = SOURCE.record_changes("messages", record, account="T0ACME")
    request = WebhookRequest("READ", "", change.body)
    (item,) = SOURCE.parse_items(request, {}, message_id="message")
    assert (item.type, item.account, item.id) == ("mention.created", "T0ACME", change.item_id)
    assert item.change_key == change.change_key == f"mention:C1:{IN_GAP}"
    assert (item.author, item.data["text"], item.is_own) == ("U0ANN", ASK["text"], False)


def test_a_message_of_an_organisation_is_that_organisations():
    record = ASK | {"channel": "C1", "object": "mention"}
    (change,) = SOURCE.record_changes("messages", record, account="E0ACME")
    request = WebhookRequest("READ", "", change.body)
    (item,) = SOURCE.parse_items(request, {}, message_id="message")
    assert item.account == "E0ACME"


@pytest.mark.parametrize("record", [{}, ASK, ASK | {"channel": "C1", "object": "x"}, {"ts": "x"}])
def test_what_is_no_message_is_unreadable(record):
    with pytest.raises(READ_ERRORS):
        SOURCE.record_changes("messages", record, account="T0ACME")


@pytest.mark.parametrize("cursor", ["x", "1", json.dumps([1, 2, 3, 4, 5, 6])])
def test_a_strange_cursor_is_refused(cursor):
    with pytest.raises(ValueError):
        MESSAGES.page_request(None, at=None, cursor=cursor, **QUERY)
