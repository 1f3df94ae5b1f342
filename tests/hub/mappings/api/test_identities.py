"""Identities by REST."""

import pytest

from hub.audit import AuditRow
from hub.mappings.models import Identity
from hub.queue import WakeUp
from tests.hub.connections.api.rest import connection_url, summarize_problem

pytestmark = pytest.mark.django_db

ORDERS = {"kind": "channel", "local_id": "orders", "remote_id": "C0123456789", "name": "#orders"}


@pytest.fixture
def acme(make):
    return make.tenant("acme")


@pytest.fixture
def slack(make, acme):
    return make.connection(acme, "slack")


@pytest.fixture
def url(slack):
    return connection_url(slack, "identities")


@pytest.fixture
def shop(api, acme):
    return api.of(acme, scopes=["connections:read", "connections:write"])


def test_one_is_said_replaced_and_forgotten(shop, url):
    assert shop.put(url, ORDERS, format="json").json().items() >= ORDERS.items()
    assert shop.put(url, ORDERS | {"remote_id": "G0123456789"}, format="json").status_code == 200
    (item,) = shop.get(url).json()["items"]
    assert item["remote_id"] == "G0123456789"
    assert shop.delete(f"{url}?kind=channel&local_id=orders").json()["remote_id"] == "G0123456789"
    assert not Identity.unscoped.exists()
    assert shop.delete(f"{url}?kind=channel&local_id=orders").status_code == 404
    verbs = list(AuditRow.objects.values_list("verb", "actor_kind").order_by("number"))
    assert verbs == [
        (f"connection.{verb}", "api_key") for verb in ("identify", "identify", "forget")
    ]


def test_what_is_held_for_want_of_it_is_looked_at(shop, url):
    shop.put(url, ORDERS, format="json")
    assert WakeUp.objects.filter(name="drain").exists()


def test_an_id_that_cannot_be_one_is_refused(shop, url):
    answer = shop.put(url, ORDERS | {"remote_id": "#orders"}, format="json")
    assert summarize_problem(answer) == (400, "validation-failed", ["/remote_id"])
    assert not Identity.unscoped.exists()


@pytest.mark.parametrize("name", ["kind", "local_id", "remote_id", "name"])
def test_a_line_break_is_refused_by_its_field(shop, url, name):
    answer = shop.put(url, ORDERS | {"kind": "product", name: "a\nb"}, format="json")
    assert summarize_problem(answer) == (400, "validation-failed", [f"/{name}"])
    assert not Identity.unscoped.exists()


def test_a_kind_without_a_list_may_have_any_id(shop, url):
    assert (
        shop.put(
            url, {"kind": "user", "local_id": "7/8 ?", "remote_id": "anything"}, format="json"
        ).status_code
        == 200
    )
    assert shop.delete(f"{url}?kind=user&local_id=7%2F8%20%3F").status_code == 200


def test_many_are_read_page_by_page(make, shop, slack, url):
    for number in range(5):
        make.identity(slack, "user", f"u{number}", f"T{number}")
        make.identity(slack, "product", f"p{number}", f"T{number}")
    seen, page = [], f"{url}?limit=3"
    while page:
        answer = shop.get(page).json()
        seen += [item["local_id"] for item in answer["items"]]
        page = answer["next"]
    assert seen == [f"p{number}" for number in range(5)] + [f"u{number}" for number in range(5)]
    assert len(shop.get(f"{url}?kind=user").json()["items"]) == 5
