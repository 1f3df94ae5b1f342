"""Every page of a tenant asks the same number of questions, however many rows there are."""

import pytest
from django.test import Client

from hub.outgoing.models import Delivery
from tests.canary.secret_canaries import CanaryRows
from tests.hub.outgoing.operating import copy_delivery
from tests.hub.portal.query_counts import count_queries
from tests.tenant_isolation.url_walk import addresses, routes

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(300)]
SIXTY = range(60)
MOST = 30  # of one page; that of a connection asks for its registrations, sources and gaps


@pytest.fixture
def canary_rows(make):
    canary_rows = CanaryRows(make)
    canary_rows.live()
    return canary_rows


def pages(client):
    """One address of each page."""
    for route in routes("t/<str:tenant>/"):
        for address in addresses(route):
            answer = client.get(address)
            if answer.status_code == 200 and not answer.streaming:
                yield address
                break


def add_rows(canary_rows, make):
    """Sixty more of whatever a page may list."""
    tenant, mine = canary_rows.tenant, canary_rows.connections
    for row in Delivery.unscoped.filter(tenant=tenant):
        copy_delivery(row, 60, state="delivered")
    for number in SIXTY:
        make.connection(tenant)
        make.event(tenant, "lead.won", id=f"l-{number}")
        make.membership(tenant, make.user())
        for connection in mine[:2]:
            make.identity(connection, "user", f"u-{number}", f"U{number}")
    for number in range(10):
        make.connect_link(tenant)
        make.invitation(tenant)
        make.saved_view(tenant, f"more {number}")
        make.integration(tenant, route=tenant.routes.first())


def test_sixty_more_of_everything_cost_no_page_another_question(canary_rows, make):
    client = canary_rows.browser(Client(), canary_rows.owner)
    make.event(canary_rows.tenant, "lead.won")
    make.event(canary_rows.tenant, "order.created").deliveries.update(state="delivered")
    few = {address: count_queries(client, address) for address in pages(client)}
    add_rows(canary_rows, make)
    more = {address: count_queries(client, address) for address in few}
    assert len(few) > 25
    assert {
        address: (count, more[address]) for address, count in few.items() if more[address] > count
    } == {}  # fewer where the row that asks for a switch is on the next page
    assert {address: count for address, count in few.items() if count > MOST} == {}
