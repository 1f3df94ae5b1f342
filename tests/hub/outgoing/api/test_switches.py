"""Off switches by REST: the platform's key for what is everybody's, a tenant's key for its own
tenant and routes.
"""

from datetime import timedelta

import pytest

from hub.audit import AuditRow
from hub.connections.models import KillSwitch, Lane
from hub.db.clock import clock

pytestmark = pytest.mark.django_db

URL = "/api/v1/switches"
WHY = {"reason": "stocktaking"}


def switch_off(client, **fields):
    return client.post(URL, WHY | fields, format="json")


def test_a_tenant_switches_itself_off_and_on(make, shop, acme):
    make.connection(acme)
    document = switch_off(shop, scope="tenant").json()
    assert (document["id"], document["tenant"], document["reason"], document["expires_at"]) == (
        "tenant:acme",
        "acme",
        "stocktaking",
        None,
    )
    assert Lane.unscoped.get().switched_off_by == "tenant"
    assert shop.get(URL).json() == {"items": [document]}
    assert shop.delete(f"{URL}/tenant:acme").status_code == 204
    assert Lane.unscoped.get().switched_off_by == ""
    assert shop.get(f"{URL}/tenant:acme").status_code == 404


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ({"scope": "platform"}, "platform"),
        ({"scope": "connector", "connector": "slack"}, "connector:slack"),
        ({"scope": "tenant", "tenant": "acme"}, "tenant:acme"),
    ],
)
def test_the_platform_switches_what_is_everybodys(platform, acme, said, name):
    answer = switch_off(platform, **said)
    assert (answer.status_code, answer.json()["id"]) == (201, name)
    assert answer["Location"] == answer.json()["url"] == f"https://hub.test{URL}/{name}"
    assert platform.get(answer["Location"]).json() == answer.json()
    assert platform.delete(answer["Location"]).status_code == 204
    assert not KillSwitch.unscoped.exists()


def test_a_route_is_named_by_its_id(make, shop, acme):
    route = make.route(make.connection(acme))
    document = switch_off(shop, scope="route", route=route.public_id).json()
    assert (document["id"], document["route"]["name"]) == (f"route:{route.public_id}", "route")
    assert shop.delete(f"{URL}/{document['id']}").status_code == 204


def test_it_ends_when_it_says(shop):
    until = clock() + timedelta(days=30)
    document = switch_off(shop, scope="tenant", expires_at=until.isoformat()).json()
    assert document["expires_at"] == until.isoformat().replace("+00:00", "Z")
    assert KillSwitch.unscoped.get().expires_at == until


def test_the_audit_knows_who_and_why(shop, acme):
    switch_off(shop, scope="tenant")
    shop.delete(f"{URL}/tenant:acme")
    first, last = AuditRow.objects.order_by("pk")
    assert (first.verb, first.actor_kind, first.reason, first.tenant) == (
        "switch.off",
        "api_key",
        "stocktaking",
        acme.public_id,
    )
    assert (last.verb, last.before) == ("switch.on", {"off": "tenant Acme"})


def test_what_is_off_is_not_switched_off_again(shop):
    switch_off(shop, scope="tenant")
    answer = switch_off(shop, scope="tenant")
    assert (answer.status_code, answer.json()["code"]) == (409, "wrong-state")
    assert (KillSwitch.unscoped.count(), AuditRow.objects.count()) == (1, 1)


@pytest.mark.parametrize(
    ("said", "pointer"),
    [
        ({"scope": "tenant", "reason": ""}, "/reason"),
        ({"scope": "connection"}, "/scope"),
        ({"scope": "connector"}, "/connector"),
        ({"scope": "connector", "connector": "fax"}, "/connector"),
        ({"scope": "route"}, "/route"),
        ({"scope": "tenant", "connector": "slack"}, "/connector"),
        ({"scope": "platform", "tenant": "acme"}, "/tenant"),
        ({"scope": "route", "route": "01a21100-0000-7000-8000-000000000001"}, "/route"),
        ({"scope": "platform", "expires_at": "2026-11-25T12:00:00"}, "/expires_at"),
        ({"scope": "platform", "expires_at": "2001-01-01T00:00:00Z"}, "/expires_at"),
        pytest.param(
            {"scope": "platform", "expires_at": "9999-12-31T23:59:59-23:59"},
            "/expires_at",
            marks=pytest.mark.corrections(item="3.7"),
        ),
        ({"scope": "platform", "by": "me"}, "/by"),
    ],
)
def test_an_impossible_subject_is_refused(platform, said, pointer):
    answer = switch_off(platform, **said)
    assert (answer.status_code, [error["pointer"] for error in answer.json()["errors"]]) == (
        400,
        [pointer],
    )
    assert not KillSwitch.unscoped.exists()


def test_a_tenants_key_reads_and_ends_nothing_that_is_everybodys(make, shop, platform):
    everybodys = make.route(connector="slack")
    switch_off(platform, scope="platform")
    assert shop.get(URL).json() == {"items": []}
    assert shop.delete(f"{URL}/platform").status_code == 404
    assert switch_off(shop, scope="route", route=everybodys.public_id).status_code == 400
    assert KillSwitch.unscoped.count() == 1


@pytest.mark.parametrize(
    "name", ["platform", "tenant", "tenant:", "route:x", "key:1", "platform:x", "tenant:%00", "%FF"]
)
def test_what_is_not_off_is_not_found(platform, name):
    assert platform.get(f"{URL}/{name}").status_code == 404


def test_a_list_asks_a_fixed_number_of_questions(make, platform, django_assert_num_queries):
    for number in range(5):
        switch_off(platform, scope="tenant", tenant=make.tenant(f"tenant-{number}").reference)
    with django_assert_num_queries(2):
        assert len(platform.get(URL).json()["items"]) == 5
