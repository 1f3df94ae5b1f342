"""Deliveries in every state, connections in every trouble, and a pump that was killed."""

import uuid

from django.test import Client

from connectors.http import InFlight, Response
from hub.audit import Actor, ActorContext
from hub.connections.actions.kill_switches import switch_off
from hub.connections.models import Connection, KillSwitch
from hub.egress.errors import ResponseNotReceived
from hub.operations import operation_actions, operation_runner
from hub.outgoing.models import Delivery, Route
from hub.outgoing.pump.claiming.batch_sizing import BatchSizing
from hub.outgoing.pump.claiming.claim import claim_lanes
from hub.outgoing.pump.claiming.config_cache import ConfigCache
from hub.processes import loop_slots
from hub.throttle.demand import Demand, ScopeCost
from hub.throttle.reserve import reserve_calls
from tenants.models import ApiKey
from tests.factories import MINUTE, NOON, ORDER, WHSEC
from tests.hub.outgoing.operating import apply_action, copy_delivery, planned
from tests.upgrade.outside_world import answer_all, run_pump_once

SHOP_SCOPES = ("events:write", "events:read", "deliveries:read", "deliveries:write")
DEAD_PUMP = uuid.UUID(int=1)
LATER = NOON + 2 * MINUTE
PLACE = {"number": "data.number", "place": "data.place"}
STAFF = ActorContext(Actor("user", "2", "root@example.com"), is_unrestricted=True)


def zeros(size):
    """Return the random bytes of the key, so that a test knows its text."""
    return bytes(size)


def create_people(make):
    """Two tenants with their people and keys, and what staff did."""
    acme, globex = make.tenant("acme", time_zone="Europe/Berlin"), make.tenant("globex")
    make.membership(acme, make.user("owner@acme.example.com"), role="owner")
    root = make.user("root@example.com", is_staff=True, is_superuser=True)
    Client().force_login(root)
    ApiKey.issue(name="the shop", scopes=SHOP_SCOPES, tenant=acme, random=zeros)
    make.api_key(None, created_by=root)
    actor = ActorContext.of_user(root)
    for row, tenant in ((acme, acme), (globex, globex), (root, None)):
        for verb in ("create", "change"):
            after = {"name": "Zoë", "secret": "x"}
            actor.audit(
                f"row.{verb}", row, tenant=tenant, reason="they asked", after=after, now=NOON
            )
    return acme, globex


def connect_systems(make, tenant):
    """Each connected, and what came through: delivered and filtered."""
    webhook = make.connection(
        tenant, settings={"url": f"https://{tenant.reference}.example.com/in"}
    )
    make.route(webhook, filter="data.total > `10`")
    slack = make.connection(tenant, "slack")
    make.identity(slack, "user", "ann@acme.test", "U7")
    make.route(slack, action="post_message")
    make.route(make.connection(tenant, "salesforce"), action="create")
    make.route(make.connection(tenant, "splunk"), action="send_event")
    make.event(tenant, id="first")
    make.event(tenant, id="small", data=ORDER | {"total": 1})
    run_pump_once(answer_all())


def stop_connections(make, tenant):
    """Deliveries that are held by the state of their connection."""
    paused = connect_webhook(make, tenant, "paused")
    lost = make.connection(tenant, "splunk", name="lost")
    make.route(paused, event_type="order.paid")
    make.route(lost, action="send_event", event_type="order.paid")
    make.event(tenant, "order.paid", id="paid")
    make.event(tenant, "order.paid", id="paid-again")
    paused.pause("holidays", until=None, now=NOON)
    lost.mark_needs_reconnect("token_revoked", now=NOON)


def connect_webhook(make, tenant, name):
    return make.connection(tenant, name=name, settings={"url": f"https://{name}.example.com/in"})


def break_deliveries(make, tenant):
    """Held by a reason of their own, failed, without a connection; and our own application."""
    webhook = Connection.unscoped.filter(tenant=tenant, connector_key="webhook").earliest("pk")
    make.app("salesforce", {"client_id": "3MVG9", "client_secret": "app-secret"})
    make.connection(connector="app", name="our shop", secret={"signing_secret": WHSEC})
    body = {"due": "format_date(data.number, 'YYYY')"}
    make.route(webhook, event_type="order.broken", body=body)
    make.route(webhook, event_type="order.late", retry_schedule=[1])
    make.route(connector="app", action="send_event", event_type="order.told")
    for kind in ("broken", "late", "told", "unheard"):
        make.event(tenant, f"order.{kind}", id=kind)
    initech = make.tenant("initech")
    make.route(tenant=initech, connector="splunk", action="send_event", event_type="order.stray")
    make.event(initech, "order.stray", id="stray")
    for at in (NOON, NOON + MINUTE):
        timed_out = ResponseNotReceived("timed_out", "globex.example.com")
        run_pump_once(answer_all({"globex": timed_out}), at=at)


def cancel_one():
    delivery = Delivery.unscoped.filter(connection__name="paused").earliest("pk")
    apply_action("cancel", delivery, actor=STAFF)


def plan_operations(make, tenant):
    """One is planned, one is confirmed, and five rows are left of it."""
    given_up = connect_webhook(make, tenant, "given-up")
    make.route(given_up, event_type="order.lost", retry_schedule=[1])
    make.event(tenant, "order.lost", id="lost")
    for at in (NOON, NOON + MINUTE):
        run_pump_once(answer_all({"given-up": Response(500)}), at=at)
    lost = Delivery.unscoped.get(connection=given_up)
    rest = {"state": "failed", "reason": lost.reason, "due_at": None, "attempt_count": 2}
    copy_delivery(lost, operation_runner.BATCH_SIZE + 4, **rest)
    planned("skip", tenant, STAFF, state="held")
    half = planned("retry", tenant, STAFF, state="failed", connection=str(given_up.public_id))
    operation_actions.confirm_operation(half, STAFF, now=NOON + MINUTE)
    operation_runner.run_batch(half.pk, now=NOON + MINUTE)


def send_in_order(make, tenant):
    """Of two keys, each with a head that waits for another attempt, and others behind it."""
    ordered = connect_webhook(make, tenant, "ordered")
    make.route(ordered, event_type="order.moved", ordered=True, order_key="data.number", body=PLACE)
    for place, number in enumerate("AABAB"):
        data = ORDER | {"number": number, "place": place}
        make.event(tenant, "order.moved", id=f"moved-{place}", data=data, now=LATER)
    run_pump_once(answer_all({"ordered": Response(500)}), at=LATER)


def send_once(make, tenant):
    """What may have arrived, on a route that sends nothing twice, waits for a person."""
    slack = make.connection(tenant, "slack", name="never twice")
    make.route(slack, action="post_message", event_type="order.once", never_twice=True)
    make.event(tenant, "order.once", id="once", now=LATER)
    run_pump_once(answer_all({"slack": ResponseNotReceived("timed_out", "slack.com")}), at=LATER)


def let_expire(make, tenant):
    for name, seconds in (("soon", 60), ("late", 10**8)):
        connection = connect_webhook(make, tenant, name)
        make.route(connection, event_type="order.fresh", expires_after=seconds)
    make.event(tenant, "order.fresh", id="fresh", now=LATER)
    run_pump_once(answer_all({"soon": Response(500), "late": Response(500)}), at=LATER)


def open_breaker(make, tenant):
    """A circuit breaker that is open, with maintenance beside it."""
    down = connect_webhook(make, tenant, "down")
    make.route(down, event_type="order.tried")
    for number in range(12):
        make.event(tenant, "order.tried", id=f"tried-{number}", now=LATER)
    run_pump_once(answer_all({"down": Response(503)}), at=LATER)
    make.maintenance(down, starts_at=NOON + 10 * MINUTE)
    make.maintenance(connector="salesforce", starts_at=NOON + 30 * MINUTE)


def disable_endpoint(make, tenant):
    """A connection that its endpoint ended, with a notice."""
    make.route(connect_webhook(make, tenant, "gone"), event_type="order.gone")
    make.event(tenant, "order.gone", id="gone")
    run_pump_once(answer_all({"gone": Response(410)}))


def kill_pump(make, *tenants):
    """What a pump had claimed when it was killed, beside what it had been asked to wait with."""
    for tenant in tenants:
        make.event(tenant, id="interrupted", now=LATER)
    busy = Response(429, headers={"retry-after": "300"}, at=LATER)
    run_pump_once(answer_all({"slack": busy, "globex": Response(500)}), at=LATER)
    make.event(tenants[0], id="on its way", now=LATER)
    loop_slots.acquire_slot("pump", DEAD_PUMP, per_worker=1, total=1, now=LATER)
    claim_lanes(DEAD_PUMP, ConfigCache(), BatchSizing(), check_lease=lambda: None, now=LATER)


def crash_repeatedly():
    """What was on its way at another crash before, and capacity that the dead pump had taken."""
    sending = Delivery.unscoped.filter(state="sending", connection__connector_key="webhook")
    sending.update(crash_count=1)
    calls = ScopeCost("app|app||calls", InFlight(16))
    reserve_calls([Demand((calls,), 4, 4)], now=LATER, horizon=MINUTE, lease=DEAD_PUMP)


def publish_waiting(make, *tenants):
    for tenant in tenants:
        for number in range(3):
            data = ORDER | {"number": f"W-{number}"}
            make.event(tenant, id=f"waiting-{number}", data=data, now=LATER + MINUTE)
    make.event(tenants[0], "order.paid", id="paid-later", now=LATER + MINUTE)


def switch_some_off(tenant):
    route = Route.unscoped.filter(tenant=tenant, connector_key="slack").earliest("pk")
    for switch in (
        KillSwitch(scope="route", route=route, tenant=tenant, reason="wrong prices"),
        KillSwitch(
            scope="connector",
            connector_key="splunk",
            reason="moving",
            expires_at=NOON + 60 * MINUTE,
        ),
    ):
        switch_off(switch, ActorContext.system(), now=LATER + MINUTE)
