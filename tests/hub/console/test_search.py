"""One box finds a row by its id, reference or account, and only what the person may see."""

import pytest
from django.contrib.auth.models import Permission
from django.core.cache import cache
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from hub.audit import Actor, ActorContext
from tenants.models import ApiKey
from tests.factories import NOON

pytestmark = pytest.mark.django_db


@pytest.fixture
def search(client, make):
    def search(term, user=None):
        cache.clear()  # the site remembers a person's answers for some minutes
        client.force_login(user or make.staff(is_superuser=True))
        return client.get(reverse("admin:search"), {"s": term, "extended": 1}).content.decode()

    return search


def test_ids_and_names_lead_to_their_rows(search, make):
    tenant = make.tenant("Acme-1", name="Acme Coffee")
    delivery = make.delivery(make.connection(tenant, account="T0001"))
    make.api_key(tenant)
    key = ApiKey.objects.of(tenant).get()
    for term, row in (
        (str(delivery.public_id), delivery),
        (str(delivery.event.public_id), delivery.event),
        ("t0001", delivery.connection),
        ("acme-1", tenant),
        ("Acme C", tenant),
        (key.prefix, key),
    ):
        meta = row._meta
        assert reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[row.pk]) in search(
            term
        )


def test_another_tenants_rows_are_not_found(search, make):
    delivery = make.delivery(make.connection(make.tenant("victim"), account="T0001"))
    stranger = make.staff(make.tenant("other"))
    stranger.user_permissions.set(Permission.objects.all())
    event = delivery.event
    for term in (str(delivery.public_id), "T0001", "victim", event.sender_id, delivery.message_id):
        assert "/change/" not in search(term, stranger)


def test_values_mail_addresses_and_request_ids_are_found_and_tell_their_tenant(search, make):
    tenant = make.tenant("acme", name="Acme Coffee")
    data = {"number": "A-1005", "customer": "ann@shop.test"}
    delivery = make.delivery(make.connection(tenant), data=data)
    for term in ("A-1005", "ANN@shop.test", delivery.event.sender_id, delivery.message_id):
        assert f"/outgoing/delivery/{delivery.pk}/change/" in search(term), term
        assert "Delivery · Acme Coffee" in search(term), term
    ActorContext(Actor("staff", "1", "Eve"), request_id="Req-4711").audit(
        "tenant.change", tenant, tenant=tenant, now=NOON
    )
    assert "/hub/auditrow/" in search("Req-4711") and "Audit row · acme" in search("Req-4711")


def test_people_are_found_by_their_mail_address(search, make):
    user = make.user("ann@shop.test", name="Ann")
    assert f"/tenants/user/{user.pk}/change/" in search("ann@shop.test")


@pytest.mark.parametrize(
    ("term", "page"),
    [
        ("off sw", "admin:connections_killswitch_changelist"),
        ("night", "admin:scheduled_run_night"),
        ("health", "console:health"),
        ("api doc", "api_docs:introduction"),
    ],
)
def test_a_page_is_found_by_its_name(search, term, page):
    assert f'href="{reverse(page)}"' in search(term)


@pytest.mark.parametrize("term", ["\0", "%", "' OR 1=1 --", "é" * 500, "msg_", "-"])
def test_odd_text_finds_nothing_and_breaks_nothing(search, make, term):
    make.delivery(make.connection(make.tenant("acme")))
    assert "/change/" not in search(term)


def test_a_search_asks_the_same_number_of_questions_however_much_there_is(search, make):
    tenant, staff = make.tenant("acme"), make.staff(is_superuser=True)
    data = {"number": "A-1005"}
    make.delivery(make.connection(tenant, name="A-1005"), data=data)
    search("A-1005", staff)

    def count_statements():
        with CaptureQueriesContext(database) as statements:
            search("A-1005", staff)
        return len(statements)

    first = count_statements()
    for _ in range(6):
        make.delivery(make.connection(tenant, name="A-1005"), data=data)
    assert count_statements() == first <= 50
