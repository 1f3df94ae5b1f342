"""Each page of a tenant names the call of the API that is like it, and that call answers."""

import shlex

import pytest
from django.test import Client
from django.urls import resolve

from tenants.models import Tenant
from tests.canary.secret_canaries import CanaryRows
from tests.tenant_isolation.url_walk import addresses, routes
from tests.tenants.door import sign_in

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(300)]
SCOPES = (
    "events:read",
    "deliveries:read",
    "connections:read",
    "connect-links:read",
    "tenants:read",
    "members:read",
    "inbound:read",
    "discrepancies:read",
    "logs:read",
    "jobs:read",
    "mappings:read",
    "integrations:read",
    "webhook-subscriptions:read",
)
WITHOUT_CALL = ["portal:changes", "portal:search", "portal:support_visits"]  # of people, for people


@pytest.fixture
def canary_rows(make):
    canary_rows = CanaryRows(make)
    canary_rows.live()
    return canary_rows


def pages(client):
    for address in (address for route in routes("t/<str:tenant>/") for address in addresses(route)):
        answer = client.get(address)
        if answer.status_code == 200 and not answer.streaming and b"<html" in answer.content:
            yield address, answer


def get_curl(answer):
    return answer.context["frame"]["curl"]


def test_every_page_has_a_twin_and_those_that_read_answer(canary_rows, make):
    owner, reader = canary_rows.browser(Client(), canary_rows.owner), Client()
    key = make.api_key(canary_rows.tenant, scopes=SCOPES)
    calls = {address: shlex.split(get_curl(answer)) for address, answer in pages(owner)}
    without = [address for address, words in calls.items() if not words]
    assert sorted({resolve(address).view_name for address in without}) == WITHOUT_CALL
    reading = {
        words[-1].removeprefix("https://hub.test")
        for words in calls.values()
        if words and "-X" not in words
    }
    assert len(reading) > 15
    answers = {
        url: reader.get(url, headers={"Authorization": f"Bearer {key}"}).status_code
        for url in reading
    }
    assert {url: status for url, status in answers.items() if status != 200} == {}


@pytest.mark.parametrize(
    ("path", "call"),
    [
        ("", "connections?tenant=acme"),
        (
            "events/?state=failed&type=order.paid&q=x",
            "deliveries?tenant=acme&state=failed&type=order.paid",
        ),
        ("events/?state=no_route&type=lead.*", "events?tenant=acme&state=no_route"),
        (
            "events/?until=2026-11-25T12:00",
            "deliveries?tenant=acme&until=2026-11-25T12%3A00%3A00%2B01%3A00",
        ),
        ("settings/", "tenants/acme"),
    ],
)
def test_what_narrows_the_page_narrows_the_call(owner, path, call):
    assert (
        shlex.split(get_curl(owner.get(f"/t/acme/{path}")))[-1] == f"https://hub.test/api/v1/{call}"
    )


def test_what_the_api_has_no_words_for_is_said(owner):
    assert "The API filters by" in owner.get("/t/acme/events/?q=o-1").content.decode()
    assert "The API filters by" not in owner.get("/t/acme/events/?state=failed").content.decode()


def test_a_plan_is_shown_whole_and_nothing_breaks_out_of_its_quotes(owner):
    line = get_curl(owner.get("/t/acme/operations/plan?state=failed&event_type=order.paid"))
    assert shlex.split(line)[shlex.split(line).index("-d") + 1] == (
        '{"kind": "retry", "reason": "…", "tenant": "acme", "filter": {"state": "failed", '
        '"event_type": "order.paid"}}'
    )
    line = get_curl(owner.get("/t/acme/events/", {"type": "a';rm -rf ~;'"}))
    assert "rm" not in line


@pytest.mark.parametrize(
    ("verb", "call"),
    [
        ("pause", 'POST /connections/ID/pause {"reason": "…"}'),
        ("enable", "POST /connections/ID/resume"),
        ("rename", 'PATCH /connections/ID {"name": "…"}'),
    ],
)
def test_the_page_of_an_action_names_the_call_that_does_it(make, owner, verb, call):
    connection = make.connection(Tenant.objects.get(reference="acme"), "slack")
    words = shlex.split(get_curl(owner.get(f"/t/acme/connections/{connection.public_id}/{verb}")))
    url = words[-1].removeprefix("https://hub.test/api/v1").replace(str(connection.public_id), "ID")
    body = words[words.index("-d") + 1 : words.index("-d") + 2] if "-d" in words else []
    assert " ".join([words[words.index("-X") + 1], url, *body]) == call


def test_the_calls_of_a_job_are_those_of_the_reference(make, owner):
    job = make.job(Tenant.objects.get(reference="acme"))
    calls = {
        verb: get_curl(owner.get(f"/t/acme/jobs/{job.public_id}/{verb}"))
        for verb in ("dry", "disable", "delete")
    }
    assert "-X POST" in calls["dry"] and '{"dry": true}' in calls["dry"]
    assert "-X PATCH" in calls["disable"] and '{"enabled": false}' in calls["disable"]
    assert "-X DELETE" in calls["delete"] and calls["dry"].endswith("/runs")


def test_the_calls_that_end_access_are_deletions(make, client):
    acme = make.tenant("acme")
    make.membership(acme, make.user("ann@acme.test"), "owner")
    sign_in(client, "ann@acme.test")
    member = make.membership(acme, make.user("ben@acme.test"), "member")
    pages = {"members": member, "links": make.connect_link(acme)}
    for (path, row), verb in zip(pages.items(), ("remove", "revoke"), strict=True):
        curl = get_curl(client.get(f"/t/acme/{path}/{row.public_id}/{verb}"))
        assert "-X DELETE" in curl and curl.endswith(str(row.public_id))


def test_the_key_stays_the_readers_own(owner):
    assert '"Authorization: Bearer $HUB_KEY"' in get_curl(owner.get("/t/acme/"))
