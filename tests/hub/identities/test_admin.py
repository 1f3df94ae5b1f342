"""The staff pages of people and of the reads of their lists: read-only, filtered, and quick."""

import pytest
from django.contrib.auth.models import Permission
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from connectors.directories import Person
from hub.audit import ActorContext, AuditRow
from hub.identities.local_users import put_local_users
from hub.identities.models import DirectoryRead, LocalUser
from hub.identities.people_store import store_directory_entries
from tests.factories import MINUTE, NOON
from tests.hub.portal.query_counts import load_counting_queries

pytestmark = pytest.mark.django_db

USERS = reverse("admin:identities_localuser_changelist")
ENTRIES = reverse("admin:identities_directoryentry_changelist")
READS = reverse("admin:identities_directoryread_changelist")


@pytest.fixture
def staff(make, client):
    client.force_login(make.staff(is_superuser=True))
    return client


@pytest.fixture
def acme(make):
    return make.tenant("acme", name="Acme Teas")


def store_users(tenant, *numbers):
    people = [Person(f"u-{number}", f"Person {number}") for number in numbers]
    put_local_users(tenant, people, ActorContext.system(), now=NOON)


def test_users_are_found_by_tenant_and_by_id(staff, make, acme):
    store_users(acme, 1, 2)
    store_users(make.tenant("globex"), 3)
    page = staff.get(USERS, {"tenant": "acme"}).text
    assert "Person 1" in page and "Person 2" in page and "Person 3" not in page
    page = staff.get(USERS, {"q": "u-3"}).text
    assert "Person 3" in page and "Person 1" not in page


def test_users_of_a_system_are_found_by_tenant_and_by_system(staff, make, acme):
    for tenant, connector in ((acme, "slack"), (make.tenant("globex"), "salesforce")):
        person = Person("U1", f"User of {connector}", "", is_bot=True)
        connection = make.connection(tenant, connector)
        store_directory_entries(connection, [person], kind="user", now=NOON)
    for query in ({"tenant": "acme"}, {"connector": "slack"}):
        page = staff.get(ENTRIES, query).text
        assert "User of slack" in page and "User of salesforce" not in page


ANN = Person("u-1", "Ann Archer", "a.archer@acme.example")
BOB = Person("u-2", "Bob Baker", "bob@acme.example")


@pytest.mark.parametrize(
    ("term", "shown"),
    [
        ("ann", True),
        ("ANN ARCH", True),
        (" Ann ", True),
        ("A.Archer@", True),
        ("u-1", True),
        ("Archer", False),
        ("An", False),
        ("an%", False),
        ("bob", False),
    ],
)
def test_people_are_found_by_how_their_name_or_address_begins(staff, make, acme, term, shown):
    put_local_users(acme, [ANN, BOB], ActorContext.system(), now=NOON)
    connection = make.connection(acme, "slack")
    store_directory_entries(connection, [ANN, BOB], kind="user", now=NOON)
    for url in (USERS, ENTRIES):
        assert ("a.archer@acme.example" in staff.get(url, {"q": term}).text) is shown


def test_a_search_of_staff_of_one_tenant_finds_no_people_of_another(make, client, acme):
    put_local_users(acme, [ANN], ActorContext.system(), now=NOON)
    for tenant, is_found in ((acme, True), (make.tenant("globex"), False)):
        colleague = make.staff(tenant)
        colleague.user_permissions.set(Permission.objects.all())
        client.force_login(colleague)
        assert ("a.archer" in client.get(USERS, {"q": "ann"}).text) is is_found


@pytest.mark.skipif(database.vendor != "postgresql", reason="SQLite plans in another way")
@pytest.mark.parametrize("term", ["u-77", "Person 77", "person77@"])
def test_a_search_reads_no_whole_table(staff, acme, term):
    rows = [
        LocalUser(tenant=acme, user_id=f"u-{n}", name=f"{n} Person {n}", email=f"{n}p{n}@x.test")
        for n in range(10_000)
    ]
    LocalUser.unscoped.bulk_create(rows)
    with database.cursor() as cursor:
        cursor.execute("ANALYZE identities_localuser")
    with CaptureQueriesContext(database) as queries:
        staff.get(USERS, {"q": term})
    reads = [query["sql"] for query in queries.captured_queries if "localuser" in query["sql"]]
    assert len(reads) >= 3
    for sql in reads:
        with database.cursor() as cursor:
            cursor.execute("EXPLAIN " + sql)
            plan = [row for (row,) in cursor.fetchall()]
        assert not [line for line in plan if "Seq Scan on identities_localuser" in line], sql


@pytest.mark.parametrize("state", DirectoryRead.State.values)
def test_a_read_says_its_state_and_why_people_may_be_missing(staff, acme, state):
    read = DirectoryRead.unscoped.create(
        tenant=acme, state=state, reason="too_many_pages", started_at=NOON, cursor="a secret place"
    )
    page = staff.get(reverse("admin:identities_directoryread_change", args=[read.pk])).text
    assert state in page and "too many pages" in page and "Our own application" in page
    assert "a secret place" not in page
    assert "Acme Teas" in staff.get(READS, {"state__exact": state}).text


@pytest.mark.parametrize(("verb", "is_active"), [("reject", True), ("confirm", False)])
def test_staff_decide_about_a_stopped_list_with_a_reason(staff, acme, verb, is_active):
    store_users(acme, *range(12))
    read = DirectoryRead.unscoped.create(
        tenant=acme,
        state="incomplete",
        reason="safety_valve",
        stopped_count=12,
        started_at=NOON + MINUTE,
        finished_at=NOON + MINUTE,
    )
    url = reverse("admin:identities_directoryread_change", args=[read.pk])
    page = staff.get(url).text
    assert "12 of 12 active users would be deactivated" in page and "and 2 more" in page
    assert "Reject the list" in page and "Confirm the list" in page
    answer = staff.post(url.replace("change", f"verbs/{verb}"), {"reason": "asked"}, follow=True)
    assert "The list is rejected" in answer.text or "are deactivated" in answer.text
    assert {user.is_active for user in LocalUser.unscoped.all()} == {is_active}
    assert AuditRow.objects.get(verb=f"tenant.{verb}_deactivations").reason == "asked"
    assert "Reject the list" not in staff.get(url).text


def test_staff_who_only_read_connections_decide_about_no_list(make, client, acme):
    colleague = make.staff(acme)
    codenames = ("view_directoryread", "view_connection")
    colleague.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client.force_login(colleague)
    read = DirectoryRead.unscoped.create(
        tenant=acme, state="incomplete", reason="safety_valve", stopped_count=1, started_at=NOON
    )
    url = reverse("admin:identities_directoryread_change", args=[read.pk])
    assert "Confirm the list" not in client.get(url).text
    assert client.post(url.replace("change", "verbs/confirm"), {"reason": "x"}).status_code == 403


def test_users_are_not_changed_or_deleted_by_hand(staff, acme):
    store_users(acme, 1)
    row = reverse("admin:identities_localuser_change", args=[LocalUser.unscoped.get().pk])
    assert staff.post(row, {"name": "Mallory"}).status_code == 403
    assert staff.post(row.replace("change", "delete"), {"post": "yes"}).status_code == 403
    assert staff.get(reverse("admin:identities_localuser_add")).status_code == 403


def test_a_list_of_many_users_asks_as_few_questions_as_one_of_few(staff, acme):
    store_users(acme, 1)
    few = load_counting_queries(lambda: staff.get(USERS))[1]
    store_users(acme, *range(2, 40))
    assert load_counting_queries(lambda: staff.get(USERS))[1] == few
