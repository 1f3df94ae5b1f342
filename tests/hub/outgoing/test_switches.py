"""Off switches: nothing goes for what is off, what is accepted is held, and it goes when it is on
again.
"""

from datetime import timedelta

import pytest
from django.urls import reverse

from hub.audit import ActorContext, AuditRow
from hub.connections.actions.kill_switches import AlreadySwitchedOff, switch_off, switch_on
from hub.connections.models import KillSwitch, Lane
from hub.outgoing.insight.explain import (
    explain_delivery,
    match_effective_reason,
    match_effective_state,
    readable_deliveries,
    resolve_effective_state,
)
from hub.outgoing.models import Delivery
from hub.outgoing.release import release_held_deliveries
from hub.sweep import run_sweep
from tests.factories import MINUTE, NOON
from tests.fakes import FakeHttp
from tests.hub.outgoing.pump.test_loop import pump

pytestmark = pytest.mark.django_db


def create_switch(now=NOON, **switch):
    return switch_off(
        KillSwitch(**{"reason": "stocktaking"} | switch), ActorContext.system(), now=now
    )


def read_delivery(delivery):
    return readable_deliveries().get(pk=delivery.pk)


def build_subject(scope, delivery):
    return {
        "platform": {},
        "tenant": {"tenant": delivery.tenant},
        "connector": {"connector_key": "webhook"},
        "route": {"route": delivery.route, "tenant": delivery.tenant},
    }[scope]


@pytest.mark.parametrize("scope", sorted({*KillSwitch.Level.values} - {"scheduled"}))
def test_nothing_goes_while_it_is_off_and_all_of_it_afterwards(make, scope):
    before = make.delivery()
    switch = create_switch(scope=scope, **build_subject(scope, before))
    after = make.event(before.tenant).deliveries.get()
    assert pump(FakeHttp()).requests == []
    release_held_deliveries(now=NOON)
    reason = "route_off" if scope == "route" else "switched_off"
    assert {resolve_effective_state(read_delivery(row))[:2] for row in (before, after)} == {
        ("held", reason)
    }
    assert (
        Delivery.unscoped.filter(match_effective_state("held"))
        .filter(match_effective_reason(reason))
        .count()
        == 2
    )
    assert not Delivery.unscoped.filter(match_effective_state("waiting")).exists()
    told = explain_delivery(read_delivery(before), now=NOON).first_failed_check
    assert (told.name, told.detail) == ("switch", "stocktaking")
    switch_on(switch, ActorContext.system(), now=NOON)
    release_held_deliveries(now=NOON)
    assert len(pump(FakeHttp()).requests) == 2


@pytest.mark.parametrize("scope", ["tenant", "connector", "route"])
def test_others_go_on(make, scope):
    delivery, other = (
        make.delivery(),
        make.delivery(make.connection(connector="splunk"), action="send_event"),
    )
    create_switch(scope=scope, **build_subject(scope, delivery))
    (request,) = pump(FakeHttp()).requests
    assert request.url.startswith("https://splunk.example.com")
    assert other.state == "waiting"


def test_a_tenant_that_is_off_is_held_on_the_platforms_own_connection_too(make):
    platform = make.connection(connector="app")
    make.route(platform, action=platform.connector.actions[0].key)
    tenant, other = make.tenant(), make.tenant()
    before = make.event(tenant).deliveries.get()
    switch = create_switch(scope="tenant", tenant=tenant)
    after, neighbour = make.event(tenant).deliveries.get(), make.event(other).deliveries.get()
    release_held_deliveries(now=NOON)
    assert [
        resolve_effective_state(read_delivery(row)).state for row in (before, after, neighbour)
    ] == [
        "held",
        "held",
        "waiting",
    ]
    switch_on(switch, ActorContext.system(), now=NOON)
    assert release_held_deliveries(now=NOON) == 2


def test_it_ends_by_itself(make):
    delivery = make.delivery()
    create_switch(scope="tenant", tenant=delivery.tenant, expires_at=NOON + MINUTE)
    run_sweep(now=NOON)
    assert Lane.unscoped.get().switched_off_by == "tenant"
    run_sweep(now=NOON + MINUTE)
    assert (Lane.unscoped.get().switched_off_by, KillSwitch.unscoped.count()) == ("", 0)


def test_one_thing_has_one_switch_and_a_narrower_one_stays(make):
    delivery = make.delivery()
    tenant = create_switch(scope="tenant", tenant=delivery.tenant)
    platform = create_switch(scope="platform")
    with pytest.raises(AlreadySwitchedOff):
        create_switch(scope="platform")
    switch_on(platform, ActorContext.system(), now=NOON)
    assert Lane.unscoped.get().switched_off_by == "tenant"
    switch_on(tenant, ActorContext.system(), now=NOON)
    assert Lane.unscoped.get().switched_off_by == ""


def test_a_system_connected_while_it_is_off_is_found(make):
    create_switch(scope="platform")
    make.connection()
    run_sweep(now=NOON)
    assert Lane.unscoped.get().switched_off_by == "platform"


def test_a_paused_connection_stays_paused_when_its_switch_is_on_again(make):
    delivery = make.delivery()
    delivery.connection.pause("looking", until=None, now=NOON)
    switch_on(create_switch(scope="platform"), ActorContext.system(), now=NOON)
    assert pump(FakeHttp()).requests == []


# --- by staff -------------------------------------------------------------------------------------


@pytest.fixture
def superuser(make, client):
    client.force_login(make.staff(is_superuser=True))
    return client


def test_staff_switch_a_tenant_off_and_on_and_the_audit_knows(make, superuser):
    tenant = make.tenant()
    data = {"scope": "tenant", "tenant": tenant.pk, "reason": "they asked", "length": "1"}
    superuser.post(reverse("admin:connections_killswitch_add"), data)
    switch = KillSwitch.unscoped.get()
    assert switch.expires_at - switch.activated_at == timedelta(hours=1)
    superuser.post(reverse("admin:connections_killswitch_verb", args=[switch.pk, "on"]))
    assert not KillSwitch.unscoped.exists()
    assert list(AuditRow.objects.order_by("pk").values_list("verb", flat=True)) == [
        "switch.off",
        "switch.on",
    ]


def test_what_is_not_said_is_asked_for(make, superuser):
    answer = superuser.post(
        reverse("admin:connections_killswitch_add"), {"scope": "tenant", "reason": "x"}
    )
    assert "Select one." in answer.content.decode()
    create_switch(scope="platform")
    answer = superuser.post(
        reverse("admin:connections_killswitch_add"), {"scope": "platform", "reason": "x"}
    )
    assert "It is switched off already." in answer.content.decode()


@pytest.mark.parametrize("scope", ["platform", "connector"])
def test_a_tenants_staff_do_not_switch_what_is_everybodys(make, client, scope):
    from django.contrib.auth.models import Permission

    tenant = make.tenant()
    user = make.staff(tenant)
    user.user_permissions.set(Permission.objects.all())
    client.force_login(user)
    data = {"scope": scope, "connector_key": "webhook", "tenant": tenant.pk, "reason": "x"}
    assert client.post(reverse("admin:connections_killswitch_add"), data).status_code == 200
    assert not KillSwitch.unscoped.exists()


def test_staff_switch_a_route_off_on_its_page(make, superuser):
    route = make.route(make.connection())
    superuser.post(
        reverse("admin:outgoing_route_verb", args=[route.pk, "off"]), {"reason": "wrong prices"}
    )
    assert KillSwitch.unscoped.get().route == route
    superuser.post(reverse("admin:outgoing_route_verb", args=[route.pk, "on"]))
    assert not KillSwitch.unscoped.exists()
