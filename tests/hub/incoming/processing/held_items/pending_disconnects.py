"""A disconnect that can be undone, its undo, its end, and the webhooks that arrive meanwhile."""

from datetime import timedelta

from django.db import transaction

from connectors.http import Response
from hub.audit import ActorContext
from hub.connections.actions.disconnection import disconnect_account, revoke_disconnected_account
from hub.connections.actions.undo_disconnect import undo_disconnect
from hub.connections.models import Connection
from hub.db.clock import clock
from hub.incoming.models import InboundItem
from hub.incoming.processing.held_items.release import (
    discard_items_of_final_disconnects,
    release_held_items,
)
from hub.incoming.receiving.receive import RECEIVERS
from tests.fakes import FakeHttp
from tests.hub.incoming.webhook_posts import post_pipedrive, run_inbox

SYSTEM = ActorContext.system()
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
ME = Response(
    200, b'{"success":true,"data":{"id":1,"name":"Ann","company_id":701,"company_name":"Acme"}}'
)


def reload_connection(connection):
    return Connection.unscoped.select_related("tenant", "lane").get(pk=connection.pk)


def disconnect(connection):
    with transaction.atomic():
        disconnect_account(reload_connection(connection), SYSTEM, can_be_undone=True, now=clock())
    forget_receivers()


def undo(connection, script=ME):
    options = {"call": FakeHttp(script).call, "random": lambda: 0.5, "now": clock()}
    result = undo_disconnect(reload_connection(connection), SYSTEM, **options)
    forget_receivers()
    return result


def end(connection):
    revoke_disconnected_account(reload_connection(connection), SYSTEM, now=clock())
    forget_receivers()


def forget_receivers():
    """Let the next request load its receiver, as a second later."""
    RECEIVERS.receivers.clear()


def sweep():
    """Run the steps of the sweep that look at held items, then the inbox."""
    for step in (discard_items_of_final_disconnects, release_held_items):
        step(now=clock())
    run_inbox()


def find_states():
    return list(InboundItem.unscoped.order_by("message").values_list("state", "reason"))


def post_changes(client, connection, *names):
    for name in names:
        assert post_pipedrive(client, connection, id=name).status_code == 200
