"""The URLs to which the demo's systems send webhooks, and the secrets that sign them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from connectors.registry import CONNECTORS
from hub.connections.models import Connection, ConnectorApp
from hub.incoming.endpoints.create import (
    endpoint_url,
    get_or_create_app_endpoint,
    get_or_create_connection_endpoint,
)
from hub.incoming.models import InboundEndpoint

CREATED = "?change=created"  # Salesforce: its messages about new records have a URL of their own


def describe_app_hooks(*, now: datetime) -> dict[str, Any]:
    """Return, by system, the URL that all tenants share and the secret that verifies it."""
    source = CONNECTORS["slack"].webhook_source
    assert source is not None
    endpoint = get_or_create_app_endpoint("slack", source, now=now)
    app = ConnectorApp.objects.get(connector_key="slack")
    return {
        "slack": {"url": endpoint_url(endpoint), "signing_secret": app.open()["signing_secret"]}
    }


def describe_tenant_hooks(
    connections: Mapping[str, Connection], *, now: datetime
) -> dict[str, Any]:
    """Return the URLs and secrets of a tenant's connections, by system."""
    endpoints = {
        system: get_or_create_connection_endpoint(connections[system], now=now)
        for system in ("pipedrive", "salesforce", "splunk", "signed_webhook")
    }
    urls = {system: endpoint_url(endpoint) for system, endpoint in endpoints.items()}
    user, _separator, password = read_secret(endpoints["pipedrive"]).partition(":")
    standard = connections["signed_webhook"]
    return {
        "pipedrive": {"url": urls["pipedrive"], "username": user, "password": password},
        "salesforce": {
            "url": urls["salesforce"] + CREATED,
            "organization": connections["salesforce"].account,
        },
        "splunk": {"url": urls["splunk"]},
        "standard_webhooks": {
            "url": urls["signed_webhook"],
            "secret": standard.credential.open(standard)["signing_secret"],
        },
    }


def read_secret(endpoint: InboundEndpoint) -> str:
    """Return the newest secret that the hub generated for an endpoint."""
    secret: str = endpoint.open()["secrets"][0]["secret"]
    return secret
