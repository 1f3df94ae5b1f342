"""Items wait while their connection may not be used, and are processed when the cause ends."""

import json
from datetime import timedelta

import pytest
from django.db import transaction

from connectors.registry import CONNECTORS
from hub.audit import ActorContext
from hub.connections.actions.kill_switches import switch_off, switch_on
from hub.connections.models import KillSwitch
from hub.db.clock import clock
from hub.incoming.endpoints.create import get_or_create_app_endpoint
from hub.incoming.models import InboundItem
from hub.incoming.processing.claim import MAX_ATTEMPTS
from hub.incoming.processing.held_items.release import release_held_items
from hub.incoming.processing.held_items.unmatched import (
    attribute_items_of_connected_accounts,
    attribute_unmatched_items,
)
from hub.incoming.processing.replay import replay_item
from hub.outgoing.models import Event
from tests.hub.incoming.test_slack_webhooks import EVENT, SECRET, post
from tests.hub.incoming.webhook_posts import local_path, post_pipedrive, run_inbox

pytestmark = pytest.mark.django_db(transaction=True)
SYSTEM = ActorContext.system()
DAY = timedelta(days=1)


@pytest.fixture
def pipedrive(make):
    return make.connection(connector="pipedrive", account="701", secret={})


@pytest.fixture
def slack_path(make):
    make.app("slack", {"client_id": "1.2", "client_secret": "s" * 16, "signing_secret": SECRET})
    source = CONNECTORS["slack"].webhook_source
    return local_path(get_or_create_app_endpoint("slack", source, now=clock())).lstrip("/")


def happening_now(event):
    return EVENT | {"event": event, "event_time": int(clock().timestamp())}


def find_state():
    item = InboundItem.unscoped.get()
    return item.state, item.reason


def pause(connection):
    connection.transition_to("paused")
    return connection.resume


def suspend(connection):
    connection.tenant.suspend("unpaid", now=clock())
    return connection.tenant.restore


def switch_connector_off(connection):
    switch = KillSwitch(
        scope="connector", connector_key=connection.connector_key, reason="an incident"
    )
    switch = switch_off(switch, SYSTEM, now=clock())
    return lambda *, now: switch_on(switch, SYSTEM, now=now)


def disable(connection):
    connection.disable("failing", now=clock())
    return connection.mark_healthy


CAUSES = {
    "connection_paused": pause,
    "tenant_suspended": suspend,
    "switched_off": switch_connector_off,
    "connection_disabled": disable,
}


@pytest.mark.parametrize("reason", CAUSES)
def test_an_item_is_acknowledged_held_and_published_once_when_the_cause_ends(
    client, pipedrive, reason
):
    assert post_pipedrive(client, pipedrive).status_code == 200
    end_cause = CAUSES[reason](pipedrive)
    run_inbox()
    assert find_state() == ("held", reason)
    assert release_held_items(now=clock()) == 0

    with transaction.atomic():
        end_cause(now=clock())
    assert release_held_items(now=clock()) == 1
    run_inbox()
    assert find_state() == ("processed", "")
    assert Event.unscoped.get().sender_id == f"{pipedrive.public_id}:" + (
        InboundItem.unscoped.get().item_key
    )


@pytest.mark.corrections(item="2.7")
def test_a_webhook_that_arrives_while_its_system_is_switched_off_waits_for_it(client, pipedrive):
    switch_on_again = switch_connector_off(pipedrive)
    assert post_pipedrive(client, pipedrive).status_code == 200
    run_inbox()
    assert find_state() == ("held", "switched_off")
    with transaction.atomic():
        switch_on_again(now=clock())
    assert release_held_items(now=clock()) == 1


@pytest.mark.corrections(item="2.7")
def test_a_url_of_all_tenants_takes_the_webhook_of_a_suspended_one_and_holds_it(
    client, make, slack_path
):
    suspend(make.connection(connector="slack", account="T0ACME"))
    assert post(client, slack_path, json.dumps(EVENT)).status_code == 200
    run_inbox()
    assert find_state() == ("held", "tenant_suspended")


def test_what_another_cause_holds_stays_held(client, pipedrive):
    resume = pause(pipedrive)
    post_pipedrive(client, pipedrive)
    run_inbox()
    suspend(pipedrive)
    with transaction.atomic():
        resume(now=clock())
    assert release_held_items(now=clock()) == 0


def test_an_item_that_is_held_again_and_again_has_not_failed(client, pipedrive):
    post_pipedrive(client, pipedrive)
    suspend(pipedrive)
    run_inbox()
    for _ in range(MAX_ATTEMPTS + 1):
        pipedrive.tenant.restore(now=clock())
        assert release_held_items(now=clock()) == 1
        suspend(pipedrive)
        run_inbox()
        assert find_state() == ("held", "tenant_suspended")


def test_an_item_of_a_connection_that_was_disconnected_meanwhile_waits_for_its_reconnection(
    client, pipedrive
):
    post_pipedrive(client, pipedrive)
    with transaction.atomic():
        pipedrive.disconnect(keeps_events=True, now=clock())
    run_inbox()
    assert find_state() == ("held", "disconnected")


def test_an_item_of_an_unknown_account_is_attributed_when_the_account_connects(
    client, make, slack_path
):
    post(client, slack_path, json.dumps(EVENT))
    run_inbox()
    assert find_state() == ("unmatched", "unknown_account")

    connection = make.connection(connector="slack", account="T0ACME")
    attribute_unmatched_items(connection, now=clock())
    run_inbox()
    item = InboundItem.unscoped.get()
    assert (item.state, item.reason, item.tenant) == ("processed", "", connection.tenant)
    assert Event.unscoped.get().origin == connection


def test_an_item_whose_account_connected_while_it_was_processed_is_attributed_by_the_sweep(
    client, make, slack_path
):
    post(client, slack_path, json.dumps(EVENT))
    run_inbox()
    make.connection(connector="slack", account="T0ACME", state="disabled", reason="disconnected")
    attribute_items_of_connected_accounts(now=clock())
    assert find_state() == ("unmatched", "unknown_account")

    connection = make.connection(connector="slack", account="T0ACME")
    attribute_items_of_connected_accounts(now=clock())
    run_inbox()
    assert find_state() == ("processed", "")
    assert Event.unscoped.get().origin == connection


def test_an_item_that_is_older_than_a_day_waits_for_a_replay(client, make, slack_path):
    post(client, slack_path, json.dumps(EVENT))
    run_inbox()
    connection = make.connection(connector="slack", account="T0ACME")
    attribute_unmatched_items(connection, now=clock() + DAY)
    assert find_state() == ("held", "too_old")
    assert release_held_items(now=clock()) == 0

    replay_item(InboundItem.unscoped.get(), SYSTEM, now=clock())
    run_inbox()
    assert find_state() == ("processed", "")


def test_an_event_for_an_account_of_two_tenants_reaches_both(client, make, slack_path):
    tenants = {make.connection(connector="slack", account="T0ACME").tenant for _ in range(2)}
    post(client, slack_path, json.dumps(EVENT))
    run_inbox()
    assert {event.tenant for event in Event.unscoped.all()} == tenants


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ({"type": "app_uninstalled"}, "uninstalled"),
        ({"type": "tokens_revoked", "tokens": {"bot": ["U0BOT"]}}, "tokens_revoked"),
    ],
)
def test_the_end_of_an_installation_makes_the_connection_need_a_person(
    client, make, slack_path, event, reason
):
    connection = make.connection(connector="slack", account="T0ACME")
    other = make.connection(connector="slack", account="T0OTHER")
    post(client, slack_path, json.dumps(happening_now(event)))
    run_inbox()
    connection.refresh_from_db()
    other.refresh_from_db()
    assert (connection.state, connection.reason) == ("needs_reconnect", reason)
    assert other.state == "healthy"


def test_a_paused_connection_remembers_that_its_installation_ended(client, make, slack_path):
    connection = make.connection(connector="slack", account="T0ACME")
    pause(connection)
    post(client, slack_path, json.dumps(happening_now({"type": "app_uninstalled"})))
    run_inbox()
    connection.refresh_from_db()
    assert (connection.state, connection.ended_reason) == ("paused", "uninstalled")


def test_a_late_end_of_an_installation_leaves_a_connection_that_was_connected_since(
    client, make, slack_path
):
    connection = make.connection(connector="slack", account="T0ACME")
    event = happening_now({"type": "app_uninstalled"})
    event["event_time"] -= 60
    post(client, slack_path, json.dumps(event))
    run_inbox()
    connection.refresh_from_db()
    assert (connection.state, connection.ended_reason) == ("healthy", "")
