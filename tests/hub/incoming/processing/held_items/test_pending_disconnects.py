"""While a disconnect can be undone, webhooks are stored: published by the undo, else discarded."""

import json

import pytest
from django.db import transaction

from connectors.http import Response
from connectors.registry import CONNECTORS
from connectors.schema import Account
from hub.audit import AuditRow
from hub.connections.actions.disconnection import revoke_due_accounts
from hub.connections.connecting.reconnect import reconnect_account
from hub.connections.credentials.account_probe import ProbeResult
from hub.db.clock import clock
from hub.incoming.endpoints.create import get_or_create_app_endpoint
from hub.incoming.models import InboundItem, InboundMessage
from hub.incoming.processing.batch import process_messages
from hub.incoming.processing.claim import claim_messages
from hub.incoming.processing.held_items.release import (
    discard_items_of_final_disconnects,
    release_held_items,
)
from hub.incoming.processing.replay import replay_item
from hub.outgoing.models import Event
from hub.processes.leases import new_lease
from hub.sweep import STEPS
from tests.connectors.recorded import WHSEC
from tests.hub.incoming.processing.held_items.pending_disconnects import (
    DAY,
    SYSTEM,
    disconnect,
    end,
    find_states,
    forget_receivers,
    post_changes,
    reload_connection,
    sweep,
    undo,
)
from tests.hub.incoming.test_signed_webhooks import post_standard
from tests.hub.incoming.test_slack_webhooks import EVENT, SECRET, post
from tests.hub.incoming.webhook_posts import local_path, post_pipedrive, run_inbox

pytestmark = pytest.mark.django_db(transaction=True)
REVOKED = Response(401, b'{"success":false,"error":"invalid token"}')


def test_what_arrives_is_acknowledged_held_and_published_once_in_order_by_the_undo(
    client, pipedrive
):
    disconnect(pipedrive)
    post_changes(client, pipedrive, "one", "two", "three")
    run_inbox()
    post_changes(client, pipedrive, "one", "four")  # the first one is a repetition
    sweep()
    assert find_states() == [("held", "disconnect_pending")] * 4 and not Event.unscoped.exists()

    assert undo(pipedrive).passed
    for _ in range(2):
        sweep()
    assert find_states() == [("processed", "")] * 4
    published = Event.unscoped.order_by("pk").values_list("inbound_items__message", flat=True)
    assert len(published) == 4 and list(published) == sorted(published)


def test_what_arrives_after_the_undo_does_not_overtake_what_was_held(client, pipedrive):
    disconnect(pipedrive)
    post_changes(client, pipedrive, "one", "two")
    run_inbox()
    undo(pipedrive)
    post_changes(client, pipedrive, "three")
    run_inbox()
    assert not Event.unscoped.exists()
    release_held_items(now=clock())
    post_changes(client, pipedrive, "four")
    lease = new_lease()
    process_messages(claim_messages(lease, after="", now=clock()).messages, lease, now=clock())
    assert not Event.unscoped.exists()
    sweep()
    published = Event.unscoped.order_by("pk").values_list("inbound_items__message", flat=True)
    assert len(published) == 4 and list(published) == sorted(published)


def test_what_arrived_before_the_disconnect_and_waited_is_published_by_the_undo_too(
    client, pipedrive
):
    post_changes(client, pipedrive, "before")
    disconnect(pipedrive)
    post_changes(client, pipedrive, "after")
    run_inbox()
    assert find_states() == [("held", "disconnected"), ("held", "disconnect_pending")]
    undo(pipedrive)
    sweep()
    assert find_states() == [("processed", "")] * 2


def test_a_failed_undo_leaves_it_held(client, pipedrive):
    disconnect(pipedrive)
    post_changes(client, pipedrive, "one")
    run_inbox()
    assert not undo(pipedrive, REVOKED).passed
    sweep()
    assert find_states() == [("held", "disconnect_pending")]


def test_a_message_that_is_processed_after_the_undo_is_published(client, pipedrive):
    disconnect(pipedrive)
    post_changes(client, pipedrive, "one")
    undo(pipedrive)
    sweep()
    assert find_states() == [("processed", "")]


def test_of_a_connection_that_was_paused_before_it_is_held_for_the_pause_then(client, pipedrive):
    pipedrive.pause("", until=None, now=clock())
    disconnect(pipedrive)
    post_changes(client, pipedrive, "one")
    run_inbox()
    undo(pipedrive)
    sweep()
    assert find_states() == [("held", "connection_paused")]
    with transaction.atomic():
        reload_connection(pipedrive).resume(now=clock())
    sweep()
    assert find_states() == [("processed", "")]


def test_the_account_connected_again_publishes_it_as_well(client, pipedrive):
    disconnect(pipedrive)
    post_changes(client, pipedrive, "one")
    run_inbox()
    probe_result = ProbeResult(Account("701"))
    options = {"random": lambda: 0.5, "now": clock()}
    reconnect_account(
        reload_connection(pipedrive), {}, {"access_token": "new"}, probe_result, **options
    )
    sweep()
    assert find_states() == [("processed", "")]


# --- final ---


def test_without_an_undo_it_is_skipped_with_the_reason_and_counted(client, pipedrive):
    disconnect(pipedrive)
    post_changes(client, pipedrive, "one", "two")
    run_inbox()
    revoke_due_accounts(now=clock() + DAY)
    sweep()
    assert find_states() == [("skipped", "disconnect_final")] * 2 and not Event.unscoped.exists()
    audited = AuditRow.objects.get(verb="connection.discard_webhooks")
    assert (audited.after, audited.tenant) == ({"items": 2}, pipedrive.tenant.public_id)
    assert discard_items_of_final_disconnects in STEPS
    forget_receivers()
    assert post_pipedrive(client, pipedrive, id="late").status_code == 410


def test_what_was_acknowledged_and_is_processed_after_the_end_is_skipped(client, pipedrive):
    disconnect(pipedrive)
    post_changes(client, pipedrive, "one", "two")
    lease = new_lease()
    claimed = claim_messages(lease, after="", now=clock()).messages
    end(pipedrive)
    process_messages(claimed[:1], lease, now=clock())  # as it was read before the end
    InboundMessage.unscoped.filter(processed_at=None).update(lease=None, lease_until=None)
    InboundMessage.unscoped.filter(processed_at=None).update(attempt_count=0)
    sweep()
    assert find_states() == [("skipped", "disconnect_final")] * 2 and not Event.unscoped.exists()


def test_what_was_discarded_can_be_replayed_once_the_account_is_connected(client, pipedrive):
    disconnect(pipedrive)
    post_changes(client, pipedrive, "one")
    run_inbox()
    end(pipedrive)
    sweep()
    replay_item(InboundItem.unscoped.get(), SYSTEM, now=clock())
    run_inbox()
    assert find_states() == [("skipped", "disconnect_final")]
    with transaction.atomic():
        reload_connection(pipedrive).mark_healthy(now=clock())
    replay_item(InboundItem.unscoped.get(), SYSTEM, now=clock())
    run_inbox()
    assert find_states() == [("processed", "")]


# --- what verifies it ---


def test_the_signing_secret_that_a_person_entered_verifies_until_the_end(client, make):
    connection = make.connection(
        connector="signed_webhook", account="", secret={"signing_secret": WHSEC}, settings={}
    )
    disconnect(connection)
    assert post_standard(client, connection).status_code == 200
    other = "whsec_YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4"
    assert post_standard(client, connection, id="msg_2", secret=other).status_code == 401
    run_inbox()
    assert find_states() == [("held", "disconnect_pending")]
    end(connection)
    assert post_standard(client, connection, id="msg_3").status_code == 410


@pytest.fixture
def slack_path(make):
    make.app("slack", {"client_id": "1.2", "client_secret": "s" * 16, "signing_secret": SECRET})
    source = CONNECTORS["slack"].webhook_source
    return local_path(get_or_create_app_endpoint("slack", source, now=clock())).lstrip("/")


def test_at_a_url_of_all_tenants_it_is_held_for_the_one_and_published_for_the_other(
    client, make, slack_path
):
    gone, other = (make.connection(connector="slack", account="T0ACME") for _ in range(2))
    disconnect(gone)
    challenge = {"type": "url_verification", "challenge": "3eZbrw1a"}
    assert b"3eZbrw1a" in post(client, slack_path, json.dumps(challenge)).content
    assert post(client, slack_path, json.dumps(EVENT)).status_code == 200
    run_inbox()
    states = dict(InboundItem.unscoped.values_list("connection", "state"))
    assert states == {gone.pk: "held", other.pk: "processed"}
    end(gone)
    sweep()
    states = dict(InboundItem.unscoped.values_list("connection", "state"))
    assert states == {gone.pk: "skipped", other.pk: "processed"}
    assert post(client, slack_path, json.dumps(EVENT | {"event_id": "Ev0002"})).status_code == 200
    run_inbox()
    assert InboundItem.unscoped.filter(connection=gone).count() == 1
