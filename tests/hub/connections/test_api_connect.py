"""Connecting by REST, and changing what was filled in: tested first, kept whole or not at all, and
once.
"""

import json
from datetime import timedelta

import pytest

from connectors.http import Response
from connectors.registry import CONNECTORS
from connectors.schema import Account
from connectors.signatures import valid_signing_secrets
from connectors.splunk.connector import Splunk
from hub.audit import AuditRow
from hub.connections.credentials.signing_secrets import read_signing_status, rotate_signing_secret
from hub.connections.models import Connection, Credential, Lane
from hub.db.clock import clock
from hub.egress import RequestNotSent
from hub.outgoing.models import Idempotency
from tests.factories import NOON, WHSEC
from tests.hub.connections.rest import (
    BAD_TOKEN,
    CONNECTIONS,
    NO_DATA,
    SPLUNK,
    TOKEN,
    URL,
    WEBHOOK,
    of,
    refusal,
)

pytestmark = pytest.mark.django_db

APP_OK = Response(200, b"{}")


def post(client, body, **headers):
    return client.post(CONNECTIONS, body, format="json", headers=headers)


def patch(client, connection, body):
    return client.patch(of(connection), body, format="json")


def stored():
    return Connection.unscoped.count(), Credential.unscoped.count(), Idempotency.objects.count()


def document():
    row = Connection.unscoped.get()
    return row.credential.open(row)


# --- connecting -----------------------------------------------------------------------------------


def test_what_passes_the_test_is_connected_and_told_to_the_audit(shop, acme, systems):
    http = systems(NO_DATA)
    answer = post(shop, SPLUNK)
    row = Connection.unscoped.get()
    assert (answer.status_code, answer["Location"]) == (201, f"https://hub.test{of(row)}")
    assert answer.json()["state"] == "healthy" and answer.json()["signing_secret"] is None
    assert (row.tenant, row.settings["url"], document()["token"]) == (acme, URL, TOKEN)
    assert len(http.requests) == 1
    told = AuditRow.objects.get()
    assert (told.verb, told.actor_kind, told.tenant_reference) == (
        "connection.connect",
        "api_key",
        "acme",
    )
    assert TOKEN not in answer.content.decode() + str(told.after)


def test_a_platform_key_names_the_tenant(api, acme, systems):
    systems(NO_DATA)
    assert refusal(post(api.platform(), SPLUNK))[:2] == (400, "tenant-required")
    assert refusal(post(api.platform(), SPLUNK | {"tenant": "nobody"}))[:2] == (
        404,
        "tenant-not-found",
    )
    assert post(api.platform(), SPLUNK | {"tenant": "acme"}).status_code == 201


def test_a_signing_secret_that_was_made_is_told_once_and_not_kept(shop, systems):
    systems(Response(204))
    first, again = (post(shop, WEBHOOK, **{"Idempotency-Key": "k"}) for _ in range(2))
    secret = first.json()["signing_secret"]
    assert secret == document()["signing_secret"]
    assert (again.status_code, again["Idempotency-Replayed"], again.json()["signing_secret"]) == (
        201,
        "true",
        None,
    )
    assert again.json()["id"] == first.json()["id"]
    assert secret not in json.dumps(Idempotency.objects.get().answer)
    assert secret not in shop.get(of(Connection.unscoped.get())).content.decode()


def test_a_repetition_is_not_tested_again_and_another_body_is_refused(shop, systems):
    http = systems(NO_DATA)
    post(shop, SPLUNK, **{"Idempotency-Key": "k"})
    assert post(shop, SPLUNK, **{"Idempotency-Key": "k"}).status_code == 201
    another = SPLUNK | {"secrets": {"token": "another"}}
    assert refusal(post(shop, another, **{"Idempotency-Key": "k"}))[:2] == (
        422,
        "idempotency-key-reused",
    )
    assert (len(http.requests), stored()) == (1, (1, 1, 1))


def test_a_strange_idempotency_key_is_refused_before_anything_is_asked(shop, systems):
    http = systems(NO_DATA)
    assert refusal(post(shop, SPLUNK, **{"Idempotency-Key": "ü"}))[:2] == (400, "validation-failed")
    assert http.requests == []


@pytest.mark.parametrize(
    ("script", "check"),
    [
        (BAD_TOKEN, "The credential is accepted"),
        (RequestNotSent("dns_failed"), "The other system can be reached"),
        (Response(500), "The credential is accepted"),
    ],
)
def test_what_fails_the_test_is_not_kept_and_says_which_check(shop, systems, script, check):
    systems(script)
    answer = post(shop, SPLUNK, **{"Idempotency-Key": "k"})
    assert refusal(answer) == (422, "test-failed", [""])
    assert answer.json()["errors"][0]["code"] and answer.json()["detail"].startswith(
        f"Failed check: {check}."
    )
    assert stored() == (0, 0, 0) and TOKEN not in answer.content.decode()


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
def test_a_wrong_field_is_named_and_nothing_is_asked(shop, systems, change, pointer):
    http = systems(NO_DATA)
    assert refusal(post(shop, SPLUNK | change)) == (400, "validation-failed", [pointer])
    assert (http.requests, stored()) == ([], (0, 0, 0))


def test_headers_may_be_an_object_and_must_be_json(shop, systems):
    systems(Response(204))
    headers = {"X-Team": "sales"}
    assert post(shop, WEBHOOK | {"secrets": {"headers": headers}}).status_code == 201
    assert json.loads(document()["headers"]) == headers
    assert refusal(post(shop, WEBHOOK | {"secrets": {"headers": "no"}}))[2] == ["/secrets/headers"]


@pytest.mark.parametrize(
    ("said", "kept"), [(5, 5), (None, None), ("5", 400), (0, 400), (1001, 400), (True, 400)]
)
def test_how_fast_an_endpoint_is_called_is_a_number(shop, systems, said, kept):
    systems(Response(204))
    answer = post(shop, WEBHOOK | {"settings": {**WEBHOOK["settings"], "calls_a_second": said}})
    if kept == 400:
        assert refusal(answer) == (400, "validation-failed", ["/settings/calls_a_second"])
    else:
        assert Connection.unscoped.get().settings["calls_a_second"] == kept


class Named(Splunk):
    """As a system that says whose a token is."""

    def parse_probe(self, response, credential):
        return Account("the-one", "The One")


def test_the_same_account_is_not_connected_twice(make, shop, acme, systems, monkeypatch):
    monkeypatch.setitem(CONNECTORS, "splunk", Named())
    make.connection(acme, "splunk", account="the-one", name="Theirs")
    systems(NO_DATA)
    answer = post(shop, SPLUNK, **{"Idempotency-Key": "k"})
    assert refusal(answer)[:2] == (409, "already-connected") and "Theirs" in answer.json()["detail"]
    assert stored() == (1, 1, 0)


# --- changing -------------------------------------------------------------------------------------


@pytest.fixture
def splunk(make, acme):
    return make.connection(acme, "splunk", account="", settings={"url": URL, "use_ack": True})


def test_name_and_pace_are_changed_without_a_test(shop, splunk, systems):
    http = systems(NO_DATA)
    answer = patch(shop, splunk, {"name": "Logs", "in_flight": 9})
    assert (answer.status_code, answer.json()["name"], Lane.unscoped.get().in_flight) == (
        200,
        "Logs",
        9,
    )
    assert http.requests == []
    assert [row.verb for row in AuditRow.objects.order_by("pk")] == [
        "connection.rename",
        "connection.limit",
    ]


def test_another_token_is_tested_and_what_is_left_out_stays(shop, splunk, systems):
    splunk.mark_needs_reconnect("unauthorized", now=NOON)
    http = systems(NO_DATA)
    answer = patch(shop, splunk, {"secrets": {"token": TOKEN}})
    assert (answer.status_code, answer.json()["state"]) == (200, "healthy")
    splunk.refresh_from_db()
    assert (document()["token"], splunk.settings) == (TOKEN, {"url": URL, "use_ack": True})
    assert http.requests[0].headers["Authorization"] == f"Splunk {TOKEN}"
    assert AuditRow.objects.get().verb == "connection.credential"


def test_what_fails_the_test_changes_nothing_at_all(shop, splunk, systems):
    systems(BAD_TOKEN)
    answer = patch(shop, splunk, {"name": "Logs", "in_flight": 9, "secrets": {"token": TOKEN}})
    assert refusal(answer)[:2] == (422, "test-failed")
    splunk.refresh_from_db()
    assert (
        splunk.name != "Logs"
        and document()["token"] != TOKEN
        and Lane.unscoped.get().in_flight != 9
    )
    assert not AuditRow.objects.exists()


def test_what_is_stored_is_not_sent_to_an_address_that_changes(shop, splunk, systems):
    http = systems(NO_DATA)
    elsewhere = {"settings": {"url": "https://elsewhere.example.com"}}
    assert refusal(patch(shop, splunk, elsewhere)) == (400, "validation-failed", ["/secrets/token"])
    assert http.requests == []
    assert patch(shop, splunk, elsewhere | {"secrets": {"token": TOKEN}}).status_code == 200


NEWER = "whsec_" + "bmV3ZXItbmV3ZXItbmV3ZXItbmV3ZXItbmV3ZXI="


@pytest.mark.parametrize("given", [NEWER, None])
def test_a_signing_secret_that_is_changed_signs_for_24_hours_more(make, shop, acme, systems, given):
    row = make.connection(acme, account="", secret={"signing_secret": WHSEC})
    systems(Response(204))
    assert patch(shop, row, {"secrets": {"signing_secret": given}}).status_code == 200
    now, row = clock(), Connection.unscoped.get()
    assert valid_signing_secrets(document(), at=now) == [document()["signing_secret"], WHSEC]
    assert document()["signing_secret"] != WHSEC
    assert (
        now + timedelta(hours=23)
        < read_signing_status(row, now=now).overlaps_until
        <= now + timedelta(hours=24)
    )
    assert valid_signing_secrets(document(), at=now + timedelta(hours=24)) == [
        document()["signing_secret"]
    ]


def test_an_overlap_that_lasts_survives_another_change(make, shop, acme, systems):
    row = make.connection(acme, account="", secret={"signing_secret": WHSEC})
    rotate_signing_secret(row, random=lambda count: bytes(count), now=clock())
    systems(Response(204))
    assert patch(shop, row, {"settings": {"url": "https://example.com/other"}}).status_code == 200
    assert WHSEC in valid_signing_secrets(document(), at=clock())


def test_a_fourth_signing_secret_in_a_day_is_refused(make, shop, acme, systems):
    row = make.connection(acme, account="", secret={"signing_secret": WHSEC})
    systems(Response(204))
    answers = [patch(shop, row, {"secrets": {"signing_secret": None}}) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 409]
    assert answers[3].json()["code"] == "wrong-state" and "too often" in answers[3].json()["detail"]


def test_a_secret_that_is_null_is_forgotten(make, shop, acme, systems):
    row = make.connection(
        acme, account="", secret={"signing_secret": WHSEC, "headers": '{"X-Team": "sales"}'}
    )
    systems(Response(204))
    assert patch(shop, row, {"secrets": {"headers": None}}).status_code == 200
    assert document() == {"signing_secret": WHSEC}


def test_a_credential_that_does_not_open_is_filled_in_again(make, shop, splunk, systems):
    other = make.connection(connector="splunk")
    Credential.unscoped.filter(connection=splunk).update(sealed=other.credential.sealed)
    systems(NO_DATA)
    assert refusal(patch(shop, splunk, {"settings": {"use_ack": False}}))[2] == ["/secrets/token"]
    assert patch(shop, splunk, {"secrets": {"token": TOKEN}}).status_code == 200


@pytest.mark.parametrize("part", ["settings", "secrets"])
def test_what_a_person_authorized_is_not_filled_in(make, shop, acme, systems, part):
    http = systems(NO_DATA)
    slack = make.connection(acme, "slack")
    assert refusal(patch(shop, slack, {part: {"access_token": "x"}})) == (
        400,
        "validation-failed",
        [f"/{part}"],
    )
    assert patch(shop, slack, {"name": "Chat"}).json()["name"] == "Chat"
    assert http.requests == []


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"in_flight": 0}, "/in_flight"),
        ({"in_flight": 201}, "/in_flight"),
        ({"state": "healthy"}, "/state"),
        ({"name": None}, "/name"),
        ({"settings": {"colour": "red"}}, "/settings/colour"),
        ({"settings": {"use_ack": None}}, "/settings/use_ack"),
    ],
)
def test_a_wrong_change_is_named(shop, splunk, body, pointer):
    assert refusal(patch(shop, splunk, body)) == (400, "validation-failed", [pointer])


def test_what_was_disconnected_comes_back_with_its_secret_filled_in(shop, splunk, systems):
    systems(NO_DATA)
    shop.post(of(splunk, "disconnect"))
    assert refusal(patch(shop, splunk, {"settings": {"url": URL}}))[2] == ["/secrets/token"]
    assert patch(shop, splunk, {"secrets": {"token": TOKEN}}).json()["state"] == "healthy"


def test_another_account_is_refused(make, api, systems):
    ours = make.connection(connector="app", secret={"signing_secret": WHSEC}, account="another")
    systems(APP_OK)
    answer = patch(api.platform(), ours, {"secrets": {"signing_secret": WHSEC}})
    assert refusal(answer)[:2] == (409, "other-account")


def test_a_body_that_is_no_json_is_refused(shop, splunk):
    answer = shop.generic("PATCH", of(splunk), "{", "application/json")
    assert refusal(answer)[:2] == (400, "invalid-json")


def test_what_only_receives_is_connected_without_a_call(shop, acme, systems):
    http = systems(NO_DATA)
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


def test_what_could_verify_nothing_is_refused(shop, acme, systems):
    systems(NO_DATA)
    answer = post(shop, {"connector": "signed_webhook", "settings": {"preset": "custom"}})
    assert (answer.status_code, answer.json()["code"]) == (422, "test-failed")
    assert stored()[:2] == (0, 0)
