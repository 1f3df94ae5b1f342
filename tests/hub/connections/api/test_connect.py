"""Connecting by REST, and changing what was filled in: tested first, kept whole or not at all, and
once.
"""

import json

import pytest

from connectors.http import Response
from connectors.registry import CONNECTORS
from connectors.schema import Account
from connectors.splunk.connector import Splunk
from hub.audit import AuditRow
from hub.connections.models import Connection, Credential
from hub.db.clock import clock
from hub.egress import RequestNotSent
from hub.incoming.models import InboundEndpoint
from hub.incoming.registration.wanted import plan_subscriptions
from hub.outgoing.models import Idempotency
from tests.hub.connections.api.rest import (
    BAD_TOKEN,
    CONNECTIONS,
    GITHUB,
    NO_DATA,
    SPLUNK,
    TOKEN,
    URL,
    WEBHOOK,
    connection_url,
    open_stored_document,
    summarize_problem,
)

pytestmark = pytest.mark.django_db


def post(client, body, **headers):
    return client.post(CONNECTIONS, body, format="json", headers=headers)


def count_stored_rows():
    return Connection.unscoped.count(), Credential.unscoped.count(), Idempotency.objects.count()


def test_what_passes_the_test_is_connected_and_audited(shop, acme, set_system_answers):
    http = set_system_answers(NO_DATA)
    answer = post(shop, SPLUNK)
    row = Connection.unscoped.get()
    assert (answer.status_code, answer["Location"]) == (
        201,
        f"https://hub.test{connection_url(row)}",
    )
    assert answer.json()["state"] == "healthy" and answer.json()["signing_secret"] is None
    assert (row.tenant, row.settings["url"], open_stored_document()["token"]) == (acme, URL, TOKEN)
    assert len(http.requests) == 1
    audit_row = AuditRow.objects.get()
    assert (audit_row.verb, audit_row.actor_kind, audit_row.tenant_reference) == (
        "connection.connect",
        "api_key",
        "acme",
    )
    assert TOKEN not in answer.content.decode() + str(audit_row.after)


def test_a_platform_key_names_the_tenant(api, acme, set_system_answers):
    set_system_answers(NO_DATA)
    assert summarize_problem(post(api.platform(), SPLUNK))[:2] == (400, "tenant-required")
    assert summarize_problem(post(api.platform(), SPLUNK | {"tenant": "nobody"}))[:2] == (
        404,
        "tenant-not-found",
    )
    assert post(api.platform(), SPLUNK | {"tenant": "acme"}).status_code == 201


def test_a_generated_signing_secret_is_shown_once_and_not_kept(shop, set_system_answers):
    set_system_answers(Response(204))
    first, again = (post(shop, WEBHOOK, **{"Idempotency-Key": "k"}) for _ in range(2))
    secret = first.json()["signing_secret"]
    assert secret == open_stored_document()["signing_secret"]
    assert (again.status_code, again["Idempotency-Replayed"], again.json()["signing_secret"]) == (
        201,
        "true",
        None,
    )
    assert again.json()["id"] == first.json()["id"]
    assert secret not in json.dumps(Idempotency.objects.get().answer)
    assert secret not in shop.get(connection_url(Connection.unscoped.get())).content.decode()


def test_a_repetition_is_not_tested_again_and_another_body_is_refused(shop, set_system_answers):
    http = set_system_answers(NO_DATA)
    post(shop, SPLUNK, **{"Idempotency-Key": "k"})
    assert post(shop, SPLUNK, **{"Idempotency-Key": "k"}).status_code == 201
    another = SPLUNK | {"secrets": {"token": "another"}}
    assert summarize_problem(post(shop, another, **{"Idempotency-Key": "k"}))[:2] == (
        422,
        "idempotency-key-reused",
    )
    assert (len(http.requests), count_stored_rows()) == (1, (1, 1, 1))


def test_a_strange_idempotency_key_is_refused_before_anything_is_asked(shop, set_system_answers):
    http = set_system_answers(NO_DATA)
    assert summarize_problem(post(shop, SPLUNK, **{"Idempotency-Key": "ü"}))[:2] == (
        400,
        "validation-failed",
    )
    assert http.requests == []


@pytest.mark.parametrize(
    ("script", "check"),
    [
        (BAD_TOKEN, "The credential is accepted"),
        (RequestNotSent("dns_failed"), "The other system can be reached"),
        (Response(500), "The credential is accepted"),
    ],
)
def test_what_fails_the_test_is_not_kept_and_says_which_check(
    shop, set_system_answers, script, check
):
    set_system_answers(script)
    answer = post(shop, SPLUNK, **{"Idempotency-Key": "k"})
    assert summarize_problem(answer) == (422, "test-failed", [""])
    assert answer.json()["errors"][0]["code"] and answer.json()["detail"].startswith(
        f"Failed check: {check}."
    )
    assert count_stored_rows() == (0, 0, 0) and TOKEN not in answer.content.decode()


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"connector": "slack"}, "/connector"),
        ({"connector": "app"}, "/connector"),
        ({"connector": "fax"}, "/connector"),
        ({"colour": "red"}, "/colour"),
        ({"name": ""}, "/name"),
        ({"name": "x" * 201}, "/name"),
        ({"settings": []}, "/settings"),
        ({"settings": {}}, "/settings/url"),
        ({"settings": {"url": "http://10.0.0.1/"}}, "/settings/url"),
        ({"settings": {"url": 5}}, "/settings/url"),
        ({"settings": {"url": None}}, "/settings/url"),
        ({"settings": {"url": URL, "use_ack": "yes"}}, "/settings/use_ack"),
        ({"settings": {"url": URL, "token": "here"}}, "/settings/token"),
        ({"secrets": {}}, "/secrets/token"),
        ({"secrets": {"token": None}}, "/secrets/token"),
        ({"secrets": {"token": TOKEN, "url": URL}}, "/secrets/url"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_is_asked(shop, set_system_answers, change, pointer):
    http = set_system_answers(NO_DATA)
    assert summarize_problem(post(shop, SPLUNK | change)) == (400, "validation-failed", [pointer])
    assert (http.requests, count_stored_rows()) == ([], (0, 0, 0))


def test_headers_may_be_an_object_and_must_be_json(shop, set_system_answers):
    set_system_answers(Response(204))
    headers = {"X-Team": "sales"}
    assert post(shop, WEBHOOK | {"secrets": {"headers": headers}}).status_code == 201
    assert json.loads(open_stored_document()["headers"]) == headers
    assert summarize_problem(post(shop, WEBHOOK | {"secrets": {"headers": "no"}}))[2] == [
        "/secrets/headers"
    ]


@pytest.mark.parametrize(
    ("said", "kept"), [(5, 5), (None, None), ("5", 400), (0, 400), (1001, 400), (True, 400)]
)
def test_how_fast_an_endpoint_is_called_is_a_number(shop, set_system_answers, said, kept):
    set_system_answers(Response(204))
    answer = post(shop, WEBHOOK | {"settings": {**WEBHOOK["settings"], "calls_a_second": said}})
    if kept == 400:
        assert summarize_problem(answer) == (400, "validation-failed", ["/settings/calls_a_second"])
    else:
        assert Connection.unscoped.get().settings["calls_a_second"] == kept


class Named(Splunk):
    """As a system that says whose a token is."""

    def parse_probe(self, response, credential):
        return Account("the-one", "The One")


def test_the_same_account_is_not_connected_twice(make, shop, acme, set_system_answers, monkeypatch):
    monkeypatch.setitem(CONNECTORS, "splunk", Named())
    make.connection(acme, "splunk", account="the-one", name="Theirs")
    set_system_answers(NO_DATA)
    answer = post(shop, SPLUNK, **{"Idempotency-Key": "k"})
    assert (
        summarize_problem(answer)[:2] == (409, "already-connected")
        and "Theirs" in answer.json()["detail"]
    )
    assert count_stored_rows() == (1, 1, 0)


def test_what_only_receives_is_connected_without_a_call(shop, acme, set_system_answers):
    http = set_system_answers(NO_DATA)
    answer = post(
        shop,
        {
            "connector": "signed_webhook",
            "settings": {"preset": "github", "item_id_header": "X-GitHub-Delivery"},
            "secrets": {"signing_secret": "a secret of 24 characters"},
        },
    )
    assert answer.status_code == 201, answer.json()
    assert Connection.unscoped.get().state == "healthy" and not http.requests


@pytest.mark.corrections(item="2.4")
def test_the_url_of_what_only_receives_is_read_as_soon_as_it_is_connected(
    shop, acme, set_system_answers
):
    set_system_answers(NO_DATA)
    document = post(shop, GITHUB).json()
    (row,) = shop.get("/api/v1/webhook-subscriptions").json()["items"]
    assert (row["state"], row["connection"]["id"], row["event_types"]) == (
        "manual",
        document["id"],
        [],
    )
    assert row["sentence"].endswith("No route takes its events yet, so they are only recorded.")
    subscription = shop.get(f"/api/v1/webhook-subscriptions/{row['id']}").json()
    assert "/hooks/signed_webhook/" in subscription["receive_url"]
    assert document["sentence"] == "It is ready to receive. Its webhooks show what arrives."


@pytest.mark.corrections(item="2.4")
def test_the_url_stays_while_a_route_names_a_type_of_the_sender(
    shop, acme, make, set_system_answers
):
    set_system_answers(NO_DATA)
    post(shop, GITHUB)
    (before,) = shop.get("/api/v1/webhook-subscriptions").json()["items"]
    make.route(
        make.connection(acme, "slack"),
        event_type="signed_webhook.invoice.paid",
        origin_connector_key="signed_webhook",
    )
    plan_subscriptions(InboundEndpoint.unscoped.get(), now=clock())
    (row,) = shop.get("/api/v1/webhook-subscriptions").json()["items"]
    assert (row["id"], row["state"]) == (before["id"], "manual")
    assert row["event_types"] == ["signed_webhook.invoice.paid"]
    assert "No route takes" not in row["sentence"]


def test_what_could_verify_nothing_is_refused(shop, acme, set_system_answers):
    set_system_answers(NO_DATA)
    answer = post(shop, {"connector": "signed_webhook", "settings": {"preset": "custom"}})
    assert (answer.status_code, answer.json()["code"]) == (422, "test-failed")
    assert count_stored_rows()[:2] == (0, 0)
