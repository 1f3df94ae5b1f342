"""What is stored is English or of no language, whoever's language an action was done in: each form
of each page is submitted in a language of brackets, and no bracket is stored.

On one database: it reads the values of statements, which Python makes before it knows the database.
tests/canary/test_canary.py submits to the addresses of customers on every database.
"""

import json
import re
from contextlib import contextmanager

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.test import Client
from django.utils import translation

from hub.operations.models import Operation
from tests.canary.secret_canaries import TEXT, CanaryRows
from tests.tenant_isolation.url_walk import addresses, routes
from tests.tenants.door import code_of
from tests.translations.bracketed_language import OPEN, bracketed_language
from tests.translations.page_forms import find_submissions

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(300), pytest.mark.one_database]

WRITE = re.compile(r'\s*(?:INSERT INTO|UPDATE|WITH|COPY)\s+"?(\w+)', re.I)
ESCAPED = json.dumps(OPEN).strip('"')
ENDS = ("logout", "/accounts/")  # what signs the person out, or belongs to allauth
FORMS_AT_LEAST = 200
DIFFERENT_ON_EACH_PAGE = {"csrfmiddlewaretoken": [""]}


class StoredTexts:
    """Texts of a person's language that a statement stored, with the statement's table."""

    def __init__(self):
        self.found, self.posted = set(), ""

    def __call__(self, execute, sql, parameters, many, context):
        if match := WRITE.match(sql):
            self.collect(match[1], parameters)
        return execute(sql, parameters, many, context)

    def collect(self, table, value):
        if isinstance(value, dict):
            value = list(value.values())
        if isinstance(value, list | tuple):
            for inner in value:
                self.collect(table, inner)
        elif (OPEN in (text := str(value)) or ESCAPED in text) and text not in self.posted:
            self.found.add((table, text[:200]))

    @contextmanager
    def posting(self, data):
        """What a person sends is theirs, also if the page suggested it in their language."""
        self.posted = " ".join(value for values in data.values() for value in values)
        yield
        self.posted = ""


def submit(client, address, data, stored):
    """Submit a form; what it did is undone."""
    with transaction.atomic(), stored.posting(data):
        answer = client.post(address, data)
        transaction.set_rollback(True)
    assert answer.status_code < 500, address
    return answer


def submit_all(client, stored, *beginnings, without=()):
    """Submit each form of each page once; return how many."""
    done = set()
    for route in routes(*beginnings):
        for address in addresses(route):
            page = client.get(address)
            if page.status_code != 200 or page.streaming or b"<form" not in page.content:
                continue
            for action, data in find_submissions(page.content.decode(), address):
                key = (action, str(sorted((data | DIFFERENT_ON_EACH_PAGE).items())))
                if key not in done and not any(word in action for word in without):
                    done.add(key)
                    submit(client, action, data, stored)
    return len(done)


@pytest.fixture
def canary_rows(make):
    canary_rows = CanaryRows(make)
    canary_rows.live()
    return canary_rows


@pytest.fixture
def owner(canary_rows):
    client = canary_rows.browser(Client(), canary_rows.owner)
    client.post("/accounts/2fa/reauthenticate/", {"code": code_of(TEXT)})
    return client


def test_no_action_of_a_customer_stores_a_text_in_the_readers_language(owner):
    stored = StoredTexts()
    with bracketed_language(), connection.execute_wrapper(stored):
        count = submit_all(owner, stored, "t/", without=ENDS)
    assert count >= FORMS_AT_LEAST
    assert stored.found == set()


def test_no_action_of_staff_stores_a_text_in_the_readers_language(canary_rows):
    client, stored = canary_rows.browser(Client(), canary_rows.staff), StoredTexts()
    with bracketed_language(), connection.execute_wrapper(stored):
        count = submit_all(client, stored, "admin/", without=ENDS)
    assert count >= FORMS_AT_LEAST
    assert stored.found == set()


def test_what_the_house_does_by_itself_stores_no_text_in_a_readers_language(make):
    """Its services run in a process whose language a request before them has chosen."""
    stored = StoredTexts()
    with bracketed_language(), connection.execute_wrapper(stored):
        CanaryRows(make).live()
    assert stored.found == set()


@pytest.mark.parametrize("language", [code for code, _ in settings.LANGUAGES])
def test_a_reason_of_the_hub_is_stored_in_english_and_shown_in_the_readers_language(
    owner, canary_rows, language
):
    owner.defaults["HTTP_ACCEPT_LANGUAGE"] = language
    with translation.override("en"):  # the language of a request stays in its thread
        owner.post("/t/acme/operations/plan?state=failed", {"kind": "retry", "reason": ""})
        operation = Operation.unscoped.latest("pk")
        page = owner.get(f"/t/acme/operations/{operation.public_id}/").content.decode()
    assert operation.reason == "requested on the log pages"
    shown = {"en": operation.reason, "de": "auf den Protokollseiten angefordert"}[language]
    assert f"<dd>{shown}</dd>" in page
