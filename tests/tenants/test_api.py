"""Tenants by REST."""

import pytest

from hub.audit import AuditRow
from hub.queue import WakeUp
from tenants.api_scopes import SCOPES
from tenants.models import Tenant

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.tenants.urls")]

ACME = "/api/v1/tenants/acme"


@pytest.fixture
def platform(api):
    return api.platform()


def put(client, url=ACME, **body):
    return client.put(url, body, format="json")


def test_the_platform_creates_a_tenant(platform):
    response = put(platform, name="Acme", time_zone="Europe/Berlin")
    assert response.status_code == 201
    assert response.json()["reference"] == "acme"
    assert Tenant.objects.get().time_zone == "Europe/Berlin"


def test_the_same_again_changes_nothing(platform):
    first, second = put(platform, name="Acme"), put(platform, name="Acme")
    assert (second.status_code, second.json()) == (200, first.json())
    assert AuditRow.objects.count() == 1


def test_what_is_left_out_stays(platform, acme):
    acme.suspend("unpaid", now=acme.created_at)
    answer = put(platform, name="Acme Ltd").json()
    assert (answer["name"], answer["time_zone"], answer["suspended"]["reason"]) == (
        "Acme Ltd",
        "Europe/Berlin",
        "unpaid",
    )


def test_suspending_holds_what_is_sent_and_restoring_lets_it_go(platform, acme):
    assert (
        put(platform, name="Acme", suspended={"reason": "unpaid"}).json()["suspended"]["reason"]
        == "unpaid"
    )
    assert WakeUp.objects.filter(name="drain").exists()
    since = Tenant.objects.get().suspended_at
    put(platform, name="Acme", suspended={"reason": "still unpaid"})
    assert Tenant.objects.get().suspended_at == since
    assert put(platform, name="Acme", suspended=None).json()["suspended"] is None
    assert not Tenant.objects.get().suspended


def test_a_write_is_audited_once_with_its_actor_and_object(platform):
    response = put(platform, name="Acme")
    put(platform, name="Acme", suspended={"reason": "unpaid"})
    first, second = AuditRow.objects.order_by("number")
    assert (second.verb, second.reason) == ("tenant.suspend", "unpaid")
    assert (first.verb, first.actor_kind, first.before) == ("tenant.create", "api_key", None)
    assert first.request_id == response["X-Request-Id"]
    assert (second.before["suspended"], second.after["suspended"]["reason"]) == (None, "unpaid")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/name"),
        ({"name": ""}, "/name"),
        ({"name": "   "}, "/name"),
        ({"name": "x" * 201}, "/name"),
        ({"name": None}, "/name"),
        ({"name": "Acme", "time_zone": "Mars/Base"}, "/time_zone"),
        ({"name": "Acme", "timezone": "UTC"}, "/timezone"),
        ({"name": "Acme", "reference": "other"}, "/reference"),
        ({"name": "Acme", "suspended": {}}, "/suspended/reason"),
        ({"name": "Acme", "suspended": {"reason": "x", "by": "me"}}, "/suspended/by"),
        ({"name": "Acme", "suspended": True}, "/suspended"),
    ],
)
def test_a_wrong_field_is_named(platform, body, pointer):
    answer = put(platform, **body)
    assert (answer.status_code, answer.json()["code"]) == (400, "validation-failed")
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert not Tenant.objects.exists()


@pytest.mark.parametrize("body", ["null", "[]", '"x"', "1", ""])
def test_a_body_that_is_no_object_is_refused(platform, body):
    assert platform.put(ACME, body, content_type="application/json").status_code == 400


@pytest.mark.parametrize(
    "reference", ["-acme", "a%00b", "%20", "a" * 101, "%2e%2e", "caf%C3%A9", "a%0A"]
)
def test_a_strange_reference_is_refused(platform, reference):
    assert put(platform, f"/api/v1/tenants/{reference}", name="Acme").status_code == 400
    assert platform.get(f"/api/v1/tenants/{reference}").json()["code"] == "tenant-not-found"


def test_a_tenants_key_reads_its_own_tenant_only(api, acme, globex):
    client = api.of(acme)
    assert client.get(ACME).json()["name"] == "Acme"
    others, nobodys = (
        client.get(f"/api/v1/tenants/{name}").json() for name in ("globex", "nobody")
    )
    assert others["code"] == "tenant-not-found"
    assert others | {"request_id": ""} == nobodys | {"request_id": ""}


def test_a_tenants_key_changes_no_tenant(api, acme):
    assert put(api.of(acme), name="Mine").status_code == 403


def test_a_platform_key_learns_what_it_is(platform):
    me = platform.get("/api/v1/me").json()
    assert (me["tenant"], me["scopes"], me["environment"]) == (None, list(SCOPES), "test")
    assert me["limits"]["batch_events"] == 1000


def test_a_tenants_key_learns_whose_it_is(issue, api, acme):
    row, text = issue(acme, scopes=["events:write"])
    me = api(text).get("/api/v1/me").json()
    assert (me["tenant"]["reference"], me["scopes"], me["key"]["id"]) == (
        "acme",
        ["events:write"],
        row.prefix,
    )


@pytest.mark.corrections(item="3.8")
def test_a_tenants_key_makes_no_owner(api, make):
    acme = make.tenant("acme")
    member = make.membership(acme, make.user())
    key, owner = api.of(acme, scopes=["members:write"]), {"role": "owner"}
    invited = key.post("/api/v1/invitations", owner | {"email": "a@b.test"}, format="json")
    changed = key.patch(f"/api/v1/members/{member.public_id}", owner, format="json")
    assert [invited.status_code, changed.status_code] == [403, 403]
    url = f"/api/v1/members/{member.public_id}"
    assert api.platform().patch(url, owner, format="json").status_code == 200
