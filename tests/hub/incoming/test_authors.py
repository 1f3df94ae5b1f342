"""Events name our user who caused them, where an identity pairs this user with the external one."""

import json
from dataclasses import replace

import pytest
from django.db import connection as database
from django.db import transaction
from django.test.utils import CaptureQueriesContext

from hub.db.clock import clock
from hub.incoming.insight.unresolved_authors import UnresolvedAuthor, list_unresolved_authors
from hub.incoming.processing.echoes import has_foreign_author
from hub.outgoing.echo.recognize import ReceivedChange, recognize_changes
from hub.outgoing.models import EventBody, RememberedWrite
from tests.hub.incoming.arriving import post_pipedrive, run_inbox

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def pipedrive(make):
    return make.connection(connector="pipedrive", account="701", secret={})


def read_authors():
    bodies = EventBody.objects.order_by("event_id").values_list("body", flat=True)
    return [json.loads(bytes(body))["data"].get("author") for body in bodies]


def test_an_event_names_our_user_of_the_same_connection_only(client, make, pipedrive):
    other = make.connection(connector="pipedrive", account="702", secret={})
    make.identity(pipedrive, "user", "u-17", "7")
    for connection in (pipedrive, other):
        post_pipedrive(client, connection, id=f"of {connection.pk}")
    post_pipedrive(client, pipedrive, id="by another", user_id="8")
    run_inbox()
    authors = read_authors()
    assert sorted(map(str, authors)) == ["None", "None", "{'id': '7', 'user': 'u-17'}"]


def test_authors_without_an_identity_are_listed_those_of_most_items_first(make, pipedrive):
    for author in ("7", "8", "8", "9", ""):
        make.inbound_item(pipedrive, author=author)
    make.identity(pipedrive, "user", "u-17", "7")
    with CaptureQueriesContext(database) as queries:
        unresolved = list_unresolved_authors(pipedrive)
    assert unresolved == [UnresolvedAuthor("8", 2), UnresolvedAuthor("9", 1)]
    assert len(queries) == 2


@pytest.mark.parametrize(
    ("connected_user", "author", "is_foreign"),
    [("7", "7", False), ("7", "8", True), (None, "8", False), ("7", "", False)],
)
def test_only_another_user_than_the_connected_one_is_foreign(
    make, pipedrive, connected_user, author, is_foreign
):
    pipedrive.settings = {"user_id": connected_user}
    assert has_foreign_author(make.inbound_item(pipedrive, author=author)) is is_foreign


def test_a_foreign_change_is_explained_by_no_write(pipedrive):
    RememberedWrite.unscoped.create(
        pk=1, connection=pipedrive, object="person", record="31", fields={"name": "Able"},
        is_forwarded=False, written_at=clock(),
    )  # fmt: skip
    change = ReceivedChange(pipedrive.pk, "person", "31", {}, {"name": "Able"})
    foreign = replace(change, is_foreign=True)
    with transaction.atomic():
        recognitions = recognize_changes([foreign, change], now=clock())
    assert [found.is_echo for found in recognitions] == [False, True]
