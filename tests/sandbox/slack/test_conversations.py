"""Reading the messages of a conversation and of a thread, by the official client."""

import pytest
import requests
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

ACME, CHANNEL = "xoxb-acme-1", "C0000ORD1"
SCOPES = "chat:write,channels:read,channels:history"


@pytest.fixture
def slack(desk):
    channel = {"id": CHANNEL, "name": "orders"}
    desk.world(
        slack=[{"team": "T0000ACME", "token": ACME, "scopes": SCOPES, "channels": [channel]}]
    )
    return WebClient(token=ACME, base_url=f"{desk.url}/slack/api/")


@pytest.fixture
def message_timestamps(slack):
    return [slack.chat_postMessage(channel=CHANNEL, text=text)["ts"] for text in "abc"]


def texts(answer):
    return "".join(message["text"] for message in answer["messages"])


def test_oldest_and_latest_leave_their_own_messages_out_unless_inclusive(slack, message_timestamps):
    first, second, third = message_timestamps
    read = slack.conversations_history
    assert texts(read(channel=CHANNEL)) == "cba"
    assert texts(read(channel=CHANNEL, oldest=first)) == "cb"
    assert texts(read(channel=CHANNEL, latest=third)) == "ba"
    assert texts(read(channel=CHANNEL, oldest=first, latest=third)) == "b"
    assert texts(read(channel=CHANNEL, oldest=first, latest=third, inclusive=True)) == "cba"
    assert texts(read(channel=CHANNEL, oldest=second, latest=second, inclusive=True)) == "b"


@pytest.mark.parametrize("name", ["oldest", "latest"])
@pytest.mark.parametrize("value", ["yesterday", "nan", "1.2.3"])
def test_a_time_that_is_none_is_refused(slack, name, value):
    with pytest.raises(SlackApiError) as caught:
        slack.conversations_history(channel=CHANNEL, **{name: value})
    assert caught.value.response["error"] == f"invalid_ts_{name}"


def test_replies_stand_in_their_thread_alone_and_their_question_counts_them(
    slack, message_timestamps
):
    first, _second, _third = message_timestamps
    replies = [
        slack.chat_postMessage(channel=CHANNEL, text=text, thread_ts=first)["ts"] for text in "xy"
    ]
    history = slack.conversations_history(channel=CHANNEL)
    assert texts(history) == "cba"
    question = history["messages"][-1]
    assert (question["reply_count"], question["latest_reply"]) == (2, replies[-1])
    thread = slack.conversations_replies(channel=CHANNEL, ts=first)
    assert texts(thread) == "axy"
    assert thread["messages"][1]["thread_ts"] == first
    assert texts(slack.conversations_replies(channel=CHANNEL, ts=replies[0])) == "axy"
    later = slack.conversations_replies(channel=CHANNEL, ts=first, oldest=replies[0])
    assert texts(later) == "ay"


def test_a_message_of_the_app_says_whose_it_is(slack, message_timestamps):
    message = slack.conversations_history(channel=CHANNEL, limit=1)["messages"][0]
    assert message["bot_profile"]["id"] == message["bot_id"]
    assert (message["team"], message["type"]) == ("T0000ACME", "message")


def test_a_multipart_form_is_a_form(desk, slack):
    fields = {"token": (None, ACME), "channel": (None, CHANNEL), "text": (None, "größer")}
    answer = requests.post(f"{desk.url}/slack/api/chat.postMessage", files=fields, timeout=5)
    assert answer.json()["ok"] is True
    assert texts(slack.conversations_history(channel=CHANNEL)) == "größer"


def test_a_method_that_is_not_simulated_says_so(slack):
    with pytest.raises(SlackApiError) as caught:
        slack.api_call("reactions.add")
    assert caught.value.response["error"] == "unknown_method"


def test_the_app_lists_the_conversations_that_it_is_in(slack, desk):
    far = {"id": "C0000FAR1", "name": "far", "is_member": False}
    board = {"id": "C0000SEC1", "name": "board", "is_private": True}
    scopes = f"{SCOPES},groups:read,im:read"
    channels = [{"id": CHANNEL, "name": "orders"}, far, board]
    desk.world(slack=[{"team": "T0000ACME", "token": ACME, "scopes": scopes, "channels": channels}])
    both = "public_channel,private_channel"
    listed = slack.users_conversations(types=both)["channels"]
    assert [channel["id"] for channel in listed] == [CHANNEL, "C0000SEC1"]
    assert slack.users_conversations(types="im")["channels"] == []
    with pytest.raises(SlackApiError, match="missing_scope"):
        slack.conversations_history(channel="C0000SEC1")


def test_a_page_of_an_app_outside_the_marketplace_has_15_messages(slack, desk):
    limits = {"history_messages": 15}
    team = {"team": "T0000ACME", "token": ACME, "scopes": SCOPES, "limits": limits}
    desk.world(slack=[team | {"channels": [{"id": CHANNEL, "name": "orders"}]}])
    for number in range(16):
        desk.post(f"/slack/T0000ACME/{CHANNEL}/messages", data={"text": f"{number}"})
    page = slack.conversations_history(channel=CHANNEL, limit=200)
    assert len(page["messages"]) == 15 and page["has_more"]
