"""Held items belong to the account that they came for: none is published for another one that is
connected in its place.
"""

import json

import pytest
from django.db import transaction
from django.test import Client

from connectors.schema import Account
from hub.audit import AuditRow
from hub.connections.connecting.reconnect import reconnect_account
from hub.connections.credentials.account_probe import ProbeResult
from hub.db.clock import clock
from hub.incoming.models import InboundItem
from hub.incoming.processing.held_items.former_accounts import hold_items_of_former_account
from hub.incoming.processing.replay import replay_item
from hub.outgoing.models import Event
from tests.connectors.recorded import WHSEC
from tests.hub.incoming.processing.held_items.pending_disconnects import (
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
from tests.hub.incoming.webhook_posts import endpoint_of, local_path, run_inbox

pytestmark = pytest.mark.django_db(transaction=True)
OTHER_SECRET = "whsec_YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4"
HOST, OTHER_HOST = "splunk.acme.example", "splunk.globex.example"
HELD = ("held", "former_account")


@pytest.fixture
def splunk(make):
    settings = {"url": f"https://{HOST}:8088"}
    return make.connection(
        connector="splunk", account="", account_name=HOST, secret={"token": "a"}, settings=settings
    )


@pytest.fixture
def signed(make):
    return make.connection(
        connector="signed_webhook", account="", secret={"signing_secret": WHSEC}, settings={}
    )


def post_alert(client, connection, sid="1"):
    alert = {"sid": sid, "search_name": "errors", "result": {}}
    path = local_path(endpoint_of(connection))
    assert client.post(path, json.dumps(alert), content_type="application/json").status_code == 200


def reconnect(connection, secret, *, account="", name="", replaces=False):
    """Connect the account, or another one, in the same place."""
    probe_result = ProbeResult(Account(account, name=name))
    options = {"random": lambda: 0.5, "now": clock(), "replaces": replaces}
    reconnect_account(reload_connection(connection), {}, secret, probe_result, **options)
    forget_receivers()


# --- the system names no account ---


def test_what_arrived_for_the_instance_before_is_held_when_another_one_is_connected(client, splunk):
    disconnect(splunk)
    post_alert(client, splunk)
    run_inbox()
    assert find_states() == [("held", "disconnect_pending")]
    reconnect(splunk, {"token": "b"}, name=OTHER_HOST)
    for _ in range(2):
        sweep()
    assert find_states() == [HELD] and not Event.unscoped.exists()
    audited = AuditRow.objects.get(verb="connection.hold_webhooks")
    assert (audited.after, audited.tenant) == ({"items": 1}, splunk.tenant.public_id)


def test_what_arrived_before_and_is_processed_after_the_replacement_is_held_too(client, splunk):
    post_alert(client, splunk)
    reconnect(splunk, {"token": "b"}, name=OTHER_HOST)
    post_alert(client, splunk, sid="2")
    sweep()
    assert find_states() == [HELD, ("processed", "")]


def test_an_item_that_a_batch_stored_with_the_connection_as_it_was_is_held(client, splunk):
    """The batch had read the connection before it was replaced."""
    disconnect(splunk)
    post_alert(client, splunk)
    reconnect(splunk, {"token": "b"}, name=OTHER_HOST)
    run_inbox()
    InboundItem.unscoped.update(state="held", reason="disconnect_pending")
    sweep()
    assert find_states() == [HELD] and not Event.unscoped.exists()


def test_a_paused_connection_that_gets_another_instance_publishes_nothing_of_the_old(
    client, splunk
):
    reload_connection(splunk).pause("", until=None, now=clock())
    post_alert(client, splunk)
    run_inbox()
    reconnect(splunk, {"token": "b"}, name=OTHER_HOST)
    with transaction.atomic():
        reload_connection(splunk).resume(now=clock())
    sweep()
    assert find_states() == [HELD]


@pytest.mark.parametrize("secret", ["a", "b"])
def test_the_same_instance_publishes_it_also_with_another_token(client, splunk, secret):
    disconnect(splunk)
    post_alert(client, splunk)
    run_inbox()
    reconnect(splunk, {"token": secret}, name=HOST)
    sweep()
    assert find_states() == [("processed", "")]


def test_the_undo_publishes_it(client, signed):
    disconnect(signed)
    assert post_standard(client, signed).status_code == 200
    run_inbox()
    assert undo(signed).passed
    sweep()
    assert find_states() == [("processed", "")]


@pytest.mark.parametrize("is_final", [False, True])
def test_after_a_disconnect_another_secret_may_be_another_sender(client, signed, is_final):
    reload_connection(signed).pause("", until=None, now=clock())
    assert post_standard(client, signed).status_code == 200
    run_inbox()
    disconnect(signed)
    if is_final:
        end(signed)
    reconnect(signed, {"signing_secret": OTHER_SECRET})
    sweep()
    assert find_states() == [HELD] and not Event.unscoped.exists()
    assert post_standard(client, signed, id="msg_2", secret=OTHER_SECRET).status_code == 200
    run_inbox()
    assert find_states() == [HELD, ("processed", "")]


def test_after_a_disconnect_the_same_secret_is_the_same_sender(client, signed):
    disconnect(signed)
    assert post_standard(client, signed).status_code == 200
    run_inbox()
    reconnect(signed, {"signing_secret": WHSEC})
    sweep()
    assert find_states() == [("processed", "")]


def test_a_secret_that_is_changed_without_a_disconnect_is_of_the_same_sender(client, signed):
    assert post_standard(client, signed).status_code == 200
    reconnect(signed, {"signing_secret": OTHER_SECRET})
    sweep()
    assert find_states() == [("processed", "")]


def test_a_person_decides_that_it_belongs_to_the_new_account(client, make, splunk):
    disconnect(splunk)
    post_alert(client, splunk)
    run_inbox()
    reconnect(splunk, {"token": "b"}, name=OTHER_HOST)
    owner = make.membership(splunk.tenant, make.user(), "owner").user
    browser = Client()
    browser.force_login(owner)
    item = InboundItem.unscoped.get()
    page = f"/t/{splunk.tenant.reference}/events/incoming/{item.public_id}/"
    assert "arrived for the account that was connected before" in browser.get(page).text
    browser.post(page + "replay")
    sweep()
    assert find_states() == [("processed", "")]


def test_another_account_later_holds_what_a_person_had_replayed_meanwhile(client, splunk):
    disconnect(splunk)
    post_alert(client, splunk)
    run_inbox()
    reconnect(splunk, {"token": "b"}, name=OTHER_HOST)
    reload_connection(splunk).pause("", until=None, now=clock())
    replay_item(InboundItem.unscoped.get(), SYSTEM, now=clock())
    run_inbox()
    assert find_states() == [("held", "connection_paused")]
    with transaction.atomic():
        hold_items_of_former_account(reload_connection(splunk), now=clock())
        reload_connection(splunk).resume(now=clock())
    sweep()
    assert find_states() == [HELD]


# --- the system names the account ---


def test_what_names_the_account_before_is_not_published_for_another_one(client, pipedrive):
    disconnect(pipedrive)
    post_changes(client, pipedrive, "one", "two")
    run_inbox()
    reconnect(pipedrive, {"access_token": "new"}, account="702", replaces=True)
    for _ in range(2):
        sweep()
    assert find_states() == [("quarantined", "other_account")] * 2 and not Event.unscoped.exists()


def test_the_account_that_it_names_publishes_it_by_a_replay(client, pipedrive):
    disconnect(pipedrive)
    post_changes(client, pipedrive, "one")
    run_inbox()
    reconnect(pipedrive, {"access_token": "new"}, account="702", replaces=True)
    sweep()
    replay_item(InboundItem.unscoped.get(), SYSTEM, now=clock())
    run_inbox()
    assert find_states() == [("quarantined", "other_account")]
    reconnect(pipedrive, {"access_token": "newer"}, account="701", replaces=True)
    replay_item(InboundItem.unscoped.get(), SYSTEM, now=clock())
    run_inbox()
    assert find_states() == [("processed", "")]
