"""Events name our user who caused them, where an identity pairs this user with the external one."""

import json
from dataclasses import replace

import pytest
from django.db import connection as database
from django.db import transaction
from django.test.utils import CaptureQueriesContext

from hub.audit import ActorContext
from hub.db.clock import clock
from hub.incoming.insight.unresolved_authors import UnresolvedAuthor, list_unresolved_authors
from hub.incoming.models import InboundItem
from hub.incoming.processing.held_items.author_fallbacks import release_items_of_known_authors
from hub.incoming.processing.known_changes.echoes import has_foreign_author
from hub.mappings.fallbacks import set_identity_fallback
from hub.outgoing.echo.recognize import ReceivedChange, recognize_changes
from hub.outgoing.models import EventBody, RememberedWrite
from tests.hub.incoming.webhook_posts import post_pipedrive, run_inbox

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


@pytest.mark.parametrize("state", ["suggested", "ambiguous", "unmatched", "ignored"])
def test_an_unconfirmed_pair_gives_an_event_no_author(client, make, pipedrive, state):
    identity = make.identity(pipedrive, "user", "u-17", "7")
    type(identity).unscoped.update(state=state)
    post_pipedrive(client, pipedrive, id="of 7")
    run_inbox()
    assert read_authors() == [None]
    make.inbound_item(pipedrive, author="7")
    assert [entry.remote_id for entry in list_unresolved_authors(pipedrive)] == ["7"]


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
        pk=1,
        connection=pipedrive,
        object="person",
        record="31",
        fields={"name": "Able"},
        is_forwarded=False,
        written_at=clock(),
    )
    change = ReceivedChange(pipedrive.pk, "person", "31", {}, {"name": "Able"})
    foreign = replace(change, is_foreign=True)
    with transaction.atomic():
        recognitions = recognize_changes([foreign, change], now=clock())
    assert [found.is_echo for found in recognitions] == [False, True]


def set_fallback(connection, choice, **more):
    actor = ActorContext.system()
    set_identity_fallback(connection, "user", "in", choice, actor, now=clock(), **more)


def read_items():
    return list(InboundItem.unscoped.order_by("pk").values_list("state", "reason"))


def test_a_default_user_stands_for_an_unknown_author(client, make, pipedrive):
    set_fallback(pipedrive, "default", default_id="u-team")
    post_pipedrive(client, pipedrive, user_id="8")
    run_inbox()
    assert read_authors() == [{"id": "8", "user": "u-team"}]


def test_an_event_of_an_unknown_author_is_skipped_with_its_reason(client, make, pipedrive):
    set_fallback(pipedrive, "skip", explanation="guests")
    make.identity(pipedrive, "user", "u-17", "7")
    post_pipedrive(client, pipedrive, id="known", user_id="7")
    post_pipedrive(client, pipedrive, id="unknown", user_id="8")
    run_inbox()
    assert sorted(read_items()) == [("processed", ""), ("skipped", "author_skipped")]
    assert read_authors() == [{"id": "7", "user": "u-17"}]


def test_an_event_waits_for_its_user_and_is_then_published_once(client, make, pipedrive):
    set_fallback(pipedrive, "hold")
    post_pipedrive(client, pipedrive, user_id="8")
    run_inbox()
    assert read_items() == [("held", "author_unknown")]
    assert release_items_of_known_authors(now=clock()) == 0
    make.identity(pipedrive, "user", "u-18", "8")
    assert release_items_of_known_authors(now=clock()) == 1
    assert release_items_of_known_authors(now=clock()) == 0
    run_inbox()
    assert read_items() == [("processed", "")]
    assert read_authors() == [{"id": "8", "user": "u-18"}]


def test_a_changed_fallback_releases_what_was_held(client, make, pipedrive):
    set_fallback(pipedrive, "hold")
    post_pipedrive(client, pipedrive, user_id="8")
    run_inbox()
    set_fallback(pipedrive, "skip", explanation="guests")
    assert release_items_of_known_authors(now=clock()) == 1
    run_inbox()
    assert read_items() == [("skipped", "author_skipped")]
