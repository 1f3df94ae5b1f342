"""No value in the URL of a page is an error of ours: it filters, or it is ignored."""

import pytest
from django.test import Client

pytestmark = [pytest.mark.django_db, pytest.mark.corrections(item="3.7")]

FIRST, LAST = "0001-01-01T00:00:00%2B23:59", "9999-12-31T23:59:59-23:59"
HUGE = "9" * 30  # more than any column of ids holds
STAFF_PAGES = (
    "connections/connectlink/add/?tenant=acme",
    f"connections/connectlink/add/?tenant={HUGE}",
    "connections/connection/add/?connector=slack&tenant=acme",
    f"connections/connection/add/?connector=slack&tenant={HUGE}",
    "connections/maintenancewindow/add/?connection=acme",
    f"notices/notice/?tenant={HUGE}",
    "outgoing/route/add/?connection=²",
    f"outgoing/route/add/?connection={'9' * 5000}",
    "outgoing/event/send/?like=²",
    f"operations/operation/plan/?since={FIRST}&until={LAST}",
    f"tenants/apikey/?tenant__id__exact={HUGE}",
    f"tenants/portallink/?tenant={HUGE}",
    f"hub/mail/?due_at={FIRST}",
    f"hub/mail/?created_at__gte={LAST}",
    f"scheduled/run/?job={'9' * 5000}",
)
PORTAL_PAGES = (
    f"events/?since={FIRST}",
    f"events/?until={LAST}",
    f"events/?since={FIRST}&state=no_route",
    f"events/export.csv?since={FIRST}",
    f"operations/plan?kind=retry&since={FIRST}",
    f"operations/plan?kind=retry&stopped_since={LAST}",
    f"mappings/?after={HUGE}",
)


@pytest.fixture
def acme(make):
    return make.tenant("acme", time_zone="Europe/Berlin")


@pytest.fixture
def staff(make, client):
    client.force_login(make.staff(is_superuser=True))
    return client


@pytest.mark.parametrize("path", STAFF_PAGES)
def test_a_staff_page_takes_any_value(staff, acme, path):
    answer = staff.get(f"/admin/{path}")
    assert answer.status_code in (200, 302)


@pytest.mark.parametrize("path", PORTAL_PAGES)
def test_a_page_of_a_tenant_takes_any_value(make, acme, path):
    make.route(make.connection(acme))
    make.event(acme)
    user = make.user()
    make.membership(acme, user, "admin")
    client = Client()
    client.force_login(user)
    assert client.get(f"/t/acme/{path}").status_code == 200


def test_a_valid_value_still_fills_in_the_form(staff, acme):
    page = staff.get(f"/admin/connections/connectlink/add/?tenant={acme.pk}").content.decode()
    assert f'<option value="{acme.pk}" selected' in page


def test_a_window_of_maintenance_ends_before_the_year_9999(staff, make, acme):
    data = {"connector_key": "slack", "reason": "Their upgrade", "starts_at_0": "2026-12-01"}
    data |= {"starts_at_1": "12:00:00", "ends_at_0": "9999-12-31", "ends_at_1": "23:59:59"}
    answer = staff.post("/admin/connections/maintenancewindow/add/", data)
    assert "Enter a time between the years 1900 and 9998." in answer.content.decode()


@pytest.mark.parametrize("moment", ["0001-01-01 00:00", "9999-12-31 23:59:59"])
@pytest.mark.parametrize("page", ["operations/operation/plan/", "incoming/inbounditem/replay/"])
def test_a_plan_says_that_a_time_is_too_far_away(staff, acme, page, moment):
    data = {"kind": "cancel", "since": moment, "audit_reason": "why", "tenant": "acme"}
    answer = staff.post(f"/admin/{page}", data)
    assert "Enter a time between the years 1900 and 9998." in answer.content.decode()
