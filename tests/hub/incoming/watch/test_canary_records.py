"""The record of the hub at a system is made anew, and deleted when nothing needs it."""

from datetime import timedelta

import pytest

from connectors.http import Response
from hub.connections.actions.disconnection import disconnect_account
from hub.connections.credentials.revoke import attempt_revocation
from hub.connections.models import Revocation
from hub.db.clock import clock
from hub.incoming.models import InboundGap, InboundSource, SourceCanary
from hub.incoming.watch.source_actions import (
    CANARY_ACTIONS,
    CanaryRefused,
    switch_canary_off,
    switch_canary_on,
)
from hub.outgoing.models import Event
from tests.fakes import FakeHttp
from tests.hub.incoming.watch.canaries import (
    ACTOR,
    CREATED,
    FORBIDDEN,
    GONE,
    MARK,
    REMOVED,
    canary,
    post,
    send,
    source,
)
from tests.hub.incoming.webhook_posts import endpoint_of

__all__ = ["source"]
pytestmark = pytest.mark.django_db(transaction=True)


def test_the_next_one_changes_the_same_record(client, source):
    switch_canary_on(source, ACTOR, now=clock())
    send(FakeHttp(CREATED))
    post(client, source)
    send(FakeHttp(CREATED))
    http = FakeHttp(CREATED)
    send(http, at=clock() + timedelta(days=1))
    (request,) = http.requests
    assert request.method == "PATCH" and request.url.endswith("/api/v2/persons/99")


def test_a_record_that_is_gone_is_made_anew(source):
    switch_canary_on(source, ACTOR, now=clock())
    SourceCanary.unscoped.update(record="98")
    send(FakeHttp(GONE))
    assert canary().record == ""
    http = FakeHttp(CREATED)
    send(http, at=clock() + timedelta(minutes=1))  # the account's pace spaces its calls
    assert (http.requests[0].method, canary().record) == ("POST", "99")


def test_off_deletes_the_record_and_its_deletion_is_no_event(client, source):
    switch_canary_on(source, ACTOR, now=clock())
    send(FakeHttp(CREATED))
    http = FakeHttp(REMOVED)
    assert switch_canary_off(source, ACTOR, call=http.call, now=clock()) == ""
    (request,) = http.requests
    assert request.method == "DELETE" and request.url.endswith("/api/v2/persons/99")
    post(client, source, action="delete")
    assert not Event.unscoped.exists()
    send(http, at=clock() + timedelta(days=1))
    assert len(http.requests) == 1


def test_a_record_that_cannot_be_deleted_now_is_deleted_later(source):
    switch_canary_on(source, ACTOR, now=clock())
    SourceCanary.unscoped.update(record="99")
    switch_canary_off(source, ACTOR, call=FakeHttp(Response(503)).call, now=clock())
    http = FakeHttp(REMOVED)
    send(http, at=clock() + timedelta(hours=2))
    assert [request.method for request in http.requests] == ["DELETE"]
    assert (canary().record, canary().former_record, canary().due_at) == ("", "99", None)


def test_the_record_of_a_source_that_no_route_wants_is_deleted(source):
    switch_canary_on(source, ACTOR, now=clock())
    SourceCanary.unscoped.update(record="99")
    InboundSource.unscoped.update(retired_at=clock())
    http = FakeHttp(REMOVED)
    send(http)
    assert [request.method for request in http.requests] == ["DELETE"]
    assert (canary().is_on, canary().state, canary().record) == (False, "off", "")


@pytest.mark.parametrize("answer", [REMOVED, FORBIDDEN])
def test_a_disconnect_deletes_the_record_before_the_tokens_are_revoked(make, source, answer):
    make.app("pipedrive", {"client_id": "id", "client_secret": "s" * 16})
    switch_canary_on(source, ACTOR, now=clock())
    SourceCanary.unscoped.update(record="99")
    disconnect_account(source.connection, ACTOR, now=clock())
    http = FakeHttp(lambda request: answer if "/persons/" in request.url else Response(200))
    assert attempt_revocation(Revocation.unscoped.get(), call=http.call, clock=clock)
    first, last = http.requests[0], http.requests[-1]
    assert first.method == "DELETE" and first.url.endswith("/api/v2/persons/99")
    assert "/oauth/revoke" in last.url
    assert canary().record == ("" if answer is REMOVED else "99")


def test_a_record_that_cannot_be_deleted_is_named(source):
    switch_canary_on(source, ACTOR, now=clock())
    SourceCanary.unscoped.update(record="99")
    reason = switch_canary_off(source, ACTOR, call=FakeHttp(FORBIDDEN).call, now=clock())
    assert "Scope" in reason and not canary().is_on
    assert "could not be deleted" in CANARY_ACTIONS["canary_off"].describe_success(reason)


@pytest.fixture
def lead(make):
    """The leads of a Salesforce organisation, whose updates a route takes."""
    salesforce = make.connection(
        connector="salesforce",
        account="00D000000000001AAA",
        secret={"access_token": "s"},
        settings={"instance_url": "https://acme.my.salesforce.com"},
    )
    make.route(
        tenant=salesforce.tenant,
        event_type="salesforce.lead.updated",
        origin_connector_key="salesforce",
        connector="webhook",
    )
    endpoint_of(salesforce)
    return make.source(salesforce, "lead", heard_at=clock())


def test_a_salesforce_lead_is_marked_in_its_description(lead):
    switch_canary_on(lead, ACTOR, now=clock())
    http = FakeHttp(Response(201, b'{"id": "00Q000000000001AAA", "success": true}'))
    send(http)
    assert http.requests[0].json["Description"] == MARK
    assert canary().record == "00Q000000000001AAA"
    SourceCanary.unscoped.update(state="idle", due_at=clock())
    http = FakeHttp(Response(204))
    send(http)
    assert http.requests[0].method == "PATCH" and canary().state == "waiting"


def build_creations():
    """Return a route's fields, and a system that creates and deletes leads."""
    made, done = Response(201, b'{"id": "00Q000000000001AAA", "success": true}'), Response(204)
    types = {"event_type": "salesforce.lead.created", "origin_connector_key": "salesforce"}
    return types, FakeHttp(lambda request: made if request.method == "POST" else done)


def find_methods(http, *, at):
    """Return the methods of the calls that are made at this time."""
    count = len(http.requests)
    SourceCanary.unscoped.update(state="idle", due_at=at, failure_count=0)
    send(http, at=at)
    return [request.method for request in http.requests[count:]]


def test_a_lead_is_replaced_each_week_so_that_its_creation_is_proved(make, lead):
    types, http = build_creations()
    make.route(tenant=lead.tenant, connector="webhook", **types)
    switch_canary_on(lead, ACTOR, now=clock())
    assert find_methods(http, at=clock()) == ["POST"]
    assert find_methods(http, at=clock() + timedelta(days=6)) == ["PATCH"]
    assert find_methods(http, at=clock() + timedelta(days=8)) == ["DELETE", "POST"]
    assert canary().former_record == "00Q000000000001AAA"
    assert find_methods(http, at=clock() + timedelta(days=9)) == ["PATCH"]


def test_a_lead_whose_creation_no_route_takes_is_not_replaced(lead):
    _, http = build_creations()
    switch_canary_on(lead, ACTOR, now=clock())
    assert find_methods(http, at=clock()) == ["POST"]
    assert find_methods(http, at=clock() + timedelta(days=8)) == ["PATCH"]


def test_a_creation_that_was_not_heard_is_not_proved_by_an_update(make, lead):
    types, http = build_creations()
    make.route(tenant=lead.tenant, connector="webhook", **types)
    now = clock()
    switch_canary_on(lead, ACTOR, now=now)
    for minutes in (0, 3, 6):
        send(http, at=now + timedelta(minutes=minutes))
    assert [request.method for request in http.requests] == ["POST", "DELETE", "POST"]
    assert InboundGap.unscoped.get().cause == "canary"


def test_where_only_creations_are_registered_a_change_would_prove_nothing(lead):
    lead.tenant.routes.update(event_type="salesforce.lead.created")
    with pytest.raises(CanaryRefused, match=r"salesforce\.lead\.updated"):
        switch_canary_on(lead, ACTOR, now=clock())


def test_no_change_is_made_and_missed_while_no_route_takes_it_any_more(lead):
    switch_canary_on(lead, ACTOR, now=clock())
    SourceCanary.unscoped.update(record="00Q000000000001AAA")
    lead.tenant.routes.update(event_type="salesforce.lead.created")
    http = FakeHttp(Response(204))
    for minutes in range(0, 30, 6):
        send(http, at=clock() + timedelta(minutes=minutes))
    assert http.requests == [] and not InboundGap.unscoped.exists()


def test_a_record_that_is_made_while_a_person_switches_it_off_is_deleted(source):
    switch_canary_on(source, ACTOR, now=clock())

    def create(request):
        switch_canary_off(source, ACTOR, call=FakeHttp([]).call, now=clock())
        return CREATED

    send(FakeHttp(create))
    http = FakeHttp(REMOVED)
    send(http, at=clock() + timedelta(minutes=1))
    assert [request.method for request in http.requests] == ["DELETE"]
    assert (canary().record, canary().state, canary().due_at) == ("", "off", None)
