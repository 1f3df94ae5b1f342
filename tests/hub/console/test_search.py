"""One box finds a row by its id, reference or account, and only what the person may see."""

import pytest
from django.contrib.auth.models import Permission
from django.core.cache import cache
from django.urls import reverse

from tenants.models import ApiKey

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
    for term in (str(delivery.public_id), "T0001", "victim"):
        assert "/change/" not in search(term, stranger)
