"""Which sources the routes of an endpoint want."""

import pytest

from hub.incoming.endpoints.create import get_or_create_app_endpoint
from hub.incoming.gaps import open_gap
from hub.incoming.models import InboundEndpoint, InboundGap, InboundSource, WebhookSubscription
from hub.incoming.registration.scheduling.checks import request_connection_check
from hub.incoming.registration.sources import plan_sources
from hub.incoming.registration.wanted import plan_subscriptions
from hub.outgoing.models import Route
from tests.factories import NOON
from tests.hub.incoming.registration.pipedrive_company import check

pytestmark = pytest.mark.django_db(transaction=True)


def take(make, connection, event_type, *, is_own=True):
    return make.route(
        tenant=connection.tenant,
        event_type=event_type,
        origin_connector_key=connection.connector_key,
        origin=connection if is_own else None,
        connector="webhook",
    )


def planned(connection, at=NOON):
    plan_sources(InboundEndpoint.unscoped.get(connection=connection), now=at)
    return listed(connection)


def listed(connection):
    sources = InboundSource.unscoped.filter(connection=connection, retired_at=None)
    return sorted(sources.values_list("object", flat=True))


def test_a_check_of_registrations_makes_a_source_of_each_wanted_object(make, connection, company):
    take(make, connection, "pipedrive.deal.updated")
    other = make.connection(connector="pipedrive", account="702", secret={})
    check(connection, company)
    assert (listed(connection), listed(other)) == (["deal", "person"], [])


def test_a_source_of_a_route_that_is_gone_is_retired_and_wanted_again_without_proof(
    make, connection
):
    make.inbound_endpoint(connection)
    assert planned(connection) == ["person"]
    source = InboundSource.unscoped.get()
    InboundSource.unscoped.update(heard_at=NOON)
    open_gap(source, "gone", from_at=NOON, now=NOON)
    Route.unscoped.update(enabled=False)
    assert (planned(connection), InboundGap.unscoped.get().state) == ([], "cancelled")
    Route.unscoped.update(enabled=True)
    assert planned(connection) == ["person"]
    source.refresh_from_db()
    assert (source.heard_at, InboundSource.unscoped.get()) == (None, source)


def test_a_disconnected_account_has_no_source(make, connection):
    make.inbound_endpoint(connection)
    planned(connection)
    type(connection).unscoped.update(state="disabled", reason="disconnected")
    assert planned(connection) == []


def test_one_url_of_an_app_has_the_sources_of_each_workspace_by_its_own_routes(make):
    ours, theirs = make.connection(connector="slack"), make.connection(connector="slack")
    take(make, ours, "slack.message.*", is_own=False)
    take(make, theirs, "slack.command.*")
    source = ours.connector.webhook_source
    endpoint = get_or_create_app_endpoint("slack", source, now=NOON)
    plan_sources(endpoint, now=NOON)
    assert (listed(ours), listed(theirs)) == (["message"], ["command"])


def test_a_workspace_that_connects_makes_the_check_of_the_app_due(make):
    connection = make.connection(connector="slack")
    source = connection.connector.webhook_source
    endpoint = get_or_create_app_endpoint("slack", source, now=NOON)
    InboundEndpoint.unscoped.update(next_check_at=None)
    request_connection_check(connection, now=NOON)
    endpoint.refresh_from_db()
    assert endpoint.next_check_at == NOON


def test_a_sender_that_chooses_its_types_is_one_source(make):
    connection = make.connection(connector="signed_webhook", secret={})
    make.inbound_endpoint(connection)
    take(make, connection, "signed_webhook.order.created")
    take(make, connection, "signed_webhook.user.*")
    assert planned(connection) == [""]


def test_the_types_of_a_url_that_a_person_enters_follow_the_routes(make):
    connection = make.connection(connector="signed_webhook", secret={})
    endpoint = make.inbound_endpoint(connection)
    for count, type in enumerate(("order.created", "user.*"), start=1):
        take(make, connection, f"signed_webhook.{type}")
        plan_subscriptions(endpoint, now=NOON)
        types = WebhookSubscription.unscoped.get().event_types
        assert type in types and len(types) == count
