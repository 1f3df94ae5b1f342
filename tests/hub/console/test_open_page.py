"""What a program names by `page_url` leads a person to a page that they can open."""

from urllib.parse import urlsplit

import pytest
from django.urls import reverse

from tests.hub.outgoing.operating import planned

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme(make):
    return make.tenant("acme")


@pytest.fixture
def rows(make, acme):
    delivery = make.delivery(make.connection(acme, "slack"))
    operation = planned("retry", acme)
    return {
        "events": delivery.event,
        "deliveries": delivery,
        "connections": delivery.connection,
        "operations": operation,
    }


@pytest.fixture
def addresses(api, acme, rows):
    """The path of `page_url` of each kind, as a program reads it."""
    shop = api.of(acme)
    return {
        kind: urlsplit(shop.get(f"/api/v1/{kind}/{row.public_id}").json()["page_url"]).path
        for kind, row in rows.items()
    }


def signed_in(client, person):
    client.force_login(person)
    return client


KINDS = ("events", "deliveries", "connections", "operations")


@pytest.mark.parametrize("kind", KINDS)
def test_staff_come_to_the_admin(make, client, addresses, rows, kind):
    row, person = rows[kind], signed_in(client, make.staff(is_superuser=True))
    answer = person.get(addresses[kind])
    assert answer.url == reverse(
        f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk]
    )
    assert person.get(answer.url).status_code == 200


@pytest.mark.parametrize("kind", KINDS)
def test_a_customer_comes_to_the_tenants_own_page(make, client, acme, addresses, rows, kind):
    make.membership(acme, person := make.user(), role="admin")
    answer = signed_in(client, person).get(addresses[kind])
    assert answer.url == f"/t/acme/{kind}/{rows[kind].public_id}/"
    assert client.get(answer.url).status_code == 200


@pytest.mark.parametrize("kind", KINDS)
def test_a_stranger_finds_nothing(make, client, addresses, kind):
    make.membership(make.tenant(), person := make.user(), role="owner")
    assert signed_in(client, person).get(addresses[kind]).status_code == 404


def test_staff_of_another_tenant_find_nothing(make, client, addresses):
    assert signed_in(client, make.staff(make.tenant())).get(addresses["events"]).status_code == 404


def test_a_guest_comes_to_the_pages_that_the_link_opens(make, client, acme, addresses, rows):
    link = make.portal_link(acme)
    client.post(reverse("people:portal_link", args=[link.token]))
    assert client.get(addresses["events"]).url == f"/t/acme/events/{rows['events'].public_id}/"


def test_who_is_not_signed_in_does_so_first_and_comes_back(client, addresses):
    url = client.get(addresses["events"]).url
    assert url.startswith(reverse("account_login")) and "open/events" in url


def test_an_own_endpoint_has_a_page_of_its_own(make, client, acme):
    row = make.connection(acme)
    make.membership(acme, person := make.user())
    answer = signed_in(client, person).get(f"/open/connections/{row.public_id}")
    assert answer.url == f"/t/acme/endpoints/{row.public_id}/"


@pytest.mark.parametrize(
    "path",
    ["events/01a21100-0000-7000-8000-000000000001", "secrets/01a21100-0000-7000-8000-000000000001"],
)
def test_what_is_not_there_is_not_found(make, client, path):
    assert signed_in(client, make.staff(is_superuser=True)).get(f"/open/{path}").status_code == 404


def test_an_accepted_event_names_its_page(api, acme):
    document = (
        api.of(acme)
        .post("/api/v1/events", {"type": "order.created", "data": {}}, format="json")
        .json()
    )
    assert document["page_url"] == f"https://hub.test/open/events/{document['id']}"
