"""Held deliveries go on when their cause is gone."""

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from hub.audit import ActorContext
from hub.mappings.identity_pairs import set_identity
from hub.mappings.models import Identity
from hub.outgoing.models import Delivery, Route
from hub.outgoing.release import release_held_deliveries
from tenants.models import Tenant
from tests.factories import MINUTE, NOON
from tests.fakes import FakeHttp
from tests.hub.outgoing.operating import copy_delivery
from tests.hub.outgoing.pump.test_loop import pump

pytestmark = pytest.mark.django_db
LATER = NOON + MINUTE


def state_of(delivery):
    delivery.refresh_from_db()
    return delivery.state, delivery.reason


def test_a_mended_mapping_sets_it_going(make):
    delivery = make.delivery(body={"due": "format_date(data.number, 'YYYY')"})
    pump(FakeHttp())
    assert release_held_deliveries(now=LATER) == 0
    make.version(delivery.route.mapping, {"number": "data.number"}, at=LATER)
    assert release_held_deliveries(now=LATER) == 1
    pump(FakeHttp(), at=LATER)
    assert state_of(delivery) == ("delivered", "")


def test_a_missing_identity_is_waited_for(make):
    delivery = make.delivery(body={"owner": "identity('user', data.email)"})
    pump(FakeHttp())
    assert state_of(delivery) == ("held", "identity_missing")
    make.identity(delivery.connection, "user", "ann@acme.test", "005A", at=LATER)
    release_held_deliveries(now=LATER)
    http = pump(FakeHttp(), at=LATER)
    assert http.requests[0].content() == b'{"owner":"005A"}'


def test_a_suggested_identity_releases_nothing_until_it_is_confirmed(make):
    delivery = make.delivery(body={"owner": "identity('user', data.email)"})
    pump(FakeHttp())
    pair = make.identity(delivery.connection, "user", "ann@acme.test", "005A", at=LATER)
    Identity.unscoped.update(state="suggested")
    assert release_held_deliveries(now=LATER) == 0
    pair.refresh_from_db()
    actor = ActorContext.system()
    set_identity(delivery.connection, "user", pair.local_id, "005A", actor, now=LATER)
    assert release_held_deliveries(now=LATER) == 1


def test_an_identity_that_was_confirmed_while_a_pump_held_its_delivery_releases_it_once(make):
    delivery = make.delivery(body={"owner": "identity('user', data.email)"})
    pump(FakeHttp(), at=LATER)
    make.identity(delivery.connection, "user", "other@acme.test", "005B", at=NOON)
    assert release_held_deliveries(now=LATER) == 0
    make.identity(delivery.connection, "user", "ann@acme.test", "005A", at=NOON)
    assert release_held_deliveries(now=LATER) == 1
    assert release_held_deliveries(now=LATER) == 0
    http = pump(FakeHttp(), at=LATER)
    assert [request.content() for request in http.requests] == [b'{"owner":"005A"}']


def test_a_system_that_is_connected_later_gets_what_waited(make):
    tenant = make.tenant()
    make.route(tenant=tenant)
    delivery = make.event(tenant).deliveries.get()
    assert state_of(delivery) == ("held", "not_connected")
    connection = make.connection(tenant)
    assert release_held_deliveries(now=LATER) == 1
    assert state_of(delivery) == ("waiting", "")
    assert delivery.connection == connection


def test_a_changed_address_is_tried_again(make):
    delivery = make.delivery()
    Delivery.unscoped.update(state="held", reason="egress_refused", due_at=None)
    assert release_held_deliveries(now=LATER) == 0
    type(delivery.connection).unscoped.update(changed_at=LATER)
    assert release_held_deliveries(now=LATER) == 1


def test_a_mended_filter_is_asked_again(make):
    delivery = make.delivery(filter="to_number(data.number) > `abs`")
    Delivery.unscoped.update(state="held", reason="filter_failed", due_at=None)
    Route.unscoped.update(filter="data.total > `100`", changed_at=LATER)
    release_held_deliveries(now=LATER)
    assert state_of(delivery) == ("skipped", "filtered")


def test_a_suspended_tenant_is_accepted_and_held_until_it_is_restored(make):
    delivery = make.delivery()
    Tenant.objects.update(suspended_at=NOON)
    assert pump(FakeHttp()).requests == []
    Tenant.objects.update(suspended_at=None)
    pump(FakeHttp())
    assert state_of(delivery) == ("delivered", "")


def test_a_suspended_tenant_does_not_stop_the_others_on_the_platforms_own_connection(make):
    platform = make.connection(connector="app")
    make.app("app", {"signing_secret": "whsec_dGVzdHMtb25seS10ZXN0cy1vbmx5LXRlc3RzLW9ubHk="})
    make.route(platform, action=platform.connector.actions[0].key)
    suspended, other = make.tenant(), make.tenant()
    before = make.event(suspended).deliveries.get()
    Tenant.objects.filter(pk=suspended.pk).update(suspended_at=NOON)
    release_held_deliveries(now=NOON)
    suspended.refresh_from_db()
    after, neighbour = make.event(suspended).deliveries.get(), make.event(other).deliveries.get()
    held = ("held", "tenant_suspended")
    assert (state_of(before), state_of(after), state_of(neighbour)) == (held, held, ("waiting", ""))
    Tenant.objects.update(suspended_at=None)
    assert release_held_deliveries(now=LATER) == 2


def test_filters_that_fail_again_do_not_keep_younger_deliveries_from_release(make):
    older = make.delivery(filter="contains(data.number, `1`)", data={"number": 5})
    connection = older.connection
    copy_delivery(older, 501)
    younger = make.delivery(connection, data={"number": "5"})
    Delivery.unscoped.update(state="held", reason="filter_failed", due_at=None)
    Route.unscoped.update(filter="contains(data.number, '5')", changed_at=LATER)
    with CaptureQueriesContext(database) as first:
        assert release_held_deliveries(now=LATER) == 1
    assert state_of(younger) == ("waiting", "")
    assert state_of(older) == ("held", "filter_failed")
    with CaptureQueriesContext(database) as second:  # none is evaluated again before a change
        assert release_held_deliveries(now=LATER) == 0
    assert len(second) < len(first)
