"""`manage.py retry`: the same operation from a terminal."""

import json

import pytest
from django.core.management import CommandError, call_command

from hub.audit import AuditRow
from hub.management.commands.retry import parse_time_argument
from hub.operations.models import Operation
from tests.hub.outgoing.operating import list_states, put

pytestmark = pytest.mark.django_db


@pytest.fixture
def dead(make, acme):
    return put([make.delivery(make.connection(acme)), make.delivery()], "failed", "exhausted")


def retry(capsys, *options, **more):
    call_command("retry", "--since", "2000-01-01", "--json", *options, **more)
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_dry_run_writes_nothing(dead, capsys):
    (plan,) = retry(capsys, "--dry-run")
    assert (plan["count"], plan["tenants"]) == (2, 2)
    assert (Operation.unscoped.count(), AuditRow.objects.count(), set(list_states())) == (
        0,
        0,
        {"failed"},
    )


def test_it_retries_what_the_filter_means(dead, capsys):
    plan, summary = retry(
        capsys, "--tenant", "acme", "--connector", "webhook", "--why", "back", "--yes"
    )
    assert (plan["count"], summary["state"], summary["done"]) == (1, "finished", 1)
    assert list_states() == ["waiting", "failed"]


def test_a_filter_that_means_nothing_is_well(dead, capsys):
    (plan,) = retry(capsys, "--reason", "defect", "--why", "back", "--yes")
    assert plan["count"] == 0


def test_it_asks_first(dead, capsys, monkeypatch):
    monkeypatch.setattr("builtins.input", lambda words: "n")
    with pytest.raises(CommandError, match="Cancelled"):
        retry(capsys, "--why", "back")
    assert (Operation.unscoped.get().state, set(list_states())) == ("cancelled", {"failed"})


def test_it_wants_to_know_why(dead, capsys):
    with pytest.raises(CommandError, match="--why"):
        retry(capsys)


def test_an_unknown_tenant_is_refused(dead, capsys):
    with pytest.raises(CommandError, match="No tenant"):
        retry(capsys, "--tenant", "nobody", "--dry-run")


def test_moments_are_said_as_people_say_them(db):
    assert parse_time_argument("2026-11-25T12:00").isoformat() == "2026-11-25T12:00:00+00:00"
    assert parse_time_argument("2d") < parse_time_argument("6h") < parse_time_argument("30m")


def test_in_words_it_tells_the_plan_and_the_summary(dead, capsys):
    call_command("retry", "--since", "2000-01-01", "--why", "back", "--yes")
    told = capsys.readouterr().out
    assert "2 deliveries of 2 tenants would be retried." in told
    assert "finished: 2 of 2." in told
