"""Discrepancies over nights: each keeps its row."""

from datetime import timedelta

import pytest

from hub.scheduled.models import Discrepancy, Job, Run
from hub.scheduled.reconciliation.recording import (
    JudgedKeys,
    digest_values,
    has_open_discrepancies,
    record_findings,
    resolve_unseen,
)
from hub.scheduled.reconciliation.values.staged_values import StagedValues
from hub.scheduled.reconciliation.verdicts.judge import Finding
from tests.factories import NOON

DAY = timedelta(days=1)


def finding(key="A-1", ours="open", theirs="closed", field="status", verdict="differs"):
    local = StagedValues(key, [ours], [ours], '"1"', NOON)
    remote = StagedValues(f"r{key}", [theirs], [theirs], "2026", NOON)
    return Finding(key, field, verdict, "", "ours", local, remote, ours, theirs)


@pytest.fixture
def nights(make):
    """Record findings of one night after another; return the discrepancies by key and field."""
    connection = make.connection(connector="salesforce")
    job = Job.unscoped.create(
        tenant=connection.tenant,
        kind="reconcile",
        name="orders",
        connector_key="salesforce",
        cron="0 2 * * *",
    )

    def record(*findings, judged=("A-1",), postponed=(), complete=True):
        number = Run.unscoped.count()
        now = NOON + number * DAY
        run = Run.unscoped.create(
            job=job,
            tenant=connection.tenant,
            due_at=now,
            window_ends_at=now,
            deadline_at=now,
            created_at=now,
        )
        keys = JudgedKeys(list(findings), list(judged), list(postponed))
        has_open = has_open_discrepancies(run)
        record_findings(run, connection, keys, has_open=has_open, now=now)
        if complete:
            resolve_unseen(run, now=now)
        return {(row.record_key, row.field): row for row in Discrepancy.unscoped.all()}

    return record


def test_a_discrepancy_is_new_then_still_there_then_resolved_and_new_again(nights):
    first = nights(finding())["A-1", "status"]
    assert (first.state, first.local_value, first.remote_value) == ("new", "open", "closed")
    second = nights(finding())["A-1", "status"]
    assert (second.pk, second.state) == (first.pk, "open")
    assert second.last_seen_at - second.first_seen_at == DAY
    third = nights()["A-1", "status"]
    assert (third.state, third.resolved_at) == ("resolved", NOON + 2 * DAY)
    fourth = nights(finding())["A-1", "status"]
    assert (fourth.pk, fourth.state) == (first.pk, "new")


def test_an_ignored_discrepancy_stays_ignored_until_its_values_change(nights):
    row = nights(finding())["A-1", "status"]
    row.transition_to("ignored", ignored_reason="known", ignored_digest=digest_values(row))
    assert nights(finding())["A-1", "status"].state == "ignored"
    row = nights(finding(theirs="lost"))["A-1", "status"]
    assert (row.state, row.ignored_reason) == ("open", "")


def test_a_postponed_key_keeps_its_discrepancies(nights):
    nights(finding())
    assert nights(judged=(), postponed=("A-1",))["A-1", "status"].state == "new"


def test_a_record_that_is_gone_on_both_sides_is_resolved_by_a_complete_run_only(nights):
    nights(finding())
    assert nights(judged=(), complete=False)["A-1", "status"].state == "new"
    assert nights(judged=())["A-1", "status"].state == "resolved"


def test_another_verdict_on_a_record_resolves_the_first(nights):
    nights(finding(field="", verdict="missing_there"))
    rows = nights(finding())
    assert (rows["A-1", ""].state, rows["A-1", "status"].state) == ("resolved", "new")


@pytest.mark.parametrize(
    ("delivery_state", "state", "reason"),
    [
        ("waiting", "repairing", ""),
        ("delivered", "open", "repair_without_effect"),
        ("failed", "open", "changed_since"),
    ],
)
def test_a_repair_that_did_not_help_is_open_again(nights, make, delivery_state, state, reason):
    row = nights(finding())["A-1", "status"]
    delivery = make.delivery(row.connection)
    type(delivery).unscoped.filter(pk=delivery.pk).update(
        state=delivery_state, reason="changed_since" if delivery_state == "failed" else ""
    )
    row.transition_to("repairing", repair_delivery=delivery)
    row = nights(finding())["A-1", "status"]
    assert (row.state, row.reason) == (state, reason)


def test_the_number_of_statements_does_not_depend_on_the_number_of_findings(
    nights, django_assert_max_num_queries
):
    nights(finding("A-0"))
    keys = [f"A-{number}" for number in range(50)]
    with django_assert_max_num_queries(12):
        rows = nights(*(finding(key) for key in keys), judged=keys)
    assert len(rows) == 50
