"""The pages of incoming webhooks in a real browser, of staff and of customers: axe objects to
nothing, nothing is too wide, and nothing breaks.
"""

import pytest
from django.test import Client
from django.urls import reverse

from hub.db.clock import clock
from hub.incoming.models import InboundCount
from tests.journeys.axe import WCAG, assert_accessible

pytestmark = [pytest.mark.desk, pytest.mark.django_db]


@pytest.fixture
def acme(make):
    return make.tenant("acme", name="Acme Teas")


@pytest.fixture
def received(make, acme):
    """Items of several states, a rejected request, registrations, and a day of counts."""
    now = clock()
    pipedrive = make.connection(acme, "pipedrive", secret={}, name="Acme's Pipedrive")
    item = make.inbound_item(
        pipedrive, type="pipedrive.person.created", record="31", event=make.event(acme), now=now
    )
    make.inbound_item(pipedrive, state="quarantined", reason="other_account", now=now)
    make.inbound_item(pipedrive, state="held", reason="connection_paused", now=now)
    rejected = make.inbound_message(
        pipedrive, state="rejected", cause="stale_timestamp", now=now, headers={"user-agent": "x"}
    )
    states = {"person": "verified", "deal": "gone", "lead": "manual", "note": "drifted"}
    for key, state in states.items():
        subscription = make.webhook_subscription(
            pipedrive,
            key=key,
            state=state,
            event_types=[f"{key}.created", f"{key}.changed", f"{key}.deleted"],
            reason="" if state == "verified" else "permission_missing",
            evidence={"version": "2.0", "is_active": 1},
            external_id="9001",
        )
    for cause, count in (("accepted", 40), ("duplicate", 4), ("wrong_secret", 9)):
        InboundCount.unscoped.create(
            endpoint=subscription.endpoint, minute=now, cause=cause, count=count
        )
    return item, rejected, subscription


def staff_pages(item, rejected, subscription):
    rows = {
        "inbounditem": (item,),
        "inboundmessage": (item.message, rejected),
        "webhooksubscription": (subscription,),
    }
    for name, instances in rows.items():
        yield reverse(f"admin:incoming_{name}_changelist")
        for instance in instances:
            yield reverse(f"admin:incoming_{name}_change", args=[instance.pk])
    yield reverse("admin:incoming_inboundmessage_sources")


def customer_pages(item, rejected, subscription):
    here = "/t/acme/events/incoming/"
    yield from (here, f"{here}?state=rejected")
    yield from (f"{here}{row.public_id}/" for row in (item, rejected))
    yield f"/t/acme/connections/{item.connection.public_id}/"


def test_staff_see_what_arrived(browser, make, received):
    client = Client()
    client.force_login(make.staff(is_superuser=True))
    assert_accessible(browser, client, *staff_pages(*received), rules=WCAG)


def test_customers_see_what_arrived(browser, make, acme, received):
    client = Client()
    client.force_login(make.membership(acme, make.user(name="Ann"), role="owner").user)
    assert_accessible(browser, client, *customer_pages(*received))
