"""Update the demo's addresses when the ports have changed; keep what staff changed."""

from contextlib import suppress
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q

from hub.audit import ActorContext
from hub.connections.models import Connection, ConnectorApp
from hub.incoming.registration.installation.address import MoveNotConfirmed, confirm_move
from hub.management.demo.demo_rows import DemoSummary

PORT_CHANGED = "The port of this local installation has changed."


def is_demo_loaded(demo: DemoSummary) -> bool:
    """Return whether the database holds the connections of this demo."""
    return Connection.unscoped.filter(public_id__in=list_demo_connections(demo)).exists()


def list_demo_connections(demo: DemoSummary) -> list[str]:
    return [public_id for entry in demo["tenants"] for public_id in entry["connections"].values()]


@transaction.atomic
def update_addresses(
    demo: DemoSummary, *, hub_url: str, sandbox_url: str, now: datetime
) -> DemoSummary:
    """Replace the sandbox's address in the demo's rows, and register webhooks under the hub's new
    address; return the updated summary.

    The registrations are moved without a confirmation, as an installation at another port is not a
    copy.
    """
    with suppress(MoveNotConfirmed):
        confirm_move(ActorContext.system(), reason=PORT_CHANGED, now=now)
    if demo["sandbox"] != sandbox_url:
        for app in ConnectorApp.objects.all():
            app.urls, app.hosts = replace_address(
                [app.urls, app.hosts], demo["sandbox"], sandbox_url
            )
            app.save()
        for connection in Connection.unscoped.filter(
            Q(public_id__in=list_demo_connections(demo)) | Q(connector_key="app")
        ):
            connection.settings, connection.changed_at = (
                replace_address(connection.settings, demo["sandbox"], sandbox_url),
                now,
            )
            # deliveries held because of the old address continue
            connection.save(update_fields=["settings", "changed_at"])
    updated: DemoSummary = replace_address(demo, demo["hub"], hub_url)
    return updated | {"sandbox": sandbox_url}


def replace_address(value: Any, old: str, new: str) -> Any:
    if isinstance(value, dict):
        return {key: replace_address(child, old, new) for key, child in value.items()}
    if isinstance(value, list):
        return [replace_address(child, old, new) for child in value]
    if isinstance(value, str) and (value == old or value.startswith(f"{old}/")):
        return new + value.removeprefix(old)
    return value
