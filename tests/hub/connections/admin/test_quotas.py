"""Staff read quotas as gauges with a table behind them, and set limits that can be kept to."""

from datetime import timedelta

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from hub.audit import AuditRow
from hub.db.clock import clock
from hub.throttle.models import BackgroundShare, InFlightLease, QuotaState
from tests.factories import NOON
from tests.markup import normalize_markup

pytestmark = pytest.mark.django_db
LIST = reverse("admin:throttle_quotastate_changelist")


def page(scope):
    return reverse("admin:throttle_quotastate_change", args=[scope.pk])


def row(key, **values):
    connector, kind, *_ = key.split("|")
    return QuotaState.objects.create(key=key, connector_key=connector, kind=kind, **values)


def test_a_page_tells_what_is_used_allowed_and_left_and_who_spends_it(superuser, make):
    make.connection(make.tenant(name="Acme"), "salesforce", account="00D1", name="Their Salesforce")
    make.connection(connector="salesforce", account="00D2", name="Another organisation")
    scope = row(
        "salesforce|account|00D1|",
        used_units=25_000,
        reported_limit=100_000,
        window_ends=clock() + timedelta(hours=3),
    )
    text = superuser.get(page(scope)).content.decode()
    assert 'aria-label="25000 of 100000 used"' in text
    for cell in (
        "25,000",
        "75,000",
        "100,000 calls in a day",
        "Their Salesforce",
        "Acme",
        "\n  now\n",
    ):
        assert cell in text
    assert "Another organisation" not in text


def test_calls_in_flight_are_counted_and_a_pause_is_shown_with_its_probe(superuser):
    scope = row(
        "app|app||calls",
        is_probing=True,
        paused_at=clock(),
        paused_until=clock() + timedelta(minutes=5),
    )
    InFlightLease.objects.create(
        key=scope.key,
        lease="00000000-0000-0000-0000-000000000001",
        count=9,
        until=scope.paused_until,
    )
    InFlightLease.objects.create(
        key=scope.key, lease="00000000-0000-0000-0000-000000000002", count=7, until=NOON
    )
    text = normalize_markup(superuser.get(LIST).content.decode())
    assert "9 / 16" in text
    assert "paused" in text
    assert "after one probe" in text


def test_impossible_limits_are_refused_with_a_reason(superuser):
    scope = row("slack|method|T1|chat.postMessage", limit=0)
    assert "The limit of 0 is not usable" in superuser.get(page(scope)).content.decode()


@pytest.mark.parametrize(
    ("said", "kept"), [("", None), ("100", 100), ("0", 7), ("-1", 7), ("999999999", 7), ("x", 7)]
)
def test_a_limit_that_cannot_be_kept_to_is_refused(superuser, said, kept):
    scope = row("slack|method|T1|chat.postMessage", limit=7)
    superuser.post(page(scope), {"limit": said})
    scope.refresh_from_db()
    assert scope.limit == kept


def share_page(scope):
    return reverse("admin:throttle_quotastate_verb", args=[scope.pk, "change_share"])


def test_staff_change_the_background_share_of_a_quota_of_every_account(superuser):
    first, second = (row(f"salesforce|account|00D{number}|") for number in range(2))
    assert "80 %" in superuser.get(page(second)).content.decode()
    superuser.post(share_page(first), {"percent": "30", "reason": "Nights are quiet"})
    assert "30 %" in superuser.get(page(second)).content.decode()
    audit_row = AuditRow.objects.get(verb="scope.change_share")
    assert (audit_row.before, audit_row.after["percent"]) == ({"percent": 80}, 30)


@pytest.mark.parametrize("percent", ["0", "101", "-1", "x", "1e2"])
def test_a_share_that_is_no_percentage_is_refused(superuser, percent):
    scope = row("salesforce|account|00D1|")
    superuser.post(share_page(scope), {"percent": percent, "reason": "Nights are quiet"})
    assert not BackgroundShare.objects.exists()


def test_more_quotas_cost_no_more_queries(superuser):
    def asked():
        clock()
        with CaptureQueriesContext(database) as queries:
            assert superuser.get(LIST).status_code == 200
        return len(queries)

    row("slack|channel|T1|C0")
    _, before = asked(), asked()
    for number in range(1, 20):
        row(f"slack|channel|T1|C{number}")
    assert asked() == before
