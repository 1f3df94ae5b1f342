"""What will need a tenant's people: from rows that exist, on a page, on the first page, by REST."""

import os
from datetime import timedelta

import pytest
from django.test import Client

from hub.audit import ActorContext
from hub.connections.actions.disconnection import disconnect_account
from hub.connections.actions.signing_secret_actions import (
    change_signing_secret,
    end_signing_overlap,
)
from hub.connections.models import Credential
from hub.db.clock import clock
from hub.drift.models import DriftFinding
from hub.forecast.upcoming import count_urgent_needs, list_upcoming_needs
from hub.identities.models import DirectoryRead
from hub.identities.stopped_reads import reject_deactivations
from hub.incoming.models import InboundItem
from tests.factories import NOON
from tests.hub.portal.query_counts import load_counting_queries
from tests.markup import normalize_markup

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
HAND = ActorContext.system()


@pytest.fixture
def acme(make):
    return make.tenant("acme", name="Acme Teas")


@pytest.fixture
def owner(make, acme):
    client = Client()
    client.force_login(make.membership(acme, make.user("ann@acme.test"), "owner").user)
    return client


def needs_of(tenant, now=NOON):
    return [(need.kind, need.at, need.subject) for need in list_upcoming_needs(tenant, now=now)]


def end_token(connection, at):
    """Its access token ends then, and there is no refresh token."""
    Credential.unscoped.filter(connection=connection).update(expires_at=at, refresh_due_at=None)


def connect_pipedrive(make, tenant, **fields):
    return make.connection(tenant, "pipedrive", secret={"access_token": "p"}, **fields)


def find_drift(connection, field="Title"):
    return DriftFinding.unscoped.create(
        connection=connection,
        object_key="Lead",
        object_label="Lead",
        field_key=field,
        field_label=field,
        change="removed",
        breaks=[{"kind": "route", "id": "1", "name": "Orders", "is_enabled": True}],
        first_seen_at=NOON,
        last_seen_at=NOON,
    )


def test_nothing_is_invented(make, acme):
    make.connection(acme, name="Fine")
    assert needs_of(acme) == [] and count_urgent_needs(acme, now=NOON) == 0


def test_an_authorization_that_ends(make, acme):
    connection = make.connection(acme, "salesforce", name="Our CRM")
    end_token(connection, NOON + 2 * DAY)
    assert needs_of(acme) == [("authorization_ends", NOON + 2 * DAY, "Our CRM")]
    assert count_urgent_needs(acme, now=NOON) == 1
    end_token(connection, NOON + 20 * DAY)
    assert needs_of(acme) == []


def test_a_disconnect_that_can_be_undone(make, acme):
    connection = make.connection(acme, name="Ours")
    disconnect_account(connection, HAND, can_be_undone=True, now=NOON)
    assert needs_of(acme) == [("disconnect_ends", NOON + DAY, "Ours")]
    assert needs_of(acme, NOON + DAY) == []


def test_a_signing_secret_in_overlap(make, acme):
    connection = make.connection(acme, name="Our endpoint")
    change_signing_secret(connection, HAND, random=os.urandom, now=NOON)
    assert needs_of(acme) == [("secret_overlap_ends", NOON + DAY, "Our endpoint")]
    connection.refresh_from_db()
    end_signing_overlap(connection, HAND, now=NOON + timedelta(minutes=1))
    assert needs_of(acme, NOON + timedelta(minutes=2)) == []


def test_a_webhook_that_is_gone_or_expires(make, acme):
    connection = connect_pipedrive(make, acme, name="Deals")
    row = make.webhook_subscription(connection, state="gone", is_wanted=True)
    assert needs_of(acme) == [("webhook_fails", None, f"Deals: {row.key}")]
    row.state, row.expires_at = "verified", NOON + DAY
    row.save()
    assert needs_of(acme) == [("webhook_fails", NOON + DAY, f"Deals: {row.key}")]
    row.is_wanted = False
    row.save()
    assert needs_of(acme) == []


def test_a_changed_schema_before_it_breaks_something(make, acme):
    finding = find_drift(make.connection(acme, "salesforce", name="Our CRM"))
    (need,) = list_upcoming_needs(acme, now=NOON)
    assert (need.kind, need.subject) == ("schema_changed", "Our CRM: Title")
    assert "“Orders”" in need.sentence and count_urgent_needs(acme, now=NOON) == 1
    finding.resolved_at = NOON
    finding.save()
    assert needs_of(acme) == [] and count_urgent_needs(acme, now=NOON) == 0


def stop_list(tenant, connection=None, count=3):
    return DirectoryRead.unscoped.create(
        tenant=tenant,
        connection=connection,
        state="incomplete",
        reason="safety_valve",
        stopped_count=count,
        started_at=NOON,
    )


def test_a_list_of_people_that_was_stopped(make, acme):
    slack = make.connection(acme, "slack", name="Our Slack")
    reads = [stop_list(acme, slack), stop_list(acme)]
    stop_list(make.tenant("globex"))
    assert needs_of(acme) == [
        ("people_list_stopped", None, "Our Slack"),
        ("people_list_stopped", None, "Your users"),
    ]
    assert count_urgent_needs(acme, now=NOON) == 1  # connections
    for read in reads:
        reject_deactivations(acme, read.connection, HAND, now=NOON)
    assert needs_of(acme) == [] and count_urgent_needs(acme, now=NOON) == 0


def test_webhooks_that_wait_since_the_account_was_replaced(make, acme):
    connection = make.connection(acme, "splunk", name="Our Splunk", account_since=NOON)
    item = make.inbound_item(connection, state="held", reason="former_account")
    assert needs_of(acme) == [("webhooks_held", None, "Our Splunk")]
    InboundItem.unscoped.filter(pk=item.pk).update(state="processed", reason="")
    assert needs_of(acme) == []


def test_a_connection_whose_person_has_left(make, acme):
    membership = make.membership(acme, make.user("robin@acme.test"), "admin")
    make.connection(acme, name="Ours", connected_by=membership.user)
    make.connection(acme, name="By support", connected_by=make.staff(is_superuser=True))
    assert needs_of(acme) == []
    membership.delete()
    assert needs_of(acme) == [("connected_by_former_member", None, "Ours")]


def test_an_api_key_that_expires(make, acme):
    make.api_key(acme, expires_at=NOON + 3 * DAY)
    make.api_key(acme, expires_at=NOON + 90 * DAY)
    ((kind, at, _subject),) = needs_of(acme)
    assert (kind, at) == ("api_key_expires", NOON + 3 * DAY)


def test_the_first_in_time_comes_first(make, acme):
    for name, days in (("Later", 5), ("Sooner", 1)):
        end_token(make.connection(acme, "salesforce", name=name), NOON + days * DAY)
    find_drift(make.connection(acme, "salesforce", name="At any moment"))
    subjects = [subject for _kind, _at, subject in needs_of(acme)]
    assert subjects == ["At any moment: Title", "Sooner", "Later"]


def test_another_tenants_needs_are_not_seen(make, acme, api):
    globex = make.tenant("globex")
    connection = make.connection(globex, "salesforce", name="Theirs")
    end_token(connection, NOON + DAY)
    find_drift(connection)
    make.webhook_subscription(connect_pipedrive(make, globex), state="gone")
    make.api_key(globex, expires_at=NOON + DAY)
    disconnect_account(make.connection(globex), HAND, can_be_undone=True, now=NOON)
    assert needs_of(acme) == [] and count_urgent_needs(acme, now=NOON) == 0
    assert api.of(acme).get("/api/v1/upcoming", {"tenant": "globex"}).status_code == 404


def test_the_page_and_the_first_page_say_so(owner, make, acme):
    assert "Nothing needs you" in owner.get("/t/acme/upcoming/").content.decode()
    connection = make.connection(acme, "salesforce", name="Our CRM")
    end_token(connection, clock() + 2 * DAY)
    text = normalize_markup(owner.get("/t/acme/upcoming/").content.decode())
    assert f'href="/t/acme/connections/{connection.public_id}/"' in text
    assert "Its access token expires, and there is no refresh token." in text
    home = normalize_markup(owner.get("/t/acme/").content.decode())
    assert "One connection will need attention within seven days." in home
    assert 'href="/t/acme/upcoming/"' in home


def test_a_program_reads_the_same(make, acme, api):
    connection = make.connection(acme, "salesforce", name="Our CRM")
    end_token(connection, clock() + 2 * DAY)
    (item,) = api.of(acme).get("/api/v1/upcoming").json()["items"]
    assert (item["kind"], item["connection"]) == ("authorization_ends", str(connection.public_id))
    assert item["connection_url"].endswith(f"/api/v1/connections/{connection.public_id}")
    assert api.platform().get("/api/v1/upcoming").json()["code"] == "tenant-required"


@pytest.mark.parametrize("count", [1, 60])
def test_many_needs_cost_no_more_queries(owner, make, acme, count):
    for number in range(count):
        connection = make.connection(acme, "salesforce")
        end_token(connection, clock() + DAY)
        find_drift(connection, f"Field {number}")
        make.webhook_subscription(connect_pipedrive(make, acme), state="gone")
        stop_list(acme, make.connection(acme, "slack"))
    owner.get("/t/acme/upcoming/")
    assert load_counting_queries(lambda: owner.get("/t/acme/upcoming/"))[1] == 12
