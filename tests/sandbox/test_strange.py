"""Strange bytes get an answer in each system's own words; nothing breaks."""

import json
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from multidict import CIMultiDict

from sandbox.app.system import OrderApp
from sandbox.gateway import find_message_ids
from sandbox.pipedrive.system import Pipedrive
from sandbox.registry import find_systems
from sandbox.salesforce.system import Salesforce
from sandbox.sending.sender import Sender
from sandbox.slack.accounts import Team
from sandbox.slack.pages.message_list import ChannelView, render_messages
from sandbox.slack.system import Slack
from sandbox.slack.web_api.methods import METHODS
from sandbox.splunk.system import Splunk
from sandbox.storage.account_store import AccountStore
from sandbox.system import ApiRequest
from sandbox.webhook.system import WebhookCatcher
from tests.sandbox.running_sandbox import NOON

VIEW = ChannelView(
    Team("T1"), {"id": "C1", "is_archived": False}, [{"id": "U1", "real_name": "Ann"}], {}
)
CHANNEL = "33333333-3333-4333-8333-333333333333"
V = "/00D000000000001EAA/services/data/v67.0"
LEAD = {"attributes": {"type": "Lead"}, "LastName": "x", "Company": "y"}
CALLS = [  # system, authorization, method, path, and the names that a body may hold
    (
        "slack",
        "Bearer xoxb-acme-1",
        "POST",
        "/chat.postMessage",
        ["text", "blocks", "markdown_text", "metadata"],
    ),
    ("slack", "Bearer xoxb-acme-1", "POST", "/chat.update", ["ts", "text", "attachments"]),
    ("slack", "Bearer xoxb-acme-1", "POST", "/conversations.list", ["limit", "cursor", "types"]),
    ("slack", "Bearer xoxb-acme-1", "POST", "/users.lookupByEmail", ["email"]),
    ("slack", "", "POST", "/oauth.v2.access", ["client_id", "code", "grant_type", "refresh_token"]),
    (
        "salesforce",
        "Bearer 00D000000000001!acme",
        "POST",
        f"{V}/sobjects/Lead",
        ["LastName", "Email", "AnnualRevenue"],
    ),
    (
        "salesforce",
        "Bearer 00D000000000001!acme",
        "PATCH",
        f"{V}/sobjects/Lead/External_Id__c/1",
        ["LastName"],
    ),
    (
        "salesforce",
        "Bearer 00D000000000001!acme",
        "POST",
        f"{V}/composite/sobjects",
        ["records", "allOrNone"],
    ),
    (
        "salesforce",
        "Bearer 00D000000000001!acme",
        "PATCH",
        f"{V}/composite/sobjects/Lead/External_Id__c",
        ["records"],
    ),
    (
        "salesforce",
        "Bearer 00D000000000001!acme",
        "POST",
        f"{V}/composite",
        ["compositeRequest", "allOrNone"],
    ),
    ("salesforce", "", "POST", "/login/services/oauth2/token", ["grant_type"]),
    (
        "pipedrive",
        "Bearer v1u:acme-1",
        "POST",
        "/api/v2/deals",
        ["title", "value", "status", "custom_fields"],
    ),
    ("pipedrive", "Bearer v1u:acme-1", "POST", "/api/v2/persons", ["name", "emails", "org_id"]),
    (
        "pipedrive",
        "Bearer v1u:acme-1",
        "PATCH",
        "/api/v2/persons/1",
        ["name", "phones", "label_ids"],
    ),
    (
        "pipedrive",
        "Bearer v1u:acme-1",
        "POST",
        "/api/v1/leads",
        ["title", "person_id", "value", "0" * 40],
    ),
    (
        "pipedrive",
        "Bearer v1u:acme-1",
        "POST",
        "/api/v1/notes",
        ["content", "person_id", "pinned_to_deal_flag"],
    ),
    ("pipedrive", "", "POST", "/oauth/token", ["grant_type", "code", "refresh_token"]),
    (
        "splunk",
        "Splunk 11111111-1111-4111-8111-111111111111",
        "POST",
        "/acme/services/collector",
        ["event", "time", "fields", "index", "host"],
    ),
    (
        "splunk",
        "Splunk 22222222-2222-4222-8222-222222222222",
        "POST",
        "/globex/services/collector/ack",
        ["acks"],
    ),
    ("webhook", "", "POST", "/acme", []),
    ("app", "", "POST", "/events", ["id", "type", "tenant", "data"]),
    ("app", "", "POST", "/labels", ["id", "order", "tenant", "data"]),
    ("app", "", "POST", "/questions", ["id", "text", "tenant", "data"]),
    ("app", "", "POST", "/orders", ["customer", "email", "items", "tenant"]),
]

leaves = (
    st.none()
    | st.booleans()
    | st.integers(-5, 2000)
    | st.floats()
    | st.text(max_size=6)
    | st.just("a@b.c")
)
parts = st.sampled_from(
    [
        LEAD,
        {"method": "GET", "url": "/x", "referenceId": "a"},
        {"name": "a", "quantity": 1, "price": "1"},
    ]
)
values = st.recursive(
    leaves | parts,
    lambda one: st.lists(one, max_size=3) | st.dictionaries(st.text(max_size=3), one, max_size=2),
    max_leaves=5,
)


@pytest.fixture(scope="module")
def systems(tmp_path_factory):
    state = tmp_path_factory.mktemp("strange")
    defaults = {system.key: system.defaults for system in find_systems()}
    world, random = AccountStore(state / "world.json", defaults), Random(0)
    world.merge(
        {
            "slack": [
                {
                    "team": "T0000ACME",
                    "limits": dict.fromkeys(METHODS, 10**9) | {"channel_burst": 10**9},
                }
            ]
        }
    )
    world.merge({"pipedrive": [{"company": "701", "burst": 10**9, "daily_tokens": 10**9}]})
    sender = Sender(world, state, lambda: NOON, deliver=None)
    made = [
        Slack(world, state, random, sender),
        Salesforce(world, state, random, sender, lambda: NOON),
        Pipedrive(world, state, random, sender),
        Splunk(world, state),
        WebhookCatcher(world, state),
        OrderApp(world, state, post=None),
    ]
    for system in made:
        system.load_accounts(NOON)
    yield {system.key: system for system in made}
    for system in made:
        system.close()
    sender.close()


@pytest.mark.parametrize("about", CALLS, ids=lambda about: f"{about[0]} {about[3].split('/')[-1]}")
@settings(max_examples=40, deadline=None, database=None)
@given(data=st.data())
def test_every_body_is_answered(systems, about, data):
    name, authorization, method, path, names = about
    whole = st.dictionaries(st.sampled_from(names), values) if names else values
    body = data.draw(
        st.binary(max_size=20) | (whole | values).map(lambda value: json.dumps(value).encode())
    )
    kind = data.draw(
        st.sampled_from(["application/json", "application/x-www-form-urlencoded", "text/plain"])
    )
    headers = CIMultiDict(
        {"Authorization": authorization, "Content-Type": kind, "X-Splunk-Request-Channel": CHANNEL}
    )
    call = ApiRequest(
        method, path, path, {"channel": "C0000GEN1"}, headers, body, NOON, "http://desk.test"
    )
    system = systems[name]
    assert isinstance(system.account(call), str) and all(
        isinstance(id, str) for id in find_message_ids(system, call)
    )
    assert 200 <= system.answer(call).status < 500


@settings(max_examples=100, deadline=None, database=None)
@given(
    st.lists(
        st.dictionaries(st.sampled_from(["type", "text", "fields", "elements", "title"]), values)
    ),
    st.text(),
)
def test_every_message_can_be_shown(blocks, text):
    posted = {
        "username": "Hub",
        "bot_id": "B1",
        "ts": "1764000000.000100",
        "text": f"{text} <script> <{text}>",
        "blocks": blocks,
    }
    for row in (posted, posted | {"blocks": [], "attachments": blocks}):
        assert "<script" not in render_messages(VIEW, [row])[0]
