"""Our users are put in bulk; a complete list deactivates the others."""

from datetime import timedelta

import pytest

from connectors.directories import Person
from hub.audit import AuditRow
from hub.identities.local_users import put_local_users
from hub.identities.models import LocalUser
from hub.identities.people_store import StoredPeople
from hub.identities.safety_valve import SafetyValveStopped
from tests.factories import MINUTE, NOON
from tests.hub.identities.people import SYSTEM

pytestmark = pytest.mark.django_db


def store_users(tenant, *people, now=NOON, **how):
    return put_local_users(tenant, people, SYSTEM, now=now, **how)


def users(tenant):
    rows = LocalUser.unscoped.filter(tenant=tenant).order_by("user_id")
    return list(rows.values_list("user_id", "name", "is_active"))


def test_users_are_created_changed_and_left_alone(make):
    tenant = make.tenant()
    ann, bob = Person("1", "Ann"), Person("2", "Bob")
    assert store_users(tenant, ann, bob) == StoredPeople(2, 0, 0)
    assert store_users(tenant, Person("1", "Ann Archer"), bob, now=NOON + MINUTE) == StoredPeople(
        0, 1, 1
    )
    assert users(tenant) == [("1", "Ann Archer", True), ("2", "Bob", True)]


def test_a_complete_list_deactivates_the_others_of_the_tenant_only(make):
    acme, globex = make.tenant(), make.tenant()
    store_users(globex, Person("1", "Cat"))
    store_users(acme, Person("1", "Ann"), Person("2", "Bob"))
    stored = store_users(acme, Person("2", "Bob"), complete=True, now=NOON + MINUTE)
    assert stored.deactivated == 1
    assert users(acme) == [("1", "Ann", False), ("2", "Bob", True)]
    assert users(globex) == [("1", "Cat", True)]
    assert AuditRow.objects.filter(verb="tenant.put_users").count() == 3


def build_people(count):
    return [Person(str(number), f"Person {number}") for number in range(count)]


@pytest.mark.parametrize(
    ("known", "listed", "count"),
    [(3, 0, 3), (1, 0, 1), (11, 5, 6), (40, 19, 21), (400, 1, 399)],
)
def test_the_safety_valve_stops_a_complete_list_that_leaves_out_too_many(
    make, known, listed, count
):
    tenant = make.tenant()
    store_users(tenant, *build_people(known))
    later = NOON + MINUTE
    with pytest.raises(SafetyValveStopped, match=f"{count} of {known} active users"):
        store_users(
            tenant,
            *build_people(listed),
            Person("new") if listed else Person(""),
            complete=True,
            now=later,
        )
    assert {is_active for _, _, is_active in users(tenant)} == {True}
    assert len(users(tenant)) == known  # nor is the new one stored
    stored = store_users(
        tenant, *build_people(listed), complete=True, are_deactivations_confirmed=True, now=later
    )
    assert stored.deactivated == count


@pytest.mark.parametrize(("known", "listed"), [(10, 1), (11, 6), (40, 20), (0, 0)])
def test_the_safety_valve_lets_a_usual_list_pass(make, known, listed):
    tenant = make.tenant()
    store_users(tenant, *build_people(known))
    stored = store_users(tenant, *build_people(listed), complete=True, now=NOON + MINUTE)
    assert stored.deactivated == known - listed


def test_who_is_listed_as_inactive_is_not_counted_by_the_safety_valve(make):
    tenant = make.tenant()
    store_users(tenant, *build_people(20))
    left = [Person(str(number), is_active=False) for number in range(20)]
    assert store_users(tenant, *left, complete=True, now=NOON + MINUTE).deactivated == 0


def test_who_has_been_gone_for_long_is_deleted_with_the_next_complete_list(make):
    tenant = make.tenant()
    ann, bob = Person("1", "Ann"), Person("2", "Bob")
    store_users(tenant, ann, bob)
    store_users(tenant, bob, complete=True, now=NOON + timedelta(days=89))
    assert len(users(tenant)) == 2
    store_users(tenant, bob, complete=True, now=NOON + timedelta(days=91))
    assert users(tenant) == [("2", "Bob", True)]


def test_hostile_texts_are_stored_cut_and_clean(make):
    tenant = make.tenant()
    people = [Person("1", "A\x00nn" * 100, "e" * 900), Person("2\n"), Person("3" * 201), Person("")]
    store_users(tenant, *people)
    stored = LocalUser.unscoped.get()
    assert len(stored.name) == 200
    assert stored.name.isprintable()
    assert len(stored.email) == 254


def test_two_thousand_users_need_few_statements(make, django_assert_max_num_queries):
    tenant = make.tenant()
    people = [Person(str(number), f"Person {number}") for number in range(2_000)]
    with django_assert_max_num_queries(50):
        store_users(tenant, *people)
    with django_assert_max_num_queries(50):
        store_users(tenant, *people, complete=True, now=NOON + MINUTE)
    assert LocalUser.unscoped.filter(is_active=True).count() == 2_000
