"""A person of our own application, who came in by a portal link, connects an account as anybody of
the tenant.
"""

from datetime import timedelta

import pytest

from hub.audit import AuditRow
from hub.connections.credentials.abandoned_authorizations import end_abandoned_authorizations
from hub.connections.models import Connection
from hub.db.clock import clock
from tenants.models import PortalLink
from tests.hub.connections.browsers import (
    Browser,
    Guest,
    count_connections,
    get_newest_authorization,
    get_problem_code,
)
from tests.tenants.door import come_as_guest

pytestmark = pytest.mark.django_db


class Visitor(Guest):
    begin = Browser.begin
    connect_account = Browser.connect_account

    def __init__(self, tenant, link):
        super().__init__()
        self.tenant = tenant
        come_as_guest(self.client, link)

    def set_session_end(self, moment):
        session = self.client.session
        session["visiting"] |= {"until": moment.isoformat()}
        session.save()


@pytest.fixture
def visitor(make, acme, outside, settings):
    settings.HUB_PORTAL_RETURN_URLS = ["https://app.example.com"]
    return Visitor(
        acme, make.portal_link(acme, name="Ann", return_url="https://app.example.com/back")
    )


def is_session_over_page(page):
    page_text = page.content.decode()
    return (
        page.status_code == 403
        and "Your session has ended" in page_text
        and 'href="https://app.example.com/back"' in page_text
    )


def test_it_is_connected_under_our_reference(visitor):
    visitor.submit(visitor.connect_account("slack"))
    row = AuditRow.objects.get(verb="connection.connect")
    assert (row.actor_kind, row.actor_id, row.actor_label) == ("guest", "u-7", "Ann")
    assert Connection.unscoped.get().connected_by is None


def test_a_member_by_link_begins_nothing(make, acme, outside):
    member = Visitor(acme, make.portal_link(acme, "member"))
    assert member.begin("slack").status_code == 403 and get_newest_authorization() is None


def test_a_guest_whose_visit_ended_elsewhere_reads_so_and_no_grant_stays(visitor):
    back = visitor.allow(visitor.get_consent_url("slack"))
    visitor.set_session_end(clock())
    page = visitor.follow_callback(back)
    assert is_session_over_page(page) and get_newest_authorization().state == "granted"
    assert is_session_over_page(visitor.submit(page)) and count_connections() == 0
    end_abandoned_authorizations(now=clock() + timedelta(minutes=11))
    assert (
        get_newest_authorization().state,
        get_newest_authorization().tenant.revocations.count(),
    ) == ("failed", 1)


def test_whose_link_was_taken_back_while_they_are_away_connects_nothing(visitor):
    page = visitor.connect_account("slack")
    PortalLink.unscoped.update(revoked_at=clock())
    assert is_session_over_page(visitor.submit(page)) and count_connections() == 0


def test_another_person_of_ours_in_the_same_browser_does_not_finish_it(visitor, make, acme):
    back = visitor.allow(visitor.get_consent_url("slack"))
    come_as_guest(visitor.client, make.portal_link(acme, reference="u-8"))
    assert (
        get_problem_code(visitor.follow_callback(back)) == "other_browser"
        and count_connections() == 0
    )
