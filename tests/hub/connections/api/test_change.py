"""What was filled in is changed by REST: tested first, kept whole or not at all."""

from datetime import timedelta

import pytest

from connectors.http import Response
from connectors.signatures import valid_signing_secrets
from hub.audit import AuditRow
from hub.connections.credentials.signing_secrets import read_signing_status, rotate_signing_secret
from hub.connections.models import Connection, Credential, Lane
from hub.db.clock import clock
from tests.factories import NOON, WHSEC
from tests.hub.connections.api.rest import (
    BAD_TOKEN,
    NO_DATA,
    TOKEN,
    URL,
    connection_url,
    open_stored_document,
    summarize_problem,
)

pytestmark = pytest.mark.django_db

APP_OK = Response(200, b"{}")


def patch(client, connection, body):
    return client.patch(connection_url(connection), body, format="json")


# --- changing -------------------------------------------------------------------------------------


@pytest.fixture
def splunk(make, acme):
    return make.connection(acme, "splunk", account="", settings={"url": URL, "use_ack": True})


def test_name_and_pace_are_changed_without_a_test(shop, splunk, set_system_answers):
    http = set_system_answers(NO_DATA)
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


def test_another_token_is_tested_and_what_is_left_out_stays(shop, splunk, set_system_answers):
    splunk.mark_needs_reconnect("unauthorized", now=NOON)
    http = set_system_answers(NO_DATA)
    answer = patch(shop, splunk, {"secrets": {"token": TOKEN}})
    assert (answer.status_code, answer.json()["state"]) == (200, "healthy")
    splunk.refresh_from_db()
    assert (open_stored_document()["token"], splunk.settings) == (
        TOKEN,
        {"url": URL, "use_ack": True, "management_url": ""},
    )
    assert http.requests[0].headers["Authorization"] == f"Splunk {TOKEN}"
    assert AuditRow.objects.get().verb == "connection.credential"


def test_what_fails_the_test_changes_nothing_at_all(shop, splunk, set_system_answers):
    set_system_answers(BAD_TOKEN)
    answer = patch(shop, splunk, {"name": "Logs", "in_flight": 9, "secrets": {"token": TOKEN}})
    assert summarize_problem(answer)[:2] == (422, "test-failed")
    splunk.refresh_from_db()
    assert (
        splunk.name != "Logs"
        and open_stored_document()["token"] != TOKEN
        and Lane.unscoped.get().in_flight != 9
    )
    assert not AuditRow.objects.exists()


def test_what_is_stored_is_not_sent_to_an_address_that_changes(shop, splunk, set_system_answers):
    http = set_system_answers(NO_DATA)
    elsewhere = {"settings": {"url": "https://elsewhere.example.com"}}
    assert summarize_problem(patch(shop, splunk, elsewhere)) == (
        400,
        "validation-failed",
        ["/secrets/token"],
    )
    assert http.requests == []
    assert patch(shop, splunk, elsewhere | {"secrets": {"token": TOKEN}}).status_code == 200


NEWER = "whsec_" + "bmV3ZXItbmV3ZXItbmV3ZXItbmV3ZXItbmV3ZXI="


@pytest.mark.parametrize("given", [NEWER, None])
def test_a_signing_secret_that_is_changed_signs_for_24_hours_more(
    make, shop, acme, set_system_answers, given
):
    row = make.connection(acme, account="", secret={"signing_secret": WHSEC})
    set_system_answers(Response(204))
    assert patch(shop, row, {"secrets": {"signing_secret": given}}).status_code == 200
    now, row = clock(), Connection.unscoped.get()
    assert valid_signing_secrets(open_stored_document(), at=now) == [
        open_stored_document()["signing_secret"],
        WHSEC,
    ]
    assert open_stored_document()["signing_secret"] != WHSEC
    assert (
        now + timedelta(hours=23)
        < read_signing_status(row, now=now).overlaps_until
        <= now + timedelta(hours=24)
    )
    assert valid_signing_secrets(open_stored_document(), at=now + timedelta(hours=24)) == [
        open_stored_document()["signing_secret"]
    ]


def test_an_overlap_that_lasts_survives_another_change(make, shop, acme, set_system_answers):
    row = make.connection(acme, account="", secret={"signing_secret": WHSEC})
    rotate_signing_secret(row, random=lambda count: bytes(count), now=clock())
    set_system_answers(Response(204))
    assert patch(shop, row, {"settings": {"url": "https://example.com/other"}}).status_code == 200
    assert WHSEC in valid_signing_secrets(open_stored_document(), at=clock())


def test_a_fourth_signing_secret_in_a_day_is_refused(make, shop, acme, set_system_answers):
    row = make.connection(acme, account="", secret={"signing_secret": WHSEC})
    set_system_answers(Response(204))
    answers = [patch(shop, row, {"secrets": {"signing_secret": None}}) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 409]
    assert answers[3].json()["code"] == "wrong-state" and "too often" in answers[3].json()["detail"]


def test_a_secret_that_is_null_is_forgotten(make, shop, acme, set_system_answers):
    row = make.connection(
        acme, account="", secret={"signing_secret": WHSEC, "headers": '{"X-Team": "sales"}'}
    )
    set_system_answers(Response(204))
    assert patch(shop, row, {"secrets": {"headers": None}}).status_code == 200
    assert open_stored_document() == {"signing_secret": WHSEC}


def test_a_credential_that_does_not_open_is_filled_in_again(make, shop, splunk, set_system_answers):
    other = make.connection(connector="splunk")
    Credential.unscoped.filter(connection=splunk).update(sealed=other.credential.sealed)
    set_system_answers(NO_DATA)
    assert summarize_problem(patch(shop, splunk, {"settings": {"use_ack": False}}))[2] == [
        "/secrets/token"
    ]
    assert patch(shop, splunk, {"secrets": {"token": TOKEN}}).status_code == 200


@pytest.mark.parametrize("part", ["settings", "secrets"])
def test_what_a_person_authorized_is_not_filled_in(make, shop, acme, set_system_answers, part):
    http = set_system_answers(NO_DATA)
    slack = make.connection(acme, "slack")
    assert summarize_problem(patch(shop, slack, {part: {"access_token": "x"}})) == (
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
    assert summarize_problem(patch(shop, splunk, body)) == (400, "validation-failed", [pointer])


def test_what_was_disconnected_comes_back_with_its_secret_filled_in(
    shop, splunk, set_system_answers
):
    set_system_answers(NO_DATA)
    shop.post(connection_url(splunk, "disconnect"))
    assert summarize_problem(patch(shop, splunk, {"settings": {"url": URL}}))[2] == [
        "/secrets/token"
    ]
    assert patch(shop, splunk, {"secrets": {"token": TOKEN}}).json()["state"] == "healthy"


def test_another_account_is_refused(make, api, set_system_answers):
    connection = make.connection(
        connector="app", secret={"signing_secret": WHSEC}, account="another"
    )
    set_system_answers(APP_OK)
    answer = patch(api.platform(), connection, {"secrets": {"signing_secret": WHSEC}})
    assert summarize_problem(answer)[:2] == (409, "other-account")


def test_a_body_that_is_no_json_is_refused(shop, splunk):
    answer = shop.generic("PATCH", connection_url(splunk), "{", "application/json")
    assert summarize_problem(answer)[:2] == (400, "invalid-json")
