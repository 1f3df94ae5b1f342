"""The demo in a local installation: its nine scenarios, and what `var/demo.json` says."""

import hashlib
import hmac
import json
import time
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
import requests

from sandbox.webhook_signatures import sign_message
from tests.desk.test_docs_commands import run, snippets
from tests.tenants.door import code_of

pytestmark = [
    pytest.mark.desk,
    pytest.mark.timeout(300),
    pytest.mark.xdist_group("docs"),
    pytest.mark.corrections(item="2.10"),
]

SCENARIOS = (
    "New order: a message in Slack",
    "New order: a record in Salesforce",
    "A question in Slack: an answer",
    "A sign-up in Pipedrive: a lead in Salesforce",
    "An order in Salesforce: a shipping label",
    "Every night: orders reconciled with Salesforce",
    "Every Monday: sales in Slack",
    "Operational logs in Splunk",
    "A deleted webhook: what it missed is fetched",
)
NINTH = "webhook deleted at Pipedrive, noticed, registered again, 3 missed sign-ups fetched"
TEAM, ORG, COMPANY = "T000GLOBEX", "00D000000000002EAA", "702"  # of the second customer
ORDER = """<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>
 <notifications xmlns="http://soap.sforce.com/2005/09/outbound">
  <OrganizationId>{org}</OrganizationId><ActionId>04k000000000001AAA</ActionId>
  <Notification><Id>04l{number}AAA</Id>
   <sObject xsi:type="sf:Order" xmlns:sf="urn:sobject.enterprise.soap.sforce.com">
    <sf:Id>801{number}AAA</sf:Id><sf:OrderNumber>{mark}</sf:OrderNumber><sf:Name>Cat</sf:Name>
   </sObject></Notification></notifications></soapenv:Body></soapenv:Envelope>"""


@pytest.fixture
def demo(running_hub):
    return json.loads((running_hub.folder / "var" / "demo.json").read_text())


@pytest.fixture
def globex(demo):
    """The customer in whose systems `manage.py demo` causes no events."""
    return demo["tenants"][1]


def find_calls(demo, *texts):
    """The calls in the sandbox's ledger that contain these texts, as soon as there are any."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        lines = requests.get(f"{demo['sandbox']}/_control/ledger?since=0", timeout=30).text
        entries = [json.loads(line) for line in lines.splitlines()]
        if found := [entry for entry in entries if all(text in entry["body"] for text in texts)]:
            return found
    raise AssertionError(f"no call with {texts}")


def test_the_command_of_the_readme_runs_all_nine_scenarios(running_hub):
    (script,) = (entry.values[0] for entry in snippets("sh", "README.md") if entry.id == "demo")
    output = run(script, folder=running_hub.folder)
    table = output[output.index("what happened") :]
    assert [title for title in SCENARIOS if f"\n{title}" not in table] == []
    assert NINTH in table


# --- what another sender sends, with an address and a secret of the demo ---


def build_mention(hook, mark):
    event = {
        "type": "app_mention",
        "user": "U000GLOBEX01",
        "text": f"<@U0BOT> where is {mark}?",
        "ts": "1764000000.000100",
        "channel": "C00GLOBEXORDERS",
    }
    document = {"type": "event_callback", "team_id": TEAM, "event_id": f"Ev{mark}", "event": event}
    document |= {"api_app_id": "A0000000HUB", "event_time": 1764000000}
    document |= {"authorizations": [{"team_id": TEAM, "is_bot": True}]}
    body, sent = json.dumps(document).encode(), str(int(time.time()))
    signed = hmac.digest(
        hook["signing_secret"].encode(), f"v0:{sent}:".encode() + body, hashlib.sha256
    )
    headers = {"X-Slack-Request-Timestamp": sent, "X-Slack-Signature": f"v0={signed.hex()}"}
    return {"data": body, "headers": {"Content-Type": "application/json"} | headers}


def build_person(hook, mark):
    meta = {
        "action": "create",
        "entity": "person",
        "entity_id": mark[2:],
        "company_id": COMPANY,
        "id": str(uuid4()),
        "version": "2.0",
        "timestamp": "2026-11-24T15:11:55.724Z",
        "attempt": 1,
    }
    person = {"id": int(mark[2:]), "name": mark, "emails": [{"value": "new@globex.example"}]}
    document = {"meta": meta, "data": person, "previous": None}
    return {"json": document, "auth": (hook["username"], hook["password"])}


def build_order(hook, mark):
    number = mark.replace("-", "")[-12:].zfill(12)
    body = ORDER.format(org=hook["organization"], mark=mark, number=number)
    return {"data": body, "headers": {"Content-Type": "text/xml"}}


def build_alert(hook, mark):
    return {"json": {"sid": f"scheduler__{mark}", "search_name": mark, "result": {"count": "8"}}}


def build_signed(hook, mark):
    body, id = json.dumps({"type": "user.created", "data": {"id": mark}}).encode(), f"msg_{mark}"
    sent = str(int(time.time()))
    headers = {"Content-Type": "application/json", "webhook-id": id, "webhook-timestamp": sent}
    signature = sign_message(hook["secret"], id, sent, body)
    return {"data": body, "headers": headers | {"webhook-signature": signature}}


SENDERS = {
    "slack": build_mention,
    "pipedrive": build_person,
    "salesforce": build_order,
    "splunk": build_alert,
    "standard_webhooks": build_signed,
}
EFFECTS = {  # by sender: what the call contains that it causes, beside the mark of the sender
    "slack": ("There is no order",),
    "pipedrive": ("LastName", "new@globex.example"),
    "salesforce": ('"order"',),
}


@pytest.mark.parametrize("system", SENDERS)
def test_an_address_of_the_demo_with_its_secret_is_used_once_and_takes_effect(demo, globex, system):
    hook = (demo["hooks"] | globex["hooks"])[system]
    mark = f"A-{int(time.time() * 1000) % 10**8}"
    answer = requests.post(hook["url"], timeout=30, **SENDERS[system](hook, mark))
    assert answer.status_code in (200, 202), answer.text
    if system in EFFECTS:
        find_calls(demo, mark, *EFFECTS[system])
    else:
        assert mark in json.dumps(list_items(demo, globex, mark))


@pytest.mark.parametrize("system", ["slack", "pipedrive", "standard_webhooks"])
def test_the_address_with_another_secret_is_refused(demo, globex, system):
    hook = (demo["hooks"] | globex["hooks"])[system]
    wrong = {"signing_secret": "0" * 32, "password": "wrong", "secret": "whsec_" + "A" * 32}
    answer = requests.post(hook["url"], timeout=30, **SENDERS[system](hook | wrong, "A-1"))
    assert answer.status_code in (401, 403)


def list_items(demo, tenant, mark):
    """The received items of this record, as the tenant's key lists them, once they are read."""
    headers, deadline = {"Authorization": f"Bearer {tenant['key']}"}, time.monotonic() + 60
    while time.monotonic() < deadline:
        items = requests.get(f"{demo['hub']}/api/v1/inbound", headers=headers, timeout=30).json()
        if found := [item for item in items["items"] if mark in json.dumps(item)]:
            return found
    raise AssertionError(f"no item of {mark}")


# --- keys and people ---


def test_each_key_opens_the_api_for_whom_it_names(demo):
    keys = {tenant["key"]: tenant["reference"] for tenant in demo["tenants"]}
    for key, reference in (keys | {demo["platform_key"]: None}).items():
        headers = {"Authorization": f"Bearer {key}"}
        me = requests.get(f"{demo['hub']}/api/v1/me", headers=headers, timeout=30).json()
        assert (me.get("tenant") or {}).get("reference") == reference


def test_each_person_signs_in_with_the_password_and_second_factor_of_the_demo(demo):
    for tenant in demo["tenants"]:
        page = sign_in(demo, tenant["owner"])[1]
        assert page.url.endswith(f"/t/{tenant['reference']}/") and page.status_code == 200
    session, page = sign_in(demo, demo["staff"])
    page = post_form(session, page.url, {"code": code_of(demo["staff"]["totp_secret"])})
    assert "/admin/" in page.url and page.status_code == 200


def sign_in(demo, person):
    session = requests.Session()
    url = f"{demo['hub']}/accounts/login/?next=/"
    session.get(url, timeout=30)
    return session, post_form(
        session, url, {"login": person["email"], "password": person["password"]}
    )


def post_form(session, url, data):
    token = {"csrfmiddlewaretoken": session.cookies["csrftoken"]}
    return session.post(url, data | token, headers={"Referer": url}, timeout=30)


# --- what their logs do not say ---

SECRET_NAMES = {"key", "platform_key", "password", "signing_secret", "secret", "totp_secret"}
SECRET_NAMES |= {"token", "access_token", "refresh_token", "client_secret", "hub_key"}
LOGS = ("web.log", "worker.log")


def list_secrets(value, name=""):
    """Every secret in this JSON, and the key in each address of a webhook."""
    if isinstance(value, dict):
        return {secret for name, one in value.items() for secret in list_secrets(one, name)}
    if isinstance(value, list):
        return {secret for one in value for secret in list_secrets(one, name)}
    if name == "url" and "/hooks/" in value:
        return {urlsplit(value).path.rstrip("/").rpartition("/")[2]}
    return {value} if name in SECRET_NAMES and value else set()


@pytest.mark.corrections(item="4.11")
def test_no_log_file_contains_an_address_a_code_or_a_secret(running_hub, demo, globex):
    for system, build in SENDERS.items():
        hook = (demo["hooks"] | globex["hooks"])[system]
        requests.post(hook["url"], timeout=30, **build(hook, "A-2"))
        requests.get(f"{hook['url']}nothing?code=code-in-a-query", timeout=30)
    find_calls(demo, "A-2", *EFFECTS["slack"])
    session, _page = sign_in(demo, globex["owner"])
    session.get(f"{demo['hub']}/connect/slack/callback?code=code-in-a-query&state=x", timeout=30)
    session.post(f"{demo['hub']}/accounts/login/?code=code-in-a-query", timeout=30)  # no token
    var = running_hub.folder / "var"
    text = "".join((var / "log" / name).read_text(errors="replace") for name in LOGS)
    assert "hooks/<slug:connector>/<str:key>/" in text and "worker.started" in text
    world = json.loads((var / "sandbox" / "world.json").read_text())
    secrets = list_secrets(demo) | list_secrets(world) | {"code-in-a-query"}
    assert len(secrets) > 30 and [secret for secret in secrets if secret in text] == []
