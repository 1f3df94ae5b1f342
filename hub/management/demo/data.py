"""The data of the demo: two customers, their accounts, and the routes for both."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

STAFF = "staff@example.com"
SYSTEMS = ("slack", "salesforce", "pipedrive", "splunk", "webhook")


@dataclass(frozen=True, slots=True)
class Customer:
    reference: str
    name: str
    time_zone: str
    team: str  # in Slack
    channel: str  # the channel for orders in Slack
    org: str  # in Salesforce
    company: str  # in Pipedrive
    buyer: Mapping[str, str]  # the person who orders
    owner: tuple[str, str]  # address and name of the tenant's owner
    colleagues: tuple[str, ...]  # names of people who are in every system, beside the buyer
    namesakes: str  # the name of two people in every system, and of one user without an address
    newcomer: str  # the name of a user who is in no system yet
    trial_org: str = ""  # a Salesforce sandbox that is not connected

    def account(self, system: str) -> str:
        """Return the account's id in this system, as the sandbox's ledger shows it."""
        return {"slack": self.team, "salesforce": self.org, "pipedrive": self.company}.get(
            system, self.reference
        )


CUSTOMERS = (
    Customer(
        reference="acme",
        name="Acme Teas",
        time_zone="Europe/Berlin",
        team="T0000ACME",
        channel="C000ACMEORDERS",
        org="00D000000000001EAA",
        company="701",
        buyer={"customer": "Ann Archer", "email": "ann@acme.example", "currency": "EUR"},
        owner=("owner@acme.example", "Olga Owner"),
        colleagues=("Bob Baker", "Carla Conti", "Olga Owner"),
        namesakes="Dan Miller",
        newcomer="Erin Evans",
        trial_org="00D000000000003EAA",
    ),
    Customer(
        reference="globex",
        name="Globex Coffee",
        time_zone="America/New_York",
        team="T000GLOBEX",
        channel="C00GLOBEXORDERS",
        org="00D000000000002EAA",
        company="702",
        buyer={"customer": "Cat Cole", "email": "cat@globex.example", "currency": "USD"},
        owner=("owner@globex.example", "Otto Owner"),
        colleagues=("Dov Dane", "Eve Egan", "Otto Owner"),
        namesakes="Kim Lee",
        newcomer="Finn Falk",
    ),
)
ITEMS = [
    {"name": "Earl Grey", "quantity": 2, "price": "4.25"},
    {"name": "Teapot", "quantity": 1, "price": "24.00"},
]

ORDER_FIELD = {  # of Salesforce's Opportunity: the external id of an order
    "name": "OrderNumber__c",
    "label": "Order number",
    "type": "string",
    "length": 255,
    "external_id": True,
    "unique": True,
}


@dataclass(frozen=True, slots=True)
class PlatformRoute:
    """A route for all tenants, and its field mapping."""

    name: str
    event_type: str
    connector: str
    action: str
    mapping: Mapping[str, Any]
    origin: str = ""  # the connector that receives the events; empty: our application


INCOMING_ROUTES = (
    PlatformRoute(
        name="Question in Slack: answered by our application",
        event_type="slack.mention.created",
        origin="slack",
        connector="app",
        action="submit_question",
        mapping={
            "text": "data.text",
            "connection": "data.connection",
            "channel": "data.channel",
            "thread_ts": "data.thread_ts || data.ts",
            "user": "data.user",
        },
    ),
    PlatformRoute(
        name="Sign-up in Pipedrive: a lead in Salesforce",
        event_type="pipedrive.person.created",
        origin="pipedrive",
        connector="salesforce",
        action="create",
        mapping={
            "object": "'Lead'",
            "fields": {
                "LastName": "truncate(data.record.name, `80`)",
                "Company": "default(data.record.org_name, 'Pipedrive')",
                "Email": "data.record.emails[0].value",
            },
        },
    ),
    PlatformRoute(
        name="Order in Salesforce: a shipping label",
        event_type="salesforce.order.created",
        origin="salesforce",
        connector="app",
        action="create_label",
        mapping={
            "order": "default(data.record.OrderNumber, data.id)",
            "recipient": "data.record.Name",
            "address": "data.record.Description",
        },
    ),
)
ROUTES = (
    PlatformRoute(
        name="New order: a message in Slack",
        event_type="order.created",
        connector="slack",
        action="post_message",
        mapping={
            "channel": "identity('channel', 'orders')",
            # unescaped, a customer who is called <!channel> would call everybody
            "text": "concat('New order ', data.number, ' from ', "
            "escape(text(data.customer)), ': ', "
            "money(data.total, data.currency), ' (', format_date(occurred_at, 'dddd, HH:mm'), ')')",
        },
    ),
    PlatformRoute(
        name="New order: an opportunity in Salesforce",
        event_type="order.created",
        connector="salesforce",
        action="upsert",
        mapping={
            "object": "'Opportunity'",
            "external_id_field": f"'{ORDER_FIELD['name']}'",
            "external_id": "text(data.number)",
            "fields": {
                "Name": "truncate(concat(data.customer, ', ', "
                "money(data.total, data.currency)), `120`)",
                "StageName": "'Closed Won'",
                "CloseDate": "format_date(occurred_at, 'YYYY-MM-DD')",
                "Amount": "round(data.total, `2`)",
                "Description": "concat(join(', ', default(data.items[*].name, `[]`)), "
                "' for ', data.email)",
            },
        },
    ),
    PlatformRoute(
        name="New order: a deal in Pipedrive",
        event_type="order.created",
        connector="pipedrive",
        action="create_deal",
        mapping={
            "title": "truncate(concat(data.number, ' from ', data.customer), `120`)",
            "value": "round(data.total, `2`)",
            "currency": "data.currency",
            "status": "'won'",
        },
    ),
    PlatformRoute(
        name="New order: an event in Splunk",
        event_type="order.created",
        connector="splunk",
        action="send_event",
        mapping={
            "time": "epoch(occurred_at)",
            "host": "'shop'",
            "source": "'integration-hub'",
            "sourcetype": "'_json'",
            "event": {
                "type": "type",
                "number": "data.number",
                "customer": "data.customer",
                "email": "data.email",
                "total": "round(data.total, `2`)",
                "currency": "data.currency",
                "items": "data.items",
                "local_time": "to_zone(occurred_at)",
            },
            "fields": {"tenant": "tenant"},
        },
    ),
    PlatformRoute(
        name="New order: a signed webhook",
        event_type="order.created",
        connector="webhook",
        action="send",
        mapping={"type": "type", "timestamp": "occurred_at", "data": "data"},
    ),
    PlatformRoute(
        name="Order shipped: notify our application",
        event_type="order.shipped",
        connector="app",
        action="send_event",
        mapping={"type": "type", "timestamp": "occurred_at", "data": "data"},
    ),
    *INCOMING_ROUTES,
)
