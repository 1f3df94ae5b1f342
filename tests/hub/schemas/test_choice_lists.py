"""Lists of choices are read to their end, stored by name, and found without a call."""

import json
from datetime import timedelta

import pytest

from connectors.http import Response
from hub.connections.credentials.provider_call import Patience
from hub.schemas.choice_lists import (
    find_choice_list,
    list_choice_kinds,
    refresh_choice_list,
)
from tests.connectors.recorded import recorded
from tests.factories import NOON
from tests.fakes import FakeHttp

pytestmark = pytest.mark.django_db


@pytest.fixture
def slack(make):
    return make.connection(connector="slack")


def channels(*names, cursor=""):
    rows = [{"id": f"C{name.upper()}", "name": name} for name in names]
    body = {"ok": True, "channels": rows, "response_metadata": {"next_cursor": cursor}}
    return Response(200, json.dumps(body).encode())


def refresh(connection, kind, *answers):
    http = FakeHttp(answers)
    patience = Patience(timedelta(seconds=4), lambda seconds: None)
    read = refresh_choice_list(connection, kind, call=http.call, now=NOON, patience=patience)
    return read, http


def test_every_page_is_read_and_sorted_by_name(slack):
    assert find_choice_list(slack, "channel") is None
    _read, http = refresh(slack, "channel", channels("tea", "orders", cursor="n"), channels("alps"))
    choice_list = find_choice_list(slack, "channel")
    assert choice_list.choices == (("CALPS", "#alps"), ("CORDERS", "#orders"), ("CTEA", "#tea"))
    assert (choice_list.is_complete, choice_list.read_at, len(http.requests)) == (True, NOON, 2)


def test_a_list_whose_pages_repeat_is_stored_as_incomplete(slack):
    again = channels("tea", cursor="n")
    read, _http = refresh(slack, "channel", again, again)
    assert (read.choices, read.is_complete) == ((("CTEA", "#tea"),), False)


def test_without_patience_a_spent_quota_ends_the_list_as_incomplete(slack):
    http = FakeHttp(channels("tea", cursor="n"))
    read = refresh_choice_list(slack, "channel", call=http.call, now=NOON)
    assert (read.choices, read.is_complete, len(http.requests)) == ((("CTEA", "#tea"),), False, 1)


def test_a_failed_read_stores_nothing(slack):
    refusal = Response(200, b'{"ok":false,"error":"missing_scope"}')
    read, _http = refresh(slack, "channel", channels("tea", cursor="n"), refusal)
    assert read.reason == "permission_missing"
    assert find_choice_list(slack, "channel") is None


def test_records_without_an_id_are_left_out(slack):
    body = {"ok": True, "channels": [{"name": "x"}, None, {"id": "C1", "name": "a\x00b"}]}
    read, _http = refresh(slack, "channel", Response(200, json.dumps(body).encode()))
    assert read.choices == (("C1", "#a b"),)


def test_the_objects_of_a_system_are_a_list_of_choices(make):
    salesforce = make.connection(connector="salesforce")
    assert list_choice_kinds(salesforce) == ("object",)
    read, _http = refresh(salesforce, "object", recorded("salesforce", "objects__ok"))
    assert read.choices == (("Contact", "Contact"), ("Order__c", "Web order"))
    assert find_choice_list(salesforce, "object").choices == read.choices


def test_a_kind_that_the_system_does_not_have_is_refused_without_a_call(slack):
    assert list_choice_kinds(slack) == ("channel",)
    read, http = refresh(slack, "object")
    assert (read.kind, read.reason, http.requests) == ("never", "unsupported", [])
