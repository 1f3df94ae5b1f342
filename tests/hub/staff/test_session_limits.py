"""Staff stay signed in for eight hours at most, and for one without activity; customers as long as
they chose.
"""

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session

from tests.tenants.door import LOGIN, age_session, is_signed_in, sign_in

pytestmark = pytest.mark.django_db

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
PAGE = "/admin/tenants/tenant/"


@pytest.fixture
def staff(make, client):
    client.force_login(make.staff(is_superuser=True))
    return client


def test_a_session_ends_eight_hours_after_the_sign_in_however_busy(staff):
    age_session(staff, since_sign_in=8 * HOUR - MINUTE)
    assert staff.get(PAGE).status_code == 200
    age_session(staff, since_sign_in=2 * MINUTE)
    assert staff.get(PAGE, follow=True).redirect_chain[-1][0].startswith(LOGIN)


def test_a_session_ends_after_an_hour_without_activity(staff):
    age_session(staff, since_sign_in=2 * HOUR, since_activity=HOUR + MINUTE)
    page = staff.get(PAGE, follow=True)
    assert page.redirect_chain[-1][0].startswith(LOGIN)
    assert "You were signed out" in page.content.decode()


def test_what_a_person_opens_keeps_the_session_and_what_a_page_fetches_by_itself_does_not(staff):
    age_session(staff, since_sign_in=HOUR, since_activity=50 * MINUTE)
    staff.get(PAGE, headers={"HX-Request": "true"})
    age_session(staff, since_activity=9 * MINUTE)
    staff.get(PAGE)
    age_session(staff, since_activity=50 * MINUTE)
    staff.get(PAGE, headers={"HX-Request": "true"})
    assert is_signed_in(staff)
    age_session(staff, since_activity=11 * MINUTE)
    assert staff.get(PAGE).status_code == 302


def test_an_ended_session_is_gone_from_the_database_and_opens_no_page_of_customers_either(staff):
    age_session(staff, since_sign_in=9 * HOUR)
    assert staff.get("/t/").url.startswith(LOGIN)
    assert not Session.objects.exists()


def test_a_session_from_before_there_was_a_limit_ends(staff):
    session = staff.session
    del session["signed_in_at"], session["active_at"]
    session.save()
    assert staff.get(PAGE).status_code == 302 and not Session.objects.exists()


def test_customers_stay_signed_in(client, make):
    person = make.membership(make.tenant("acme"), make.user()).user
    sign_in(client, person.email)
    age_session(client, since_sign_in=24 * HOUR, since_activity=24 * HOUR)
    assert client.get("/t/acme/").status_code == 200


def test_a_person_who_becomes_staff_has_the_hours_of_staff(client, make):
    person = make.user()
    sign_in(client, person.email)
    age_session(client, since_sign_in=9 * HOUR)
    person.is_staff = True
    person.save()
    assert client.get("/t/").status_code == 302


def test_a_busy_page_writes_the_session_once_a_minute(staff):
    before = Session.objects.get().session_data
    staff.get(PAGE)
    assert Session.objects.get().session_data == before
    age_session(staff, since_sign_in=2 * MINUTE, since_activity=2 * MINUTE)
    before = Session.objects.get().session_data
    staff.get(PAGE)
    assert Session.objects.get().session_data != before
