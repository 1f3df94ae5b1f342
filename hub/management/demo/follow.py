"""When the desk starts on other ports, the demo's addresses follow; whatever staff changed stays as it is."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q

from hub.connections.models import Connection, ConnectorApp
from hub.management.demo.load import Told


def stands(told: Told) -> bool:
    """Whether this database holds the demo that is told of."""
    return Connection.unscoped.filter(public_id__in=connections(told)).exists()


def connections(told: Told) -> list[str]:
    return [public_id for entry in told["tenants"] for public_id in entry["connections"].values()]


@transaction.atomic
def follow(told: Told, *, hub: str, sandbox: str, now: datetime) -> Told:
    """The same, told with today's addresses."""
    if told["sandbox"] != sandbox:
        for app in ConnectorApp.objects.all():
            app.urls, app.hosts = moved([app.urls, app.hosts], told["sandbox"], sandbox)
            app.save()
        for row in Connection.unscoped.filter(Q(public_id__in=connections(told)) | Q(connector_key="app")):
            row.settings, row.changed_at = moved(row.settings, told["sandbox"], sandbox), now
            row.save(update_fields=["settings", "changed_at"])  # what was held by the old address goes on
    return told | {"hub": hub, "sandbox": sandbox}


def moved(value: Any, old: str, new: str) -> Any:
    if isinstance(value, dict):
        return {key: moved(child, old, new) for key, child in value.items()}
    if isinstance(value, list):
        return [moved(child, old, new) for child in value]
    if isinstance(value, str) and (value == old or value.startswith(f"{old}/")):
        return new + value.removeprefix(old)
    return value
