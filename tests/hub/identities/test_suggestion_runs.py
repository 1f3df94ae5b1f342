"""Pairs are suggested by a worker: once, however often they were asked for and tried."""

import pytest

from connectors.directories import Person
from hub.audit import Actor, ActorContext, AuditRow
from hub.identities.local_users import put_local_users
from hub.identities.models import DirectoryEntry, SuggestionRun
from hub.identities.people_store import store_directory_entries
from hub.identities.suggestion_runs import (
    ATTEMPTS_MAX,
    RUN_LEASE,
    perform_suggestion_run,
    request_suggestions,
    wake_up_due_suggestions,
)
from hub.identities.tasks import suggest_pairs
from hub.mappings.models import Identity
from hub.queue import WakeUp
from tests.factories import MINUTE, NOON
from tests.hub.identities.people import SYSTEM

pytestmark = pytest.mark.django_db
ANN = ActorContext(Actor("user", "7", "ann@acme.test"), request_id="r1", ip="192.0.2.7")


@pytest.fixture
def slack(make):
    """Ann on both sides."""
    connection = make.connection(make.tenant("acme"), "slack")
    person = Person("u1", "Ann Archer", "ann@acme.test")
    put_local_users(connection.tenant, [person], SYSTEM, now=NOON)
    store_directory_entries(connection, [person], kind="user", now=NOON)
    return connection


def perform(run, *, now=NOON):
    perform_suggestion_run(run.pk, clock=lambda: now)
    run.refresh_from_db()
    return run


def count_suggested():
    return Identity.unscoped.filter(state="suggested").count()


def test_a_request_waits_for_a_worker_and_is_audited_in_the_name_of_who_asked(slack):
    run = request_suggestions(slack, ANN, now=NOON)
    assert (run.state, count_suggested()) == ("waiting", 0)
    assert WakeUp.objects.filter(name=f"suggest:{run.pk}").exists()
    suggest_pairs(f"suggest:{run.pk}")
    run.refresh_from_db()
    assert (run.state, count_suggested()) == ("finished", 1)
    audited = AuditRow.objects.get(verb="connection.suggest_identities")
    assert (audited.actor_label, audited.request_id) == ("ann@acme.test", "r1")


def test_asked_twice_is_asked_once(slack):
    first = request_suggestions(slack, ANN, now=NOON)
    again = request_suggestions(slack, SYSTEM, now=NOON + MINUTE)
    assert (again.pk, again.requested_at) == (first.pk, NOON)
    perform(first)
    perform(first)
    assert AuditRow.objects.filter(verb="connection.suggest_identities").count() == 1


def test_after_its_end_it_can_be_asked_for_again(slack):
    perform(request_suggestions(slack, ANN, now=NOON))
    again = request_suggestions(slack, ANN, now=NOON + MINUTE)
    assert (again.state, again.finished_at) == ("waiting", None)
    assert perform(again, now=NOON + MINUTE).finished_at == NOON + MINUTE


def test_what_a_worker_that_died_has_left_is_begun_again(slack):
    run = request_suggestions(slack, ANN, now=NOON)
    SuggestionRun.unscoped.update(state="running", started_at=NOON, attempt_count=1)
    assert perform(run, now=NOON + MINUTE).state == "running"  # it may still be at work
    WakeUp.objects.all().delete()
    wake_up_due_suggestions(now=NOON + RUN_LEASE)
    assert WakeUp.objects.filter(name=f"suggest:{run.pk}").exists()
    assert perform(run, now=NOON + RUN_LEASE).state == "finished"


def test_what_kills_every_worker_fails_at_last(slack):
    run = request_suggestions(slack, ANN, now=NOON)
    SuggestionRun.unscoped.update(state="running", started_at=NOON, attempt_count=ATTEMPTS_MAX)
    assert perform(run, now=NOON + RUN_LEASE).state == "failed"
    assert count_suggested() == 0


def test_an_error_is_shown_at_once(slack):
    run = request_suggestions(slack, ANN, now=NOON)
    DirectoryEntry.unscoped.update(aliases=7)  # no release stores such a row
    with pytest.raises(TypeError):
        perform(run)
    run.refresh_from_db()
    assert (run.state, run.finished_at) == ("failed", NOON)
