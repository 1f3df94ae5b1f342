"""Create the demo's rows with random secrets; existing rows get new secrets."""

import base64
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from connectors.registry import CONNECTORS
from connectors.schema import LOGIN_HOST
from hub.connections.models import Connection, ConnectorApp, Credential, Lane
from hub.crypto.sealed import seal
from hub.management.demo import hooks, people
from hub.management.demo.data import CUSTOMERS, ROUTES, SYSTEMS, Customer, PlatformRoute
from hub.management.demo.scheduled_jobs import create_demo_jobs
from hub.mappings.models import FieldMapping, Identity, MappingVersion
from hub.outgoing.models import Route
from tenants.api_scopes import SCOPES
from tenants.models import ApiKey, Tenant

RandomBytes = Callable[[int], bytes]
DemoSummary = dict[str, Any]  # the content of var/demo.json

TENANT_SCOPES = [name for name, scope in SCOPES.items() if not scope.platform_only]
KEY_NAME = "Demo"
SIGNED_WEBHOOK = "signed_webhook"  # the connector of signed webhooks that the demo receives


@transaction.atomic
def load_demo_rows(
    *, hub_url: str, sandbox_url: str, app_secret: str, random: RandomBytes, now: datetime
) -> DemoSummary:
    for connector, secret in generate_app_secrets(random).items():
        register_demo_app(connector, secret, sandbox_url)
    create_demo_connection(
        None,
        "app",
        account="",
        secret={"signing_secret": app_secret or generate_signing_secret(random)},
        settings={},
        now=now,
    )
    for route in ROUTES:
        create_demo_route(route, now=now)
    create_demo_jobs(now=now)
    return {
        "hub": hub_url,
        "sandbox": sandbox_url,
        "staff": people.create_staff_user(random),
        "platform_key": issue_demo_key(None, list(SCOPES), random, now=now),
        "hooks": hooks.describe_app_hooks(now=now),
        "tenants": [
            create_demo_tenant(customer, sandbox_url, random, now=now) for customer in CUSTOMERS
        ],
    }


def create_demo_tenant(
    customer: Customer, sandbox_url: str, random: RandomBytes, *, now: datetime
) -> DemoSummary:
    tenant, _ = Tenant.objects.get_or_create(
        reference=customer.reference,
        defaults={"name": customer.name, "time_zone": customer.time_zone},
    )
    connections = create_tenant_connections(tenant, customer, sandbox_url, random, now=now)
    for purpose in ("orders", "reports"):
        Identity.unscoped.get_or_create(
            connection=connections["slack"],
            kind="channel",
            local_id=purpose,
            defaults={"remote_id": customer.channel},
        )
    return {
        "reference": tenant.reference,
        "owner": people.create_tenant_owner(customer, tenant, random),
        "key": issue_demo_key(tenant, TENANT_SCOPES, random, now=now),
        "connections": {system: str(connections[system].public_id) for system in SYSTEMS},
        "hooks": hooks.describe_tenant_hooks(connections, now=now),
    }


def create_tenant_connections(
    tenant: Tenant, customer: Customer, sandbox_url: str, random: RandomBytes, *, now: datetime
) -> dict[str, Connection]:
    """Create a connection of every system, and one that receives signed webhooks."""
    secrets = generate_credentials(customer, random)
    connections = {
        system: create_demo_connection(
            tenant,
            system,
            account=customer.account(system)
            if CONNECTORS[system].needs_oauth
            else "",  # the other systems report no account
            secret=secrets[system],
            settings=build_connection_settings(customer, system, sandbox_url),
            now=now,
        )
        for system in SYSTEMS
    }
    connections[SIGNED_WEBHOOK] = create_demo_connection(
        tenant,
        SIGNED_WEBHOOK,
        account="",
        secret={"signing_secret": generate_signing_secret(random)},
        settings={"preset": "standard_webhooks"},
        now=now,
    )
    return connections


# --- rows -----------------------------------------------------------------------------------------


def register_demo_app(connector: str, secret: Mapping[str, str], sandbox_url: str) -> None:
    app = ConnectorApp.objects.filter(connector_key=connector).first() or ConnectorApp(
        connector_key=connector
    )
    app.urls = build_app_urls(sandbox_url)[connector]
    app.hosts = [sandbox_url] if CONNECTORS[connector].hosts else []
    app.seal(secret)
    app.save()


def create_demo_connection(
    tenant: Tenant | None,
    connector: str,
    *,
    account: str,
    secret: Mapping[str, str],
    settings: Mapping[str, Any],
    now: datetime,
) -> Connection:
    existing = (
        Connection.unscoped.filter(tenant=tenant, connector_key=connector).order_by("pk").first()
    )
    connection = existing or Connection(
        tenant=tenant, connector_key=connector, name=CONNECTORS[connector].label
    )
    connection.account, connection.settings, connection.changed_at = account, settings, now
    connection.account_name = tenant.name if tenant else connection.name
    connection.save()
    sealed = seal(secret, Credential.binding(connection))
    Credential.unscoped.update_or_create(
        connection=connection, defaults={"sealed": sealed, "updated_at": now}
    )
    Lane.unscoped.get_or_create(
        connection=connection, defaults={"in_flight": connection.connector.in_flight}
    )
    return connection


def create_demo_route(route: PlatformRoute, *, now: datetime) -> None:
    if Route.unscoped.filter(tenant=None, name=route.name).exists():
        return
    mapping = FieldMapping.unscoped.create(
        name=route.name, connector_key=route.connector, action=route.action
    )
    MappingVersion.unscoped.create(mapping=mapping, number=1, body=route.mapping, created_at=now)
    Route.unscoped.create(
        name=route.name,
        event_type=route.event_type,
        origin_connector_key=route.origin,
        connector_key=route.connector,
        action=route.action,
        mapping=mapping,
        changed_at=now,
    )


def issue_demo_key(
    tenant: Tenant | None, scopes: list[str], random: RandomBytes, *, now: datetime
) -> str:
    for lost in ApiKey.unscoped.filter(tenant=tenant, name=KEY_NAME, revoked_at=None):
        lost.revoke(now=now)
    _, text = ApiKey.issue(name=KEY_NAME, scopes=scopes, tenant=tenant, random=random)
    return text


# --- addresses and secrets ------------------------------------------------------------------------


def build_app_urls(sandbox_url: str) -> dict[str, dict[str, str]]:
    login, test, own = (
        f"{sandbox_url}/salesforce/{host}" for host in ("login", "test", LOGIN_HOST)
    )
    return {
        "slack": {
            "api": f"{sandbox_url}/slack/api",
            "authorize": f"{sandbox_url}/slack/oauth/v2/authorize",
            "respond": f"{sandbox_url}/slack/hooks",
        },
        "salesforce": {
            "login": login,
            "token": f"{login}/services/oauth2/token",
            "sandbox_login": test,
            "sandbox_token": f"{test}/services/oauth2/token",
            "domain_login": own,
            "domain_token": f"{own}/services/oauth2/token",
        },
        "pipedrive": {"api": sandbox_url, "oauth": f"{sandbox_url}/pipedrive/oauth"},
        "app": {"api": f"{sandbox_url}/app/api"},
    }


def build_connection_settings(customer: Customer, system: str, sandbox_url: str) -> dict[str, Any]:
    settings_by_system: dict[str, dict[str, Any]] = {
        "slack": {},
        "salesforce": {"instance_url": f"{sandbox_url}/salesforce/{customer.org}"},
        "pipedrive": {"api_domain": f"{sandbox_url}/pipedrive/{customer.reference}"},
        "splunk": {"url": f"{sandbox_url}/splunk/{customer.reference}", "use_ack": True},
        "webhook": {"url": f"{sandbox_url}/webhook/{customer.reference}"},
    }
    return settings_by_system[system]


def generate_app_secrets(random: RandomBytes) -> dict[str, dict[str, str]]:
    return {
        "slack": {
            "client_id": "demo.slack",
            "client_secret": random(16).hex(),
            "signing_secret": random(16).hex(),
        },
        "salesforce": {"client_id": "demo.salesforce", "client_secret": random(32).hex()},
        "pipedrive": {"client_id": "demo.pipedrive", "client_secret": random(20).hex()},
        "app": {},
    }


def generate_credentials(customer: Customer, random: RandomBytes) -> dict[str, dict[str, str]]:
    """Generate the customer's credentials, each in the format of its system."""
    return {
        "slack": {"access_token": f"xoxb-{random(24).hex()}"},
        "salesforce": {
            "access_token": f"{customer.org[:15]}!{random(40).hex()}",
            "refresh_token": "5Aep" + random(32).hex(),
        },
        "pipedrive": {
            "access_token": f"v1u:{random(40).hex()}",
            "refresh_token": f"{customer.company}:{random(20).hex()}",
        },
        "splunk": {"token": str(uuid.UUID(bytes=random(16), version=4))},
        "webhook": {"signing_secret": generate_signing_secret(random)},
    }


def generate_signing_secret(random: RandomBytes) -> str:
    return "whsec_" + base64.b64encode(random(32)).decode()
