"""A hub of part 1 in the middle of its work, written by part 1's own code: see README.md beside
this file.
"""

import uuid

from connectors.wire import Response
from django.test import Client
from hub.outgoing.pump.claim import claim
from hub.outgoing.pump.drive import pump as drive

from hub import audit
from hub.connections.models import Connection
from hub.egress import Unanswered
from hub.outgoing.models import Delivery
from hub.outgoing.pump import place
from hub.queue import beat, ring
from tenants.models import ApiKey
from tests.makers import MINUTE, NOON, ORDER, WHSEC, Makers
from tests.upgrade.answers import build_http

SHOP = ("events:write", "events:read", "deliveries:read", "deliveries:write")
DEAD_PUMP = uuid.UUID(int=1)
LATER = NOON + 2 * MINUTE


def fill():
    make = Makers()
    acme, globex = people(make)
    systems(make, acme)
    systems(make, globex)
    stopped(make, acme)
    broken(make, globex)
    cancelled()
    interrupted(make, acme, globex)
    waiting(make, acme, globex)
    bells()


def zeros(size):
    """So that the test knows the text of the key."""
    return bytes(size)


def pump(http, at=NOON):
    drive(clock=lambda: at, outlet=http.outlet, random=lambda: 0, stay=0)


def people(make):
    """Two tenants with their people and keys, and what staff did."""
    acme, globex = make.tenant("acme", time_zone="Europe/Berlin"), make.tenant("globex")
    make.membership(acme, make.user("owner@acme.example.com"), role="owner")
    root = make.user("root@example.com", is_staff=True, is_superuser=True)
    Client().force_login(root)
    ApiKey.issue(name="the shop", scopes=SHOP, tenant=acme, random=zeros)
    make.api_key(None, created_by=root)
    for row, tenant in ((acme, acme), (globex, globex), (root, None)):
        for verb in ("create", "change"):
            told = {
                "actor": audit.Actor.of_user(root),
                "reason": "they asked",
                "after": {"name": "Zoë", "secret": "x"},
            }
            audit.record(verb=f"row.{verb}", obj=row, tenant=tenant, now=NOON, **told)
    return acme, globex


def systems(make, tenant):
    """Each connected, and what came through: delivered and filtered."""
    hook = make.connection(tenant, settings={"url": f"https://{tenant.reference}.example.com/in"})
    make.route(hook, filter="data.total > `10`")
    slack = make.connection(tenant, "slack")
    make.identity(slack, "user", "ann@acme.test", "U7")
    make.route(slack, action="post_message")
    make.route(make.connection(tenant, "salesforce"), action="create")
    make.route(make.connection(tenant, "splunk"), action="send_event")
    make.event(tenant, id="first")
    make.event(tenant, id="small", data=ORDER | {"total": 1})
    pump(build_http())


def stopped(make, tenant):
    """Held by the state of its connection."""
    paused = make.connection(
        tenant, name="paused", settings={"url": "https://paused.example.com/in"}
    )
    lost = make.connection(tenant, "splunk", name="lost")
    make.route(paused, event_type="order.paid")
    make.route(lost, action="send_event", event_type="order.paid")
    make.event(tenant, "order.paid", id="paid")
    make.event(tenant, "order.paid", id="paid-again")
    paused.pause("holidays", until=None, now=NOON)
    lost.need_reconnect("token_revoked", now=NOON)


def broken(make, tenant):
    """Held by a reason of its own, given up, or asked by nobody; and a platform's own
    application.
    """
    hook = Connection.unscoped.get(tenant=tenant, connector="webhook")
    make.app("salesforce", {"client_id": "3MVG9", "client_secret": "app-secret"})
    make.connection(connector="app", name="our shop", secret={"signing_secret": WHSEC})
    make.route(hook, event_type="order.broken", body={"due": "format_date(data.number, 'YYYY')"})
    make.route(hook, event_type="order.late", retry_schedule=[1])
    make.route(connector="app", action="send_event", event_type="order.told")
    for kind in ("broken", "late", "told", "unheard"):
        make.event(tenant, f"order.{kind}", id=kind)
    initech = make.tenant("initech")
    make.route(tenant=initech, connector="splunk", action="send_event", event_type="order.stray")
    make.event(initech, "order.stray", id="stray")
    for at in (NOON, NOON + MINUTE):
        pump(build_http({"globex": Unanswered("timed_out", "globex.example.com")}), at=at)


def cancelled():
    delivery = Delivery.unscoped.filter(connection__name="paused").earliest("pk")
    delivery.move("cancelled", reason="by_hand", due_at=None, moved_at=NOON)


def interrupted(make, *tenants):
    """What a pump had claimed, and what it had been asked to wait with, when it was killed."""
    asked_to_wait(make, *tenants)
    claim(DEAD_PUMP, now=LATER, lanes=100)


def asked_to_wait(make, *tenants):
    for tenant in tenants:
        make.event(tenant, id="interrupted", now=LATER)
    busy = Response(429, headers={"retry-after": "300"}, at=LATER)
    pump(build_http({"slack": busy, "globex": Response(500)}), at=LATER)
    make.event(tenants[0], id="on its way", now=LATER)
    place.take(DEAD_PUMP, places=1, now=LATER)


def waiting(make, *tenants):
    for tenant in tenants:
        for number in range(3):
            make.event(
                tenant,
                id=f"waiting-{number}",
                data=ORDER | {"number": f"W-{number}"},
                now=LATER + MINUTE,
            )
    make.event(tenants[0], "order.paid", id="paid-later", now=LATER + MINUTE)


def bells():
    """Rung, and heard by nobody."""
    for bell in ("pump", "drain", "refresh:1"):
        ring(bell, now=LATER + MINUTE)
    beat("sweep", now=LATER + MINUTE)
