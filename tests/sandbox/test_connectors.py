"""What our connectors build, sent to the simulated systems as it is: the strictness is theirs, so
bugs are ours.
"""

from dataclasses import replace

import pytest
import requests

from connectors.http import Response
from connectors.registry import CONNECTORS
from tests.connectors.recorded import NOON, credential, message, messages, rendered

ORG = "00D000000000001EAA"
SIGNED = ("app", "webhook")  # events as they are, with a signature
SIGNING_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
# by system and action: where the example names a record of somebody else, one of the built-in world
CREATES = {
    ("slack", "post_message"): {"channel": "C0000ORD1"},
    ("salesforce", "create"): {},
    ("salesforce", "upsert"): {},
    ("pipedrive", "create_person"): {},
    ("pipedrive", "create_organization"): {},
    ("pipedrive", "create_deal"): {},
    ("pipedrive", "create_lead"): {"person_id": 1},
    ("pipedrive", "create_activity"): {},
    ("pipedrive", "create_note"): {"deal_id": None, "person_id": 1},
    ("splunk", "send_event"): {},
    ("splunk", "send_raw"): {},
}
LEAD = {"object": "Lead", "fields": {"LastName": "Lovelace", "Company": "Acme", "AnnualRevenue": 1}}


def key_for(desk, system):
    """A credential of Acme's in the built-in world, and where its systems are here."""
    secrets = {
        "slack": {"access_token": "xoxb-acme-1"},
        "salesforce": {"access_token": "00D000000000001!acme"},
        "pipedrive": {"access_token": "v1u:acme-1"},
        "splunk": {"token": "11111111-1111-4111-8111-111111111111"},
        **dict.fromkeys(SIGNED, {"signing_secret": SIGNING_SECRET}),
    }
    settings = {
        "salesforce": {"instance_url": f"{desk.url}/salesforce/{ORG}"},
        "pipedrive": {"api_domain": f"{desk.url}/pipedrive/acme"},
        "splunk": {"url": f"{desk.url}/splunk/acme"},
        "webhook": {"url": f"{desk.url}/webhook/acme"},
    }
    apis = {"slack": f"{desk.url}/slack/api", "app": f"{desk.url}/app/api"}
    urls = CONNECTORS[system].urls | ({"api": apis[system]} if system in apis else {})
    changes = {
        "secret": secrets[system],
        "settings": settings.get(system, {}),
        "hosts": ("127.0.0.1",),
    }
    return credential(system, urls=urls, **changes)


def send(request):
    answer = requests.request(
        request.method,
        request.url,
        data=request.content(),
        headers=request.all_headers(),
        timeout=5,
    )
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return Response(answer.status_code, answer.content, headers, NOON)


def deliver(desk, system, action, given):
    """The outcomes of these messages, sent in one request."""
    code = CONNECTORS[system].action(action)
    return code.read_outcomes(send(code.request(given, key_for(desk, system))), given)


def example(system, action, **changes):
    code = CONNECTORS[system].action(action)
    return message({**rendered(code.example or code.default), **changes})


def test_every_action_that_makes_something_in_an_external_system_is_tried():
    makes = {
        (connector.key, action.key)
        for connector in CONNECTORS.values()
        for action in connector.actions
        if connector.key not in SIGNED and not action.key.startswith(("update", "delete"))
        if not action.uses_reply_url  # it answers one request: tests/hub/incoming/test_replies.py
    }
    assert makes == set(CREATES)


@pytest.mark.corrections(item="1.11")
@pytest.mark.parametrize(
    ("system", "create", "delete", "id_input"),
    [
        ("pipedrive", "create_deal", "delete_deal", "id"),
        ("salesforce", "create", "delete_record", "record_id"),
    ],
)
def test_a_created_record_is_deleted(desk, system, create, delete, id_input):
    values = CREATES[system, create]
    (created,) = deliver(desk, system, create, [example(system, create, **values)])
    target = {id_input: created.reference}
    target |= {"object": "Lead", "unmodified_since": None} if system == "salesforce" else {}
    (outcome,) = deliver(desk, system, delete, [message(target)])
    assert (outcome.kind, outcome.reference) == ("delivered", created.reference)
    (again,) = deliver(desk, system, delete, [message(target)])
    assert again.kind == "never"


@pytest.mark.parametrize("system", SIGNED)
def test_takes_what_is_signed_and_nothing_that_was_changed(desk, system):
    desk.world(webhook=[{"endpoint": "acme", "strict": True}], app={"secret": SIGNING_SECRET})
    action = CONNECTORS[system].actions[0]
    request = action.request([example(system, action.key)], key_for(desk, system))
    assert send(request).status in (200, 202)
    assert send(replace(request, body=(request.body or b"") + b" ")).status == 401


@pytest.mark.parametrize(("system", "action"), CREATES, ids=str)
def test_takes_the_example_of_each_action_that_makes_something(desk, system, action):
    (outcome,) = deliver(desk, system, action, [example(system, action, **CREATES[system, action])])
    assert outcome.kind == "delivered", outcome


@pytest.mark.parametrize("kind", ["person", "organization", "deal", "lead", "activity", "note"])
def test_takes_a_change_of_what_was_made_in_pipedrive(desk, kind):
    action_body = example("pipedrive", f"create_{kind}", **CREATES["pipedrive", f"create_{kind}"])
    (created,) = deliver(desk, "pipedrive", f"create_{kind}", [action_body])
    change = example("pipedrive", f"update_{kind}", id=created.reference)
    (outcome,) = deliver(desk, "pipedrive", f"update_{kind}", [change])
    assert (outcome.kind, outcome.reference) == ("delivered", created.reference)


def test_takes_a_change_of_what_was_posted_in_slack(desk):
    (posted,) = deliver(
        desk, "slack", "post_message", [example("slack", "post_message", channel="C0000ORD1")]
    )
    channel, ts = posted.reference.split("/")
    change = example("slack", "update_message", channel=channel, ts=ts)
    assert [outcome.kind for outcome in deliver(desk, "slack", "update_message", [change])] == [
        "delivered"
    ]


def test_one_unreadable_record_keeps_its_neighbours_in_salesforce_for_a_while_only(desk):
    bad = {**LEAD, "fields": {**LEAD["fields"], "AnnualRevenue": "much"}}
    first = [*messages(2, LEAD), message(bad, id="msg-bad")]
    outcomes = deliver(desk, "salesforce", "create", first)
    assert [outcome.reason for outcome in outcomes] == ["refused_together"] * 3
    third = [replace(one, attempt=3) for one in first]
    assert len({CONNECTORS["salesforce"].action("create").group_key(one) for one in third}) == 3
    alone = [deliver(desk, "salesforce", "create", [one])[0] for one in third]
    assert [outcome.kind for outcome in alone] == ["delivered", "delivered", "never"]
    assert alone[2].reason == "json_parser_error"


@pytest.mark.parametrize("system", ["slack", "salesforce", "pipedrive"])
def test_tells_our_probe_whose_account_it_is(desk, system):
    key = key_for(desk, system)
    connector = CONNECTORS[system]
    account = connector.parse_probe(send(connector.probe_request(key, at=NOON)), key)
    assert account.name.startswith("Acme")
