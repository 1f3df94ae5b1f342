"""The official client drives the simulated Slack with only its base URL changed."""

import pytest
import requests
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

ACME, GLOBEX = "xoxb-acme-1", "xoxe.xoxb-1-globex-1"
BOTH = "public_channel,private_channel"
APP = {"client_id": "hub.slack", "client_secret": "slack-secret"}


@pytest.fixture
def slack(desk):
    return client(desk, ACME)


def client(desk, token=None):
    return WebClient(token=token, base_url=f"{desk.url}/slack/api/")


def get_refusal(call, *args, **more):
    with pytest.raises(SlackApiError) as caught:
        call(*args, **more)
    return caught.value.response


def test_tells_who_a_token_is(slack):
    answer = slack.auth_test()
    assert (answer["team_id"], answer["team"], answer["bot_id"]) == (
        "T0000ACME",
        "Acme",
        "B0000000HUB",
    )
    assert "chat:write" in answer.headers["x-oauth-scopes"]


def test_a_message_is_posted_and_found_in_its_channel(desk, slack):
    first = slack.chat_postMessage(channel="C0000ORD1", text="*Order* A-1001")
    second = slack.chat_postMessage(channel="#orders", text="again")
    assert first["ts"] < second["ts"]
    assert "<strong>Order</strong> A-1001" in desk.get("/slack/T0000ACME/C0000ORD1").text


def test_a_message_is_changed(slack):
    posted = slack.chat_postMessage(channel="C0000ORD1", text="new")
    assert (
        slack.chat_update(channel="C0000ORD1", ts=posted["ts"], text="shipped")["text"] == "shipped"
    )
    assert (
        get_refusal(slack.chat_update, channel="C0000ORD1", ts="1.1", text="x")["error"]
        == "message_not_found"
    )


@pytest.mark.parametrize(
    ("message", "error"),
    [
        ({"channel": "C404", "text": "x"}, "channel_not_found"),
        ({"channel": "C0000SEC1", "text": "x"}, "channel_not_found"),
        ({"channel": "C0000OLD1", "text": "x"}, "is_archived"),
        ({"channel": "C0000GEN1"}, "no_text"),
        ({"text": "x"}, "invalid_arguments"),
        ({"channel": "C0000GEN1", "attachments": [{}]}, "no_text"),
        ({"channel": "C0000GEN1", "text": "x", "username": "Orders"}, "missing_scope"),
        (
            {"channel": "C0000GEN1", "text": "x", "metadata": {"event_type": "a"}},
            "invalid_metadata_format",
        ),
        ({"channel": "C0000GEN1", "text": "x", "metadata": "{"}, "invalid_metadata_format"),
        (
            {
                "channel": "C0000GEN1",
                "text": "x",
                "metadata": {"event_type": "a", "event_payload": []},
            },
            "invalid_metadata_format",
        ),
        ({"channel": "C0000GEN1", "text": "x", "markdown_text": "y"}, "markdown_text_conflict"),
        ({"channel": "C0000GEN1", "markdown_text": "y" * 12_001}, "msg_too_long"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
@pytest.mark.filterwarnings("ignore:The top-level `text` argument is missing:UserWarning")
def test_a_refused_message_is_still_a_200(slack, message, error):
    response = get_refusal(slack.api_call, "chat.postMessage", json=message)
    assert (response.status_code, response["error"]) == (200, error)


def test_a_name_reaches_a_channel_for_a_new_message_only(slack):
    posted = slack.chat_postMessage(channel="orders", text="new")
    assert posted["channel"] == "C0000ORD1"
    for name in ("orders", "#orders"):
        response = get_refusal(slack.chat_update, channel=name, ts=posted["ts"], text="x")
        assert response["error"] == "channel_not_found"
        assert get_refusal(slack.conversations_info, channel=name)["error"] == "channel_not_found"


@pytest.mark.filterwarnings("ignore:The top-level `text` argument is missing:UserWarning")
def test_a_changed_message_keeps_what_was_not_sent_but_text_alone_takes_its_blocks_away(slack):
    blocks, attachments = [{"type": "divider"}], [{"text": "more"}]
    message = {"channel": "C0000ORD1", "blocks": blocks, "attachments": attachments}
    posted = slack.chat_postMessage(**message, text="new")
    kept = slack.chat_update(channel="C0000ORD1", ts=posted["ts"], blocks=[*blocks, *blocks])
    assert kept["text"] == "new"
    changed = slack.chat_update(channel="C0000ORD1", ts=posted["ts"], text="shipped")["message"]
    assert (changed["text"], changed["blocks"], changed["attachments"]) == (
        "shipped",
        [],
        attachments,
    )


def test_a_changed_message_holds_4000_characters_where_a_new_one_is_cut_at_40000(slack):
    posted = slack.chat_postMessage(channel="C0000ORD1", text="x" * 40_001)
    assert len(posted["message"]["text"]) == 40_000
    response = get_refusal(
        slack.chat_update, channel="C0000ORD1", ts=posted["ts"], text="x" * 4_001
    )
    assert response["error"] == "msg_too_long"


def test_a_users_token_posts_as_that_person_and_changes_only_their_messages(desk, slack):
    desk.world(slack=[{"team": "T0000ACME", "user_token": "xoxp-ann", "user_scopes": "chat:write"}])
    ann = client(desk, "xoxp-ann")
    of_ann = ann.chat_postMessage(channel="C0000FAR1", text="by a person")
    of_bot = slack.chat_postMessage(channel="C0000FAR1", text="by the app")
    assert (of_ann["message"]["user"], "username" in of_ann["message"]) == ("U0000ANN1", False)
    assert of_bot["message"]["username"] == "Hub"
    for other, posted in ((slack, of_ann), (ann, of_bot)):
        response = get_refusal(other.chat_update, channel="C0000FAR1", ts=posted["ts"], text="x")
        assert response["error"] == "cant_update_message"
    ann.chat_update(channel="C0000FAR1", ts=of_ann["ts"], text="changed")
    assert "<strong>Ann Archer</strong>" in desk.get("/slack/T0000ACME/C0000FAR1").text


def test_who_a_token_is_needs_no_scope(desk, slack):
    desk.world(slack=[{"team": "T0000ACME", "scopes": ""}])
    assert slack.auth_test()["team_id"] == "T0000ACME"


def test_metadata_stays_until_it_is_replaced_or_taken_away(desk, slack):
    desk.world(slack=[{"team": "T0000ACME", "scopes": "chat:write,channels:history"}])
    first = {"event_type": "hub_delivery", "event_payload": {"id": "1"}}
    ts = slack.chat_postMessage(channel="C0000ORD1", text="new", metadata=first)["ts"]
    message = slack.chat_update(channel="C0000ORD1", ts=ts, text="again")["message"]
    emptied = slack.chat_update(channel="C0000ORD1", ts=ts, text="again", metadata={})["message"]
    assert (message["metadata"], emptied["metadata"]) == (first, {})


def test_a_list_needs_the_scope_of_each_kind_of_channel(slack):
    assert get_refusal(slack.conversations_list, types=BOTH)["needed"] == "groups:read"
    assert get_refusal(slack.conversations_list, types="channels")["error"] == "invalid_types"


def test_a_channel_not_joined_needs_the_public_scope(desk, slack):
    slack.chat_postMessage(channel="C0000FAR1", text="over there")
    desk.world(slack=[{"team": "T0000ACME", "scopes": "chat:write"}])
    assert (
        get_refusal(slack.chat_postMessage, channel="C0000FAR1", text="x")["error"]
        == "not_in_channel"
    )


@pytest.mark.parametrize(("token", "error"), [("", "not_authed"), ("xoxb-strange", "invalid_auth")])
def test_a_wrong_token_is_refused_in_slacks_words(desk, token, error):
    assert get_refusal(client(desk, token).auth_test)["error"] == error


def test_a_missing_scope_is_named(desk, slack):
    desk.world(slack=[{"team": "T0000ACME", "scopes": "chat:write"}])
    response = get_refusal(slack.users_lookupByEmail, email="ann@acme.example")
    assert (response["error"], response["needed"]) == ("missing_scope", "users:read.email")


def test_people_are_found_by_email(slack):
    assert slack.users_lookupByEmail(email="Ann@acme.example")["user"]["id"] == "U0000ANN1"
    assert (
        get_refusal(slack.users_lookupByEmail, email="nobody@acme.example")["error"]
        == "users_not_found"
    )


def test_lists_come_in_pages_that_may_run_short_and_end_with_an_empty_cursor(desk, slack):
    desk.world(slack=[{"team": "T0000ACME", "scopes": "channels:read,groups:read,users:read"}])
    pages = [
        page.data for page in slack.conversations_list(limit=2, exclude_archived=True, types=BOTH)
    ]
    assert [len(page["channels"]) for page in pages] == [2, 1, 0]
    assert pages[-1]["response_metadata"]["next_cursor"] == ""
    assert get_refusal(slack.users_list, cursor="nonsense")["error"] == "invalid_cursor"


def test_a_burst_to_one_channel_is_tolerated_then_one_a_second(desk, slack):
    for number in range(10):
        slack.chat_postMessage(channel="C0000GEN1", text=str(number))
    response = get_refusal(slack.chat_postMessage, channel="C0000GEN1", text="too many")
    assert (response.status_code, response.headers["Retry-After"]) == (429, "1")
    assert response.data == {"ok": False, "error": "ratelimited"}
    slack.chat_postMessage(channel="C0000ORD1", text="another channel is open")
    desk.now += 1
    slack.chat_postMessage(channel="C0000GEN1", text="a second later")


def test_a_limit_is_of_one_method_in_one_workspace(desk, slack):
    for _ in range(20):
        slack.users_list()
    assert int(get_refusal(slack.users_list).headers["Retry-After"]) == 3
    slack.conversations_list()
    client(desk, GLOBEX).users_list()


def test_a_rotating_token_expires_and_is_refreshed(desk):
    desk.now += 43_200
    assert get_refusal(client(desk, GLOBEX).auth_test)["error"] == "token_expired"
    fresh = client(desk).oauth_v2_access(
        **APP, grant_type="refresh_token", refresh_token="xoxe-1-globex-1"
    )
    assert (fresh["team"]["id"], fresh["expires_in"]) == ("T000GLOBEX", 43_200)
    assert client(desk, fresh["access_token"]).auth_test()["team"] == "Globex"


def test_a_used_refresh_token_has_a_short_grace_and_two_tokens_stay_active(desk):
    tokens = [
        client(desk).oauth_v2_access(
            **APP, grant_type="refresh_token", refresh_token="xoxe-1-globex-1"
        )
    ]
    tokens += [
        client(desk).oauth_v2_access(
            **APP, grant_type="refresh_token", refresh_token=tokens[0]["refresh_token"]
        )
    ]
    assert get_refusal(client(desk, GLOBEX).auth_test)["error"] == "token_revoked"
    assert client(desk, tokens[0]["access_token"]).auth_test()["ok"]
    desk.now += 61
    response = get_refusal(
        client(desk).oauth_v2_access,
        **APP,
        grant_type="refresh_token",
        refresh_token="xoxe-1-globex-1",
    )
    assert (response.status_code, response["error"]) == (200, "invalid_refresh_token")


def test_a_refresh_wants_the_right_client(desk):
    wrong = {**APP, "client_secret": "guessed"}
    response = get_refusal(
        client(desk).oauth_v2_access,
        **wrong,
        grant_type="refresh_token",
        refresh_token="xoxe-1-globex-1",
    )
    assert response["error"] == "bad_client_secret"


def test_a_revoked_token_is_over(desk, slack):
    slack.auth_revoke()
    assert get_refusal(slack.auth_test)["error"] == "token_revoked"


def test_json_without_a_charset_is_taken_with_a_warning(desk):
    headers = {"Authorization": f"Bearer {ACME}", "Content-Type": "application/json"}
    url = f"{desk.url}/slack/api/chat.postMessage"
    answer = requests.post(
        url, data='{"channel": "C0000GEN1", "text": "x"}', headers=headers, timeout=5
    ).json()
    assert (answer["ok"], answer["warning"]) == (True, "missing_charset")
    assert (
        requests.post(url, data="{", headers=headers, timeout=5).json()["error"] == "invalid_json"
    )


def test_a_scripted_message_stays_text_on_the_page(desk, slack):
    slack.chat_postMessage(
        channel="C0000GEN1", text="<script>alert(1)</script> <javascript:alert(1)|x>"
    )
    page = desk.get("/slack/T0000ACME/C0000GEN1").text
    assert "<script" not in page and 'href="javascript' not in page


def test_the_page_shows_blocks_and_links(desk, slack):
    blocks = [
        {"type": "header", "text": {"type": "plain_text", "text": "New order"}},
        {"type": "section", "text": {"type": "mrkdwn", "text": "see <https://acme.example|it>"}},
    ]
    slack.chat_postMessage(channel="C0000GEN1", text="New order", blocks=blocks)
    page = desk.get("/slack/T0000ACME/C0000GEN1").text
    assert (
        "<h3>New order</h3>" in page
        and '<a href="https://acme.example" rel="noreferrer">it</a>' in page
    )
