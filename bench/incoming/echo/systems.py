"""Salesforce and Pipedrive of one tenant in the sandbox, with routes both ways."""

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from bench import seed
from bench.incoming.echo.judge import Attempt
from bench.installation import web
from bench.installation.processes import MANAGE, running, wait_until
from bench.installation.sandbox import Sandbox, sandbox_process
from hub.connections.models import USER_ID, Connection
from hub.db.clock import clock
from hub.incoming.models import InboundItem, InboundMessage, WebhookSubscription
from hub.incoming.registration.scheduling.checks import create_missing_endpoints
from hub.outgoing.models import Delivery

ORG, COMPANY, DOMAIN = "00D000000000001EAA", "701", "acme"
USERS: Mapping[str, Sequence[str]] = {  # the connected person first
    "salesforce": ("005000000000001AAA", "005000000000002AAA"),
    "pipedrive": ("31", "32"),
}
TOKENS = {"salesforce": "00D000000000001!bench", "pipedrive": "v1u:bench"}
MANY = 100_000_000  # no quota is measured here
WORLD = {
    "salesforce": [
        {
            "org": ORG,
            "access_token": TOKENS["salesforce"],
            "user": USERS["salesforce"][0],
            "daily_limit": MANY,
            "session_timeout": MANY,
        }
    ],
    "pipedrive": [
        {
            "company": COMPANY,
            "domain": DOMAIN,
            "user_id": int(USERS["pipedrive"][0]),
            "access_token": TOKENS["pipedrive"],
            "scopes": "base,contacts:full,deals:full,activities:full,admin",
            "expires_in": MANY,
            "daily_tokens": MANY,
            "burst": MANY,
        }
    ],
}
LEAD = {"LastName": "data.record.name", "Company": "'Acme'"}
# of the fourteen kinds of changes that people make, these have a route
ROUTES: Sequence[tuple[str, str, Mapping[str, Any]]] = (
    ("salesforce.lead.created", "create_person", {"name": "data.record.LastName"}),
    (
        "salesforce.lead.updated",
        "update_person",
        {"id": "identity('person', data.id)", "name": "data.record.LastName"},
    ),
    ("pipedrive.person.created", "create", {"object": "'Lead'", "fields": LEAD}),
    (
        "pipedrive.person.updated",
        "update",
        {
            "object": "'Lead'",
            "record_id": "identity('lead', data.id)",
            "fields": {"LastName": "data.record.name"},
        },
    ),
    (
        "pipedrive.organization.created",
        "create",
        {"object": "'Account'", "fields": {"Name": "data.record.name"}},
    ),
    (
        "salesforce.account.updated",
        "update_organization",
        {"id": "identity('organization', data.id)", "name": "data.record.Name"},
    ),
)
# Pipedrive registers an object with all its changes: of these fourteen kinds, half are told
ROUTED = frozenset(type for type, _, _ in ROUTES)
REGISTERED = ROUTED | {"pipedrive.organization.updated"}
REGISTRATIONS = 5  # three of Salesforce, two of Pipedrive


@dataclass(frozen=True, slots=True)
class SystemObject:
    """A kind of records of one system; `weight`: how often people create one."""

    system: str
    key: str  # in the words of the hub's events
    path: str  # in the addresses of the system's pages
    name_field: str
    unmapped_field: str  # of its form, which no route writes; empty: none
    weight: int
    required: Mapping[str, str]

    @property
    def id_field(self) -> str:
        return "Id" if self.system == "salesforce" else "id"


OPPORTUNITY = {"StageName": "Prospecting", "CloseDate": "2026-12-31"}
OBJECTS: Mapping[str, Sequence[SystemObject]] = {
    "salesforce": (
        SystemObject("salesforce", "lead", "Lead", "LastName", "Status", 9, {"Company": "Acme"}),
        SystemObject("salesforce", "account", "Account", "Name", "Phone", 0, {}),
        SystemObject("salesforce", "opportunity", "Opportunity", "Name", "", 1, OPPORTUNITY),
    ),
    "pipedrive": (
        SystemObject("pipedrive", "person", "persons", "name", "phone", 5, {}),
        SystemObject("pipedrive", "organization", "organizations", "name", "", 4, {}),
        SystemObject("pipedrive", "deal", "deals", "title", "", 1, {}),
        SystemObject("pipedrive", "activity", "activities", "subject", "", 1, {}),
    ),
}
# the field of a record by the field of the form, where they differ
FIELDS: Mapping[str, Mapping[str, str]] = {"salesforce": {}, "pipedrive": {"phone": "phones"}}
ACCOUNTS = {"salesforce": ORG, "pipedrive": COMPANY}
REGISTERED_WITHIN, PROCESSED_WITHIN, QUIET = 120.0, 180.0, 3.0  # seconds


class TwoSystems:
    """The pages of both systems, and what they know."""

    users = USERS

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox

    def create(self, object: SystemObject, values: Mapping[str, str], *, user: str) -> str:
        """Create a record on a page, and return its id."""
        path = (
            f"/salesforce/{ORG}/lightning/o/{object.path}/new"
            if object.system == "salesforce"
            else f"/pipedrive/{COMPANY}/{object.path}/"
        )
        location = self.sandbox.post_form(path, {**object.required, **values, "user": user})
        return location.removesuffix("/view").rpartition("/")[2]

    def edit(self, object: SystemObject, id: str, values: Mapping[str, str], *, user: str) -> None:
        path = (
            f"/salesforce/{ORG}/lightning/r/{object.path}/{id}/edit"
            if object.system == "salesforce"
            else f"/pipedrive/{COMPANY}/{object.path}/{id}"
        )
        self.sandbox.post_form(path, {"do": "save", **values, "user": user})

    def list_records(self, object: SystemObject) -> list[dict[str, Any]]:
        account = ACCOUNTS[object.system]
        query = {"system": object.system, "account": account, "object": object.path}
        return self.sandbox.get_rows(f"/_control/records?{urlencode(query)}")

    def count_disturbed(self) -> Counter[str]:
        """Return how many echoes were caused, lost, doubled, and are still to be sent."""
        answer = json.loads(self.sandbox.get("/_control/disturb"))
        counts = Counter[str]()
        for disturbance in answer["disturbances"].values():
            counts.update(disturbance["counts"])
        return counts

    def list_attempts(self) -> list[Attempt]:
        """Return the webhooks that both systems sent, in the order of their answers."""
        rows = json.loads(self.sandbox.get("/_control/sent?since=0"))["sent"]
        return [
            Attempt(
                row["system"],
                row["event"].partition(".")[0],
                row["id"],
                row["attempt"],
                row["status"],
                datetime.fromisoformat(row["at"]).timestamp(),
            )
            for row in rows
        ]

    def count_unsent(self) -> int:
        """Return how many writes did not arrive, and how many changes were not processed."""
        open_items = ("received", "held", "unmatched", "quarantined")
        return (
            Delivery.unscoped.exclude(state="delivered").count()
            + InboundItem.unscoped.filter(state__in=open_items).count()
        )


@contextmanager
def two_systems(disturbance: Mapping[str, Any]) -> Iterator[TwoSystems]:
    """Run the sandbox, web and worker until the end of the block; webhooks are registered."""
    with sandbox_process(WORLD) as sandbox:
        connect(sandbox.url)
        port = web.free_port()
        environment = web.environment_of(port) | {
            "HUB_PUBLIC_URL": f"http://127.0.0.1:{port}",
            "HUB_EGRESS_ALLOW": ",".join([os.environ["HUB_EGRESS_ALLOW"], sandbox.place]),
        }
        commands = web.command(), [*MANAGE, "work"]
        with running(*commands, environment=environment, stdout=sys.stderr):
            web.wait_until_it_answers(port)
            create_missing_endpoints(now=clock())
            verified = WebhookSubscription.unscoped.filter(state="verified")
            wait_until(
                lambda: verified.count() == REGISTRATIONS,
                within=REGISTERED_WITHIN,
                every=0.5,
                what="the registrations of webhooks",
            )
            for system in ACCOUNTS:
                sandbox.post("/_control/disturb", {"system": system, **disturbance})
            yield TwoSystems(sandbox)


def connect(url: str) -> None:
    """Connect both systems for one tenant, with routes both ways."""
    seed.empty()
    (salesforce,) = seed.connections(
        1,
        url,
        connector="salesforce",
        secret={"access_token": TOKENS["salesforce"], "refresh_token": "none"},
        account=ORG,
    )
    salesforce.settings = {
        "instance_url": f"{url}/salesforce/{ORG}",
        USER_ID: USERS["salesforce"][0],
    }
    salesforce.save()
    pipedrive = Connection.unscoped.create(
        tenant=salesforce.tenant,
        connector_key="pipedrive",
        name="bench",
        account=COMPANY,
        settings={"api_domain": f"{url}/pipedrive/{DOMAIN}", USER_ID: USERS["pipedrive"][0]},
    )
    secret = {"access_token": TOKENS["pipedrive"], "refresh_token": "none"}
    seed.store_credentials([pipedrive], secret)
    for event_type, action, mapping in ROUTES:
        origin = event_type.partition(".")[0]
        target = "pipedrive" if origin == "salesforce" else "salesforce"
        seed.route(target, action, mapping=mapping, event_type=event_type, origin=origin)


def wait_until_all_is_processed(systems: TwoSystems, *, delay: float) -> None:
    """Wait until no echo is under way, and the hub has had nothing to do for a while."""
    quiet_since = time.monotonic()

    def is_quiet() -> bool:
        nonlocal quiet_since
        if systems.count_disturbed()["waiting"] or _is_hub_busy():
            quiet_since = time.monotonic()
        return time.monotonic() > quiet_since + QUIET

    wait_until(is_quiet, within=delay + PROCESSED_WITHIN, every=0.5, what="the end of all work")


def _is_hub_busy() -> bool:
    return (
        InboundMessage.unscoped.filter(due_at__isnull=False).exists()
        or InboundItem.unscoped.filter(state="received").exists()
        or Delivery.unscoped.filter(state__in=("waiting", "sending", "held")).exists()
    )
