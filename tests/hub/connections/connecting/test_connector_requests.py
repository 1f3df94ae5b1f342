"""Customers ask for what cannot be connected yet; it is counted, and staff see who asks for
what.
"""

import pytest

from hub.audit import SYSTEM, ActorContext, AuditRow
from hub.connections.connecting.connector_requests import (
    REQUEST_NOTICE_KIND,
    REQUESTS_MAX,
    ConnectorDemand,
    TooManyConnectorRequests,
    count_connector_requests,
    find_system_key,
    request_connector,
)
from hub.connections.models import ConnectorRequest
from hub.notices.models import Notice
from tests.factories import NOON

pytestmark = pytest.mark.django_db

PAGE = "/admin/connections/connectorrequest/"


@pytest.fixture
def request_system(make):
    def request_system(tenant, name):
        return request_connector(tenant, name, ActorContext(SYSTEM), now=NOON)

    return request_system


@pytest.mark.parametrize(
    ("name", "system"),
    [
        ("Pipedrive", "pipedrive"),
        (" pipe drive ", "pipe-drive"),
        ("HubSpot CRM", "hubspot-crm"),
        ("hubspot  crm!", "hubspot-crm"),
        ("Яндекс", "яндекс"),
        ("???", "other"),
        ("No\0tion", "no-tion"),
        ("word " * 30, "-".join(["word"] * 12)),
    ],
)
def test_spellings_of_one_system_meet(name, system):
    assert find_system_key(name) == system


def test_it_is_counted_by_tenant_and_once_for_each(request_system, make, acme):
    assert [
        request_system(acme, "Notion"),
        request_system(acme, " notion "),
        request_system(make.tenant("globex"), "NOTION"),
    ] == [1, 1, 2]
    assert count_connector_requests(["notion", "other"], acme) == {
        "notion": ConnectorDemand(2, True)
    }
    assert count_connector_requests(["notion"], make.tenant("hooli")) == {
        "notion": ConnectorDemand(2, False)
    }


def test_it_is_shown_to_staff_and_audited_once(request_system, make, acme):
    for _ in range(2):
        request_system(acme, "Notion")
    request_system(make.tenant("globex", name="Globex"), "Notion")
    notices = Notice.unscoped.filter(kind=REQUEST_NOTICE_KIND).order_by("pk")
    assert [notice.sentence for notice in notices] == [
        "Acme Teas requests “Notion”. 1 tenant has requested it.",
        "Globex requests “Notion”. 2 tenants have requested it.",
    ]
    assert AuditRow.objects.filter(verb="connector.request", tenant_reference="acme").count() == 1


def test_requests_cannot_flood_the_staff_page(request_system, acme):
    for number in range(REQUESTS_MAX):
        request_system(acme, f"System {number}")
    with pytest.raises(TooManyConnectorRequests):
        request_system(acme, "One more")
    assert (
        request_system(acme, "System 1") == 1 and ConnectorRequest.unscoped.count() == REQUESTS_MAX
    )


def test_staff_see_who_asks_for_what_and_how_many_do(request_system, make, client, acme):
    request_system(acme, "Notion")
    request_system(make.tenant("globex", name="Globex"), "Notion")
    client.force_login(make.staff(is_superuser=True))
    page = client.get(PAGE, {"q": "not"}).content.decode()
    assert page.count("2 tenants") == 2 and "Globex" in page
    assert "Nothing" not in page and client.get(f"{PAGE}add/").status_code == 403
    assert "1 tenant" not in client.get(PAGE, {"q": "slack"}).content.decode()
