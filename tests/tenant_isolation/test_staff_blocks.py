"""Pages that customers and staff share: staff add blocks, which no customer's page has."""

import re

import pytest

from tests.tenant_isolation.staff_blocks import TEMPLATES, list_shared_pages, list_staff_templates

BLOCK = re.compile(r"{% block (\w+) %}")
SHARED_PARENT = re.compile(r'{% extends "(portal/[^"]+)"')
PAGES = list_shared_pages()


def blocks_of(name):
    """The blocks of a page, with those of the customers' page that it extends."""
    text = (TEMPLATES / name).read_text()
    parent = SHARED_PARENT.match(text) if name.startswith("portal/") else None
    return set(BLOCK.findall(text)) | (blocks_of(parent[1]) if parent else set())


@pytest.mark.parametrize(("page", "shared"), PAGES, ids=[page for page, _ in PAGES])
def test_staff_fill_only_blocks_that_the_shared_page_has(page, shared):
    assert blocks_of(page) <= blocks_of(shared) | blocks_of("console/subject.html")


@pytest.mark.django_db
def test_what_staff_add_to_a_delivery_is_on_no_page_of_a_customer(client, make):
    delivery = make.delivery(make.connection(tenant := make.tenant("acme")))
    client.force_login(make.membership(tenant, make.user("ann@acme.test"), "owner").user)
    response = client.get(f"/t/acme/deliveries/{delivery.public_id}/")
    client.force_login(make.staff(is_superuser=True))
    theirs = client.get(f"/admin/outgoing/delivery/{delivery.pk}/change/")

    assert f"/admin/tenants/tenant/{tenant.pk}/change/" in theirs.content.decode()
    assert "/admin/" not in response.content.decode()
    assert list_staff_templates(response) == []
