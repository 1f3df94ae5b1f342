"""Names of quotas for people: "Slack · Acme Teas · chat.postMessage"."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from django.db.models import Q
from django.utils.translation import gettext as _

from connectors.registry import find_connector_label
from hub.connections.models import Connection
from hub.connections.quotas.scopes import split_scope_key
from hub.throttle.definitions import TENANT_KIND
from tenants.models import Tenant

SEPARATOR = " · "
CALLS_KIND = "calls"  # not of a quota: how many calls a run made to a system


def name_quotas(keys: Iterable[str]) -> dict[str, str]:
    """Return the name of each quota by the key of its row, in two queries at most."""
    keys = list(keys)
    owners = _find_owners(keys)
    return {key: _join_name(key, owners.get(_owner_of(key), "")) for key in keys}


def name_connection_quota(key: str, connection: Connection) -> str:
    """Return a quota's name for this connection, without a query if its tenant is loaded."""
    return _join_name(key, _name_account([connection]) if _owner_of(key)[1] else "")


def describe_system(connector_key: str) -> str:
    return find_connector_label(connector_key) or _("The hub itself")


def describe_scope(kind: str, name: str) -> str:
    """Return what a quota limits, such as "chat.postMessage" or "account queries"."""
    if kind == "method" and name:
        return name
    labels = {
        CALLS_KIND: _("all calls"),
        "app": _("our app"),
        "account": _("account"),
        "application": _("our application"),
        "connection": _("connection"),
        "method": _("method"),
        "channel": _("channel"),
        "host": _("host"),
        "address": _("our address"),
        TENANT_KIND: _("share of our app"),
    }
    return f"{labels.get(kind, kind)} {name}".strip()


def _join_name(key: str, owner_name: str) -> str:
    connector_key, kind, owner, name = split_scope_key(key)
    parts = (describe_system(connector_key), owner_name or owner, describe_scope(kind, name))
    return SEPARATOR.join(part for part in parts if part)


def _owner_of(key: str) -> tuple[str, str]:
    """Return the owner of a quota as (connector key or kind of counter, owner id)."""
    connector_key, kind, owner, _name = split_scope_key(key)
    return (TENANT_KIND if kind == TENANT_KIND else connector_key), owner


def _find_owners(keys: Sequence[str]) -> dict[tuple[str, str], str]:
    """Return the names of the accounts, connections and tenants that own quotas."""
    owners = {_owner_of(key) for key in keys}
    tenant_ids = {id for kind, id in owners if kind == TENANT_KIND and id.isdigit()}
    names = {
        (TENANT_KIND, str(pk)): name
        for pk, name in Tenant.objects.filter(pk__in=tenant_ids).values_list("pk", "name")
    }
    ids = {owner for kind, owner in owners if kind != TENANT_KIND and owner}
    pks = {id[1:] for id in ids if id.startswith("#") and id[1:].isdigit()}
    rows = Connection.unscoped.filter(Q(account__in=ids - {""}) | Q(pk__in=pks))
    connections: dict[tuple[str, str], list[Connection]] = defaultdict(list)
    for connection in rows.select_related("tenant").order_by("pk"):
        for owner in (connection.account, f"#{connection.pk}"):
            connections[connection.connector_key, owner].append(connection)
    return names | {
        owner: _name_account(account_connections)
        for owner, account_connections in connections.items()
    }


def _name_account(connections: Sequence[Connection]) -> str:
    """Return the name of an account: that of the system, or the names of its tenants."""
    for connection in connections:
        if connection.account_name:
            return connection.account_name
    tenants = dict.fromkeys(
        connection.tenant.name if connection.tenant else connection.name
        for connection in connections
    )
    return ", ".join(tenants)
