"""Support visits: staff read a tenant's pages, for a reason, for 30 minutes, and the tenant sees
it.
"""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from hub.audit import ActorContext, AuditRow
from hub.db.clock import clock
from tenants.access.support_sessions import PERMISSIONS
from tenants.models import SupportVisit
from tenants.services.support_visit_actions import (
    EndCause,
    end_finished_visits,
    end_support_visit,
)
from tests.factories import NOON
from tests.markup import normalize_markup
from tests.tenants.door import open_portal_as_support, sign_in

pytestmark = pytest.mark.django_db

HOME = "/t/acme/"
END = "/support-visit/end"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def acme(make):
    tenant = make.tenant("acme", name="Acme Teas")
    make.membership(tenant, make.user("owner@acme.test"), "owner")
    return tenant


@pytest.fixture
def person(make, acme):
    return make.staff(is_superuser=True, email="sam@hub.test")


@pytest.fixture
def staff(person):
    client = Client()
    client.force_login(person)
    return client


@pytest.fixture
def support(staff, acme):
    open_portal_as_support(staff, acme, ticket="HELP-9")
    return staff


def visit():
    return SupportVisit.unscoped.get()


def test_a_visit_needs_a_reason(staff, acme):
    answer = open_portal_as_support(staff, acme, reason="")
    assert answer.status_code == 200 and not SupportVisit.unscoped.exists()
    assert staff.get(HOME).status_code == 404


def test_every_page_says_whose_it_is_that_it_is_read_only_and_until_when(support):
    text = normalize_markup(support.get(f"{HOME}?").content.decode())
    until = f"{visit().expires_at:%H:%M}"
    assert f"pages as support, read-only, until {until}." in text
    assert 'action="/support-visit/end"' in text and "Second factor" not in text


def test_the_tenant_reads_who_came_when_and_why(support, acme):
    support.post(END)
    owner = Client()
    sign_in(owner, "owner@acme.test")
    text = normalize_markup(owner.get("/t/acme/settings/support/").content.decode())
    assert "sam@hub.test" in text and "ticket 7" in text and "HELP-9" in text
    assert "ended by support" in text and 'href="/t/acme/settings/support/"' in normalize_markup(
        owner.get("/t/acme/settings/").content.decode()
    )


def test_begin_and_end_stand_in_the_audit_of_the_tenant(support, acme):
    support.post(END)
    begin, end = AuditRow.objects.filter(tenant=acme.public_id).order_by("number")
    assert (begin.verb, begin.reason, begin.actor_label) == (
        "support.begin",
        "ticket 7",
        "sam@hub.test",
    )
    assert begin.after["ticket"] == "HELP-9" and end.verb == "support.end"
    assert end.after["cause"] == "staff" and end.after["from"] < end.after["to"]


def test_the_button_ends_it_and_leads_back(support, acme):
    assert support.post(END).headers["Location"] == f"/admin/tenants/tenant/{acme.pk}/change/"
    assert support.get(HOME).status_code == 404


@pytest.mark.corrections(item="3.9")
def test_the_form_of_the_banner_carries_what_ends_the_visit(support, acme):
    support.handler.enforce_csrf_checks = True
    page = support.get(HOME).content.decode()
    form = page[page.index(f'action="{END}"') :].partition("</form>")[0]
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form)
    support.post(END, {"csrfmiddlewaretoken": token and token[1]})
    assert visit().end_cause == EndCause.STAFF


def test_it_ends_after_half_an_hour(support):
    SupportVisit.unscoped.update(expires_at=clock() - MINUTE)
    answer = support.get(HOME)
    assert answer.status_code == 403 and b"The visit has ended" in answer.content
    end_finished_visits(now=clock())
    assert visit().ended_at == visit().expires_at and visit().end_cause == EndCause.TIME


def test_it_ends_with_the_session(support):
    support.post("/accounts/logout/")
    assert visit().end_cause == EndCause.SIGN_OUT
    assert support.get(HOME).status_code == 302


def test_the_next_visit_replaces_it(support, make):
    globex = make.tenant("globex")
    open_portal_as_support(support, globex)
    assert SupportVisit.unscoped.get(tenant__reference="acme").end_cause == EndCause.REPLACED
    assert support.get(HOME).status_code == 404 and support.get("/t/globex/").status_code == 200


def create_staff_with(make, acme, permissions=PERMISSIONS):
    """Staff of one tenant, with these permissions and no others."""
    person = make.staff(acme)
    names = [name.partition(".")[2] for name in permissions]
    person.user_permissions.set(Permission.objects.filter(codename__in=names))
    client = Client()
    client.force_login(person)
    return person, client


def test_its_permissions_suffice_and_it_comes_before_a_membership(make, acme):
    _person, client = create_staff_with(make, acme)
    open_portal_as_support(client, acme)
    assert b"as support, read-only" in client.get(HOME).content
    assert client.post("/t/acme/settings/", {"save": "tenant"}).status_code == 403


@pytest.mark.parametrize("missing", PERMISSIONS)
def test_who_lacks_a_permission_makes_no_visit(make, acme, missing):
    _person, client = create_staff_with(make, acme, set(PERMISSIONS) - {missing})
    assert open_portal_as_support(client, acme).status_code in (302, 403)
    assert not SupportVisit.unscoped.exists()


def test_staff_of_another_tenant_make_no_visit(make, acme):
    _person, client = create_staff_with(make, make.tenant("globex"))
    assert open_portal_as_support(client, acme).status_code == 404
    assert not SupportVisit.unscoped.exists()


@pytest.mark.parametrize(
    "withdraw",
    [
        lambda person: person.user_permissions.clear(),
        lambda person: type(person).objects.filter(pk=person.pk).update(is_staff=False),
        lambda person: type(person).objects.filter(pk=person.pk).update(is_active=False),
    ],
)
def test_it_ends_when_the_permission_is_withdrawn(make, acme, withdraw):
    person, client = create_staff_with(make, acme)
    open_portal_as_support(client, acme)
    withdraw(person)
    assert client.get(HOME).status_code in (302, 403)
    end_finished_visits(now=clock())
    assert visit().end_cause == EndCause.PERMISSION
    assert AuditRow.objects.get(verb="support.end").actor_kind == "system"


def test_it_ends_when_the_second_factor_of_the_session_is_gone(support):
    session = support.session
    del session["second_factor"]
    session.save()
    assert support.get(HOME).status_code == 403


def test_another_persons_visit_opens_nothing(support, make, acme):
    stranger = Client()
    stranger.force_login(make.staff(is_superuser=True))
    session = stranger.session
    session["support_visit"] = str(visit().public_id)
    session.save()
    assert stranger.get(HOME).status_code == 403


def test_the_session_of_a_visit_is_no_key_of_the_api(support, make, acme):
    connection = make.connection(acme)
    for answer in (
        support.get("/api/v1/connections"),
        support.post(f"/api/v1/connections/{connection.public_id}/pause", {}),
    ):
        assert answer.status_code == 401


def test_no_account_is_confirmed_during_a_visit(support, make, acme):
    row = make.authorization(acme)
    assert support.post(f"/connect/confirm/{row.public_id}/").status_code in (403, 404)


def test_a_visit_ends_once(make, acme):
    row, actor = make.support_visit(acme, now=NOON), ActorContext.system()
    ended = [end_support_visit(row, EndCause.STAFF, actor, now=NOON + MINUTE) for _ in range(2)]
    assert ended == [True, False] and AuditRow.objects.filter(verb="support.end").count() == 1


def test_the_sweep_leaves_visits_that_go_on(make, acme):
    row = make.support_visit(acme, now=NOON)
    end_finished_visits(now=NOON + MINUTE)
    row.refresh_from_db()
    assert row.ended_at is None


@pytest.mark.parametrize("count", [0, 1, 60])
def test_many_visits_are_pages_of_a_list(make, acme, count):
    person = make.staff(is_superuser=True)
    for number in range(count):
        make.support_visit(acme, person, reason=f"reason {number};", now=NOON + number * MINUTE)
    owner = Client()
    sign_in(owner, "owner@acme.test")
    text = owner.get("/t/acme/settings/support/").content.decode()
    assert text.count("reason ") == min(count, 50) and ("No visit yet" in text) == (count == 0)
    assert ("?after=" in text) == (count > 50)
