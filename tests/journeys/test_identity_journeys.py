"""A newcomer on a local installation reads both lists of people, and confirms who is who: the
demo's customers have people in every system, as the sandbox answers for it.
"""

import pytest
from django.test import Client
from django.urls import reverse
from playwright.sync_api import expect

from hub.connections.models import Connection
from hub.db.clock import clock
from hub.identities.models import DirectoryRead
from hub.identities.suggest import count_suggestions
from hub.identities.tasks import read_directory
from hub.mappings.models import Identity
from tenants.models import Membership
from tests.journeys.chromium import window
from tests.journeys.person import Visitor

pytestmark = pytest.mark.django_db

SYSTEMS = ("slack", "salesforce", "pipedrive")


@pytest.fixture
def began(make):
    """The sandbox checks when our requests were signed."""
    return clock()


@pytest.fixture
def sign_in(make, demo):
    """Signs the owner of a customer in."""

    def sign_in_owner(reference):
        client = Client()
        membership = Membership.unscoped.get(tenant__reference=reference, role="owner")
        client.force_login(membership.user)
        return client

    return sign_in_owner


def find_connection(reference, system):
    return Connection.unscoped.get(tenant__reference=reference, connector_key=system)


def page_of(connection, name="identity_review", *more):
    args = [connection.tenant.reference, connection.public_id, *more]
    return reverse(f"portal:{name}", args=args)


def run_reads():
    """As the worker does."""
    for read in DirectoryRead.unscoped.filter(state="reading").order_by("pk"):
        read_directory(f"directory:{read.pk}")


def list_users(connection, state):
    rows = Identity.unscoped.filter(connection=connection, kind="user", state=state)
    return list(rows.order_by("local_id").values_list("local_id", flat=True))


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("reference", ["acme", "globex"])
def test_both_lists_are_read_and_pairs_are_suggested(sign_in, reference, system):
    client, connection = sign_in(reference), find_connection(reference, system)
    for verb in ("read-theirs", "read-ours"):
        client.post(page_of(connection, "identity_decide", verb))
    run_reads()
    states = DirectoryRead.unscoped.values_list("state", "detail")
    assert set(states) == {("complete", "")}
    assert list_users(connection, "suggested") == ["U-1001", "U-1002", "U-1003", "U-1004"]
    assert list_users(connection, "unmatched") == ["U-1005"]
    assert list_users(connection, "ambiguous") == ["U-1006"]
    assert count_suggestions(connection).conflicts <= 1


@pytest.mark.desk
def test_a_newcomer_confirms_the_suggested_pairs_in_a_browser(browser, sign_in):
    connection = find_connection("acme", "salesforce")
    with window(browser, sign_in("acme")) as page:
        visitor = Visitor(page, page_of(connection, "identities"))
        visitor.goes(visitor.home)
        assert "it reads your users and those of Salesforce" in visitor.reads()
        visitor.follow("Review people")
        assert "Read both lists of people above" in visitor.reads()
        visitor.press("Read the users of Salesforce")
        visitor.press("Read your users")
        expect(page.get_by_text("Your users are being read.")).to_be_visible()
        assert page.complaints == []
        run_reads()
        page.reload()
        expect(page.get_by_role("row").filter(has_text="Bob Baker")).to_contain_text(
            "Same e-mail address"
        )
        visitor.press("Confirm the selected pairs")
        expect(page.get_by_text("4 pairs are confirmed.")).to_be_visible()
    assert visitor.clicks == 4
    assert len(list_users(connection, "confirmed")) == 4
