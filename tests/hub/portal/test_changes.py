"""What changed since a person's last visit, on the first page and on a page of its own."""

from datetime import timedelta

import pytest
from django.test import Client

from hub.audit import Actor, ActorContext
from hub.connections.actions.connection_actions import pause_connection
from hub.db.clock import clock
from hub.outgoing.models import Delivery
from hub.portal.changes.audited_changes import ROWS_READ
from hub.portal.models import PortalVisit
from tests.hub.outgoing.operating import put
from tests.hub.portal.query_counts import load_counting_queries
from tests.markup import normalize_markup
from tests.tenants.door import come_as_guest, open_portal_as_support

pytestmark = pytest.mark.django_db

HOME, PAGE = "/t/acme/", "/t/acme/changes/"
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def age_last_visit(since=3 * DAY):
    """As if everybody had been here for the last time so long ago."""
    PortalVisit.unscoped.update(seen_at=clock() - since, changes_since=clock() - since - DAY)


def text_of(client, url=HOME):
    return normalize_markup(client.get(url).content.decode())


@pytest.fixture
def returning_owner(owner):
    """The owner, whose last visit was three days ago."""
    owner.get(HOME)
    age_last_visit()
    return owner


def fail(*deliveries, ago=timedelta()):
    """The deliveries failed so long ago."""
    put(deliveries, "failed", "exhausted")
    ids = [delivery.pk for delivery in deliveries]
    Delivery.unscoped.filter(pk__in=ids).update(state_changed_at=clock() - ago)


def create_colleague(make):
    return ActorContext(Actor.of_user(make.user("robin@acme.test")))


def test_the_first_visit_shows_no_changes(owner, make, acme):
    make.connection(acme, name="Ours")
    assert "Since your last visit" not in text_of(owner)
    assert PortalVisit.unscoped.get().person.startswith("user:")


def test_what_changed_meanwhile_is_counted_each_with_its_page(returning_owner, make, acme):
    connection = make.connection(acme, name="Ours")
    fail(make.delivery(connection), make.delivery(connection))
    make.discrepancy(connection, now=clock())
    make.finished_run(make.job(acme), finished_at=clock())
    pause_connection(connection, "moving", create_colleague(make), until=None, now=clock())
    text = text_of(returning_owner)
    for line in (
        "1 connection changed its state: Ours",
        "2 deliveries failed",
        "1 new discrepancy",
        "1 scheduled run finished",
        "Connections changed: 1",
    ):
        assert line in text, line
    assert 'href="/t/acme/events/?state=failed"' in text
    assert f'href="/t/acme/connections/{connection.public_id}/"' in text


@pytest.mark.corrections(item="3.9")
def test_new_discrepancies_are_those_that_the_page_behind_the_line_lists(
    returning_owner, make, acme
):
    connection = make.connection(acme, "salesforce")
    make.discrepancy(connection, now=clock(), state="resolved")
    make.discrepancy(connection, now=clock(), state="repairing")
    assert "new discrepanc" not in text_of(returning_owner)
    make.discrepancy(connection, now=clock(), record_key="A-9")
    assert "1 new discrepancy" in text_of(returning_owner)
    assert "A-9" in text_of(returning_owner, f"{HOME}discrepancies/")


def test_the_page_says_who_did_what_and_why(returning_owner, make, acme):
    connection = make.connection(acme, name="Ours")
    pause_connection(connection, "moving servers", create_colleague(make), until=None, now=clock())
    text = text_of(returning_owner, PAGE)
    assert "robin@acme.test" in text and "paused it: Ours" in text and "moving servers" in text


def test_what_a_person_did_is_no_news_to_that_person(owner, admin, make, acme):
    connection = make.connection(acme, name="Ours")
    for client in (owner, admin):
        client.get(HOME)
    age_last_visit()
    owner.post(f"/t/acme/connections/{connection.public_id}/pause", {"length": "", "reason": "x"})
    assert "Connections changed" not in text_of(owner)
    assert "Connections changed: 1" in text_of(admin)


def test_many_changes_of_ones_own_do_not_hide_what_another_person_did(owner, make, acme):
    connection = make.connection(acme, name="Ours")
    owner.get(HOME)
    age_last_visit()
    pause_connection(connection, "moving servers", create_colleague(make), until=None, now=clock())
    user = acme.memberships.get(role="owner").user
    actor_context = ActorContext(Actor.of_user(user))
    for _ in range(ROWS_READ):
        actor_context.audit("connection.rename", connection, now=clock())
        actor_context.audit("delivery.retry", connection, now=clock())
    text = text_of(owner, PAGE)
    assert "moving servers" in text and "Connections changed: 1" in text


def test_during_one_visit_the_changes_stay(returning_owner, make, acme):
    fail(make.delivery(make.connection(acme)))
    for _ in range(2):
        assert "1 delivery failed" in text_of(returning_owner)
    PortalVisit.unscoped.update(seen_at=clock() - HOUR)  # a break of an hour
    assert "1 delivery failed" in text_of(returning_owner)
    PortalVisit.unscoped.update(seen_at=clock() - 3 * HOUR)  # the next visit
    fail(make.delivery(make.connection(acme)))
    assert "2 deliveries failed" in text_of(returning_owner)


def test_older_than_the_last_visit_is_nothing_new(returning_owner, make, acme):
    connection = make.connection(acme, state_changed_at=clock() - 9 * DAY)
    fail(make.delivery(connection), ago=9 * DAY)
    assert "Since your last visit" not in text_of(returning_owner)
    assert "1 delivery failed" in text_of(returning_owner, f"{PAGE}?period=month")


def test_a_support_visit_is_listed_and_leaves_no_visit_of_its_own(returning_owner, make, acme):
    staff = Client()
    staff.force_login(make.staff(is_superuser=True, email="sam@hub.test"))
    open_portal_as_support(staff, acme)
    before = PortalVisit.unscoped.count()
    text_of(staff)
    assert PortalVisit.unscoped.count() == before
    assert "Support visits: 1" in text_of(returning_owner)
    assert "viewed your pages (support)" in text_of(returning_owner, PAGE)


def test_a_guest_has_visits_too(make, acme):
    guest = Client()
    come_as_guest(guest, make.portal_link(acme, reference="u-7"))
    guest.get(HOME)
    assert PortalVisit.unscoped.get().person == "guest:u-7"


def test_another_tenants_changes_are_not_seen(returning_owner, make, globex):
    fail(make.delivery(make.connection(globex, name="Theirs")))
    assert "failed" not in text_of(returning_owner).partition("<main")[2].partition("Nothing")[0]
    assert "Theirs" not in text_of(returning_owner, f"{PAGE}?period=month")


def test_a_visit_is_stored_at_most_every_ten_minutes(owner, make, acme):
    owner.get(HOME)
    stored = PortalVisit.unscoped.get().seen_at
    owner.get(HOME)
    assert PortalVisit.unscoped.get().seen_at == stored


@pytest.mark.parametrize(("count", "statements"), [(0, 14), (1, 15), (60, 15)])
def test_many_changes_cost_no_more_queries(returning_owner, make, acme, count, statements):
    for number in range(count):
        connection = make.connection(acme, name=f"No. {number}")
        fail(make.delivery(connection))
        make.discrepancy(connection, record_key=f"key {number}", now=clock())
        pause_connection(connection, "moving", colleague_of(make, number), until=None, now=clock())
    returning_owner.get(HOME)
    assert load_counting_queries(lambda: returning_owner.get(HOME))[1] == statements
    assert load_counting_queries(lambda: returning_owner.get(PAGE))[1] == 10


def colleague_of(make, number):
    return ActorContext(Actor.of_user(make.user(f"robin{number}@acme.test")))


def test_an_empty_page_says_what_will_be_there(owner):
    assert "Nothing changed" in text_of(owner, PAGE)
