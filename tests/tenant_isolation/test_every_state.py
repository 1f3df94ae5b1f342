"""Every page and every GET of the API answers with rows in every state that the models declare."""

from itertools import islice

import pytest
from django.contrib import admin
from django.db import IntegrityError, transaction
from django.test import Client

from hub.recipes.models import Integration
from tests.canary.secret_canaries import CanaryRows
from tests.clients import Api
from tests.hub.recipes.integrations import age_integration, create_integration
from tests.shared_rows import shared_rows
from tests.tenant_isolation.url_walk import ROWS, addresses, routes

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.timeout(600),
    pytest.mark.one_database,
    pytest.mark.corrections(item="1.22"),
]

ROWS_OPENED = {Integration: 3}  # of each page; the newest has a newer recipe that differs
WORDS = sorted(ROWS.keys() - {"<slug:kind>"})
OTHER_VALUES = {  # beside choices: what no field declares, and pages depend on
    Integration: {"recipe_version": [0]},
}


def list_states(model):
    """Yield field and value: every choice, and both values of flags."""
    for field in model._meta.concrete_fields:
        if field.primary_key or field.is_relation:
            continue
        values = [value for value, _label in field.flatchoices]
        values += [True, False] if field.get_internal_type() == "BooleanField" else []
        values += OTHER_VALUES.get(model, {}).get(field.name, [])
        yield from ((field.name, value) for value in values)


def find_pages(word, model):
    """Return an address of each page of the model's rows, and of lists of them, by the door."""
    in_admin = f"admin/{model._meta.label_lower.replace('.', '/')}/"
    found = {
        "t/": [route for route in routes("t/") if f"/{word}/" in route],
        "api/": [route for route in routes("api/") if f"/{word}" in route],
        "admin/": routes(in_admin) if model in admin.site._registry else [],
    }
    return {
        door: [
            url for route in chosen for url in islice(addresses(route), ROWS_OPENED.get(model, 1))
        ]
        for door, chosen in found.items()
    }


@pytest.fixture(scope="module")
def make(django_db_setup, django_db_blocker):
    """Rows that all tests of this module share; a test undoes what it changes."""
    with shared_rows(django_db_blocker) as make:
        yield make


@pytest.fixture(scope="module")
def clients(make):
    canary_rows = CanaryRows(make)
    canary_rows.live()
    age_integration(create_integration(canary_rows.tenant), text="'OLD'")
    browsers = [Client(raise_request_exception=False) for _ in range(2)]
    return {
        "t/": canary_rows.browser(browsers[0], canary_rows.owner),
        "api/": Api(make).platform(),
        "admin/": canary_rows.browser(browsers[1], canary_rows.staff),
    }


def find_failures(clients, word, model):
    """Yield state, address and status of each answer that is a fault of ours."""
    pages = find_pages(word, model)
    for name, value in list_states(model):
        with transaction.atomic():
            try:
                with transaction.atomic():
                    model._base_manager.update(**{name: value})
            except IntegrityError:
                continue  # the database forbids it together with the rest of the row
            for door, client in clients.items():
                for address in pages[door]:
                    status = client.get(address).status_code
                    if status >= 500:
                        yield name, value, address, status
            transaction.set_rollback(True)


@pytest.mark.parametrize("word", WORDS)
def test_no_page_fails_for_a_row_in_any_state(clients, word):
    model = ROWS[word]().model
    assert list(find_failures(clients, word, model)) == []
