"""The timeline of a credential as a picture and a table, without the token."""

from datetime import timedelta

import pytest
from django.urls import reverse

from hub.connections.models import Credential, CredentialEvent
from hub.connections.status.timeline_svg import EVENTS_MAX, MARK_SHAPES, MARK_STYLES, draw_timeline
from hub.db.clock import clock
from hub.prune.batches import RetentionCutoffs, prune_batches
from hub.queue import WakeUp
from hub.state_texts import CREDENTIAL_EVENTS
from tests.factories import NOON

HOUR = timedelta(hours=1)


def event(kind, at, detail="", version=1):
    return CredentialEvent(kind=kind, at=at, detail=detail, version=version)


def draw(*events, now=NOON, refresh_due_at=None, ends=None):
    return draw_timeline(events, now=now, refresh_due_at=refresh_due_at, expires_at=ends)


def test_every_kind_has_a_look_a_shape_and_words():
    assert set(MARK_STYLES) == set(CREDENTIAL_EVENTS)
    assert set(MARK_STYLES.values()) | {"next"} == set(MARK_SHAPES)


def test_an_empty_life_is_drawn_too():
    assert (draw().past_marks, draw().segments) == ([], [])


def test_time_goes_from_left_to_right_and_what_comes_stands_behind_now():
    drawing = draw(
        event("issued", NOON - 2 * HOUR),
        event("refreshed", NOON - HOUR),
        refresh_due_at=NOON + HOUR,
        ends=NOON + 2 * HOUR,
    )
    places = [mark.x for mark in (*drawing.past_marks, *drawing.upcoming_marks)]
    assert places == [12.0, 156.0, 444.0, 588.0]
    assert drawing.now_x == 300.0


def test_where_the_authorization_did_not_live_the_line_says_so():
    drawing = draw(
        event("issued", NOON - 3 * HOUR),
        event("ended", NOON - 2 * HOUR),
        event("reconnected", NOON - HOUR),
    )
    assert [stretch.style for stretch in drawing.segments] == ["alive", "dead", "alive"]


@pytest.mark.parametrize("count", [1, 60, 300])
def test_many_events_stay_within_the_picture(count):
    drawing = draw(*(event("refreshed", NOON - HOUR * number) for number in reversed(range(count))))
    assert len(drawing.past_marks) == min(count, EVENTS_MAX)
    assert all(12.0 <= mark.x <= 588.0 for mark in drawing.past_marks)


def test_one_event_right_now_is_drawn():
    assert draw(event("issued", NOON)).past_marks[0].x == 588.0


@pytest.mark.django_db
def test_the_same_again_is_not_noted_again(make):
    row = make.connection()
    for _ in range(3):
        CredentialEvent.record_event(row, "refresh_failed", "unavailable", version=1, now=NOON)
    CredentialEvent.record_event(row, "refresh_failed", "timed out", version=1, now=NOON)
    assert CredentialEvent.unscoped.count() == 2


@pytest.mark.django_db
def test_staff_see_it_on_the_connections_page_with_its_table(client, make):
    row = make.connection(connector="slack", secret={"access_token": "xoxb-canary"})
    CredentialEvent.record_event(row, "issued", version=1, now=NOON)
    CredentialEvent.record_event(row, "ended", "token_revoked", version=1, now=NOON + HOUR)
    client.force_login(make.staff(is_superuser=True))
    page = client.get(
        reverse("admin:connections_connection_change", args=[row.pk])
    ).content.decode()
    assert '<svg class="credential-timeline"' in page
    assert "<q>token revoked</q>" in page
    assert "xoxb-canary" not in page


@pytest.mark.django_db
def test_old_events_are_pruned(make):
    row = make.connection()
    CredentialEvent.record_event(row, "issued", version=1, now=NOON)
    CredentialEvent.record_event(row, "refreshed", version=2, now=NOON + timedelta(days=90))
    list(prune_batches(RetentionCutoffs.at(NOON + timedelta(days=91))))
    assert [event.kind for event in CredentialEvent.unscoped.all()] == ["refreshed"]


@pytest.mark.django_db
def test_staff_may_ask_for_a_new_token_where_there_is_one_to_renew(client, make):
    row = make.connection(connector="salesforce")
    client.force_login(make.staff(is_superuser=True))
    page = reverse("admin:connections_connection_change", args=[row.pk])
    assert "Renew the access token" not in client.get(page).content.decode()
    Credential.unscoped.update(refresh_due_at=clock() + HOUR)
    assert "Renew the access token" in client.get(page).content.decode()
    client.post(reverse("admin:connections_connection_verb", args=[row.pk, "renew"]))
    assert Credential.unscoped.get().refresh_due_at <= clock()
    assert WakeUp.objects.filter(name=f"refresh:{row.pk}").exists()
