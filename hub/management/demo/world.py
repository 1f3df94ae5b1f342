"""The sandbox's accounts, with the same tokens as the demo's rows in the hub."""

from typing import Any

from hub.connections.models import Connection, ConnectorApp
from hub.management.demo import people
from hub.management.demo.data import CUSTOMERS, ORDER_FIELD, SYSTEMS, Customer
from hub.management.demo.demo_rows import DemoSummary

World = dict[str, Any]

SLACK_APP = "A0000000HUB"
SLACK_SCOPES = (
    "chat:write,chat:write.public,channels:read,users:read,users:read.email,"
    "app_mentions:read,im:history,commands,files:write"
)
PIPEDRIVE_SCOPES = "base,contacts:full,deals:full,leads:full,activities:full,users:read,admin"
FIELDS = {"Opportunity": [ORDER_FIELD]}


def build_world(demo: DemoSummary) -> World:
    """Build the accounts from the hub's rows, so that the sandbox accepts the hub's tokens."""
    apps = {app.connector_key: app.open() for app in ConnectorApp.objects.all()}
    customers = {customer.reference: customer for customer in CUSTOMERS}
    world: World = {system: [] for system in SYSTEMS}
    for entry in demo["tenants"]:
        secrets = {name: open_secret(public_id) for name, public_id in entry["connections"].items()}
        customer = customers[entry["reference"]]
        for section, account in build_accounts(customer, secrets, apps).items():
            world[section].append(account)
        if customer.trial_org:
            trial = {"org": customer.trial_org, "name": f"{customer.name} UAT", "sandbox": True}
            trial["login_host"] = f"{customer.reference}--uat.sandbox.my.salesforce.com"
            world["salesforce"].append(
                trial | {"fields": FIELDS} | select_client_credentials(apps["salesforce"])
            )
    return world | {"app": build_shop(demo, customers)} | build_senders(demo)


def build_senders(demo: DemoSummary) -> World:
    """Build the settings of the sandbox's webhook senders."""
    hooks = {entry["reference"]: entry["hooks"] for entry in demo["tenants"]}
    return {
        "slack_apps": [build_slack_app(demo)],
        "splunk_alerts": [
            {"stack": reference, "name": "Orders that failed", "url": entry["splunk"]["url"]}
            for reference, entry in hooks.items()
        ],
        "standard_webhooks": [
            {"sender": reference, **entry["standard_webhooks"]}
            for reference, entry in hooks.items()
        ],
    }


def build_slack_app(demo: DemoSummary) -> World:
    """Build the settings of our Slack app: the URLs to which it sends, and its signing secret."""
    hook = demo["hooks"]["slack"]
    return {
        "app_id": SLACK_APP,
        "signing_secret": hook["signing_secret"],
        "request_url": hook["url"],
        "interactivity_url": hook["url"],
        "slash_commands": [
            {"command": "/order", "url": hook["url"], "description": "The state of an order"}
        ],
    }


def update_hub_address(world: World, demo: DemoSummary) -> World:
    """Return the world with other addresses of the hub."""
    return world | {
        "app": world.get("app", {}) | {"hub": demo["hub"]},
        **build_senders(demo),
    }


def open_secret(public_id: str) -> dict[str, Any]:
    connection = Connection.unscoped.select_related("credential").get(public_id=public_id)
    return connection.credential.open(connection)


def build_accounts(customer: Customer, secrets: dict[str, Any], apps: dict[str, Any]) -> World:
    return {
        "slack": {
            "team": customer.team,
            "name": customer.name,
            "domain": customer.reference,
            "token": secrets["slack"]["access_token"],
            "channels": [{"id": customer.channel, "name": "orders"}],
            "users": people.build_slack_users(customer),
            "scopes": SLACK_SCOPES,
            **select_client_credentials(apps["slack"]),
        },
        "salesforce": {
            "org": customer.org,
            "name": customer.name,
            "login_host": f"{customer.reference}.my.salesforce.com",
            "access_token": secrets["salesforce"]["access_token"],
            "refresh_token": secrets["salesforce"]["refresh_token"],
            "fields": FIELDS,
            "users": people.build_salesforce_users(customer),
            "requires_pkce": True,
            **select_client_credentials(apps["salesforce"]),
        },
        "pipedrive": build_pipedrive_company(customer, secrets["pipedrive"], apps["pipedrive"]),
        "splunk": {"stack": customer.reference, "token": secrets["splunk"]["token"], "ack": True},
        "webhook": {
            "endpoint": customer.reference,
            "name": customer.name,
            "secret": secrets["webhook"]["signing_secret"],
            "strict": True,
        },
    }


def build_pipedrive_company(
    customer: Customer, secret: dict[str, Any], app: dict[str, Any]
) -> World:
    return {
        "company": customer.company,
        "name": customer.name,
        "domain": customer.reference,
        "user": customer.buyer["customer"],
        "email": customer.buyer["email"],
        "users": people.build_pipedrive_users(customer),
        "access_token": secret["access_token"],
        "refresh_token": secret["refresh_token"],
        "scopes": PIPEDRIVE_SCOPES,
        **select_client_credentials(app),
    }


def select_client_credentials(app: dict[str, Any]) -> dict[str, str]:
    return {key: app[key] for key in ("client_id", "client_secret")}


def build_shop(demo: DemoSummary, customers: dict[str, Customer]) -> World:
    app = Connection.unscoped.select_related("credential").get(connector_key="app")
    tenants = [
        {
            "reference": entry["reference"],
            "name": customers[entry["reference"]].name,
            "hub_key": entry["key"],
            "users": people.build_own_users(customers[entry["reference"]]),
            **{
                system: customers[entry["reference"]].account(system)
                for system in entry["connections"]
            },
        }
        for entry in demo["tenants"]
    ]
    return {
        "hub": demo["hub"],
        "secret": app.credential.open(app)["signing_secret"],
        "tenants": tenants,
    }
