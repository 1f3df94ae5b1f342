"""A disconnect that can be undone, and its undo."""

from datetime import timedelta

from connectors.http import Response
from hub.audit import ActorContext
from hub.connections.actions.disconnection import disconnect_account
from hub.connections.actions.undo_disconnect import undo_disconnect
from hub.connections.models import Connection, Credential
from tests.factories import NOON
from tests.fakes import FakeHttp

HOUR = timedelta(hours=1)
HAND = ActorContext.system()
HERE = Response(200, b'{"ok":true,"team_id":"T1","team":"Acme","user_id":"U1"}')


def disconnect(row, **options):
    disconnect_account(row, HAND, **{"can_be_undone": True, "now": NOON} | options)
    return reload_connection(row)


def reload_connection(row):
    return Connection.unscoped.select_related("tenant", "lane").get(pk=row.pk)


def undo(row, script=HERE, at=NOON + HOUR):
    http = FakeHttp(script)
    options = {"call": http.call, "random": lambda: 0.5, "now": at}
    return undo_disconnect(reload_connection(row), HAND, **options), http


def read_access_token(row):
    return Credential.unscoped.get(connection=row).open(row).get("access_token")
