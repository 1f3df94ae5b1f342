"""The hub warns before a system acts on failed answers, and withdraws the warning by itself."""

from datetime import timedelta

import pytest

from hub.db.clock import clock
from hub.incoming.models import InboundCount
from hub.incoming.receiving.counts import truncate_to_minute
from hub.incoming.receiving.threats import warn_of_threats
from hub.notices.models import Notice
from hub.sweep import STEPS
from sandbox.pipedrive.webhooks.registry import BAN_FAILURES, DELETION_SECONDS
from sandbox.slack.apps.subscriptions import EXEMPT, FAILURES
from tests.hub.incoming.sources import make_sender

pytestmark = pytest.mark.django_db
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def now():
    return truncate_to_minute(clock())


def answer(sender, *, at, count=1, cause="unavailable"):
    InboundCount.unscoped.create(
        endpoint=sender.endpoint, minute=truncate_to_minute(at), cause=cause, count=count
    )


def list_warnings(*, now):
    """Return the open warnings after a sweep: their messages without the kind."""
    warn_of_threats(now=now)
    notices = Notice.unscoped.filter(kind="webhooks_threatened", resolved_at=None).order_by("id")
    return [notice.message.removeprefix("webhooks_threatened_") for notice in notices]


def test_the_step_belongs_to_the_sweep():
    assert warn_of_threats in STEPS


def test_pipedrives_ban_is_announced_before_it_happens_and_once(make, client, now):
    pipedrive = make_sender(make, client, "pipedrive")
    answer(pipedrive, at=now - HOUR, cause="accepted")
    announced_at = None
    for number in range(1, BAN_FAILURES):
        answer(pipedrive, at=now + number * MINUTE)
        if list_warnings(now=now + number * MINUTE) == ["banned"] and announced_at is None:
            announced_at = number
    assert announced_at == 5 < BAN_FAILURES
    notice = Notice.unscoped.get()
    assert (notice.tenant, notice.connection) == (
        pipedrive.endpoint.tenant,
        pipedrive.endpoint.connection,
    )
    assert "5 webhooks in a row" in notice.sentence


def test_an_accepted_webhook_ends_the_warning_and_the_next_row_of_failures_is_another(
    make, client, now
):
    pipedrive = make_sender(make, client, "pipedrive")
    answer(pipedrive, at=now, count=7)
    assert list_warnings(now=now) == ["banned"]
    answer(pipedrive, at=now + MINUTE, cause="accepted")
    assert list_warnings(now=now + MINUTE) == []
    assert Notice.unscoped.get().resolved_at == now + MINUTE
    answer(pipedrive, at=now + 2 * HOUR, count=7)
    assert list_warnings(now=now + 2 * HOUR) == ["banned"]
    assert Notice.unscoped.count() == 2


def test_rejections_count_as_the_system_sees_them(make, client, now):
    pipedrive = make_sender(make, client, "pipedrive")
    answer(pipedrive, at=now, count=3, cause="wrong_secret")
    answer(pipedrive, at=now, count=2, cause="late")
    assert list_warnings(now=now) == ["banned"]


def test_what_we_no_longer_want_is_no_failure(make, client, now):
    pipedrive = make_sender(make, client, "pipedrive")
    for cause in ("disconnected", "suspended"):
        answer(pipedrive, at=now, count=20, cause=cause)
    assert list_warnings(now=now) == []


def test_pipedrives_deletion_is_announced_two_days_before(make, client, now):
    pipedrive = make_sender(make, client, "pipedrive")
    answer(pipedrive, at=now, cause="accepted")
    answer(pipedrive, at=now + MINUTE)
    answer(pipedrive, at=now + DAY - HOUR)
    assert list_warnings(now=now + DAY - HOUR) == []
    answer(pipedrive, at=now + DAY + HOUR)
    assert list_warnings(now=now + DAY + HOUR) == ["deleted"]
    assert timedelta(seconds=DELETION_SECONDS) > DAY + HOUR


def test_slack_is_announced_to_staff_before_it_disables_the_app(make, client, now):
    slack = make_sender(make, client, "slack")
    answer(slack, at=now - 10 * MINUTE, count=100, cause="accepted")
    answer(slack, at=now, count=49)
    assert list_warnings(now=now) == []
    answer(slack, at=now + MINUTE, count=51)
    assert list_warnings(now=now + MINUTE) == ["disabled"]
    assert EXEMPT * FAILURES > 100
    notice = Notice.unscoped.get()
    assert (notice.tenant, notice.connection) == (None, None)
    assert "100 of 200 webhooks" in notice.sentence and "95 %" in notice.sentence
    answer(slack, at=now + 2 * MINUTE, count=10, cause="duplicate")
    assert list_warnings(now=now + 2 * MINUTE) == []


def test_a_few_failures_of_a_quiet_app_are_no_threat(make, client, now):
    answer(make_sender(make, client, "slack"), at=now, count=10)
    assert list_warnings(now=now) == []


@pytest.mark.parametrize(
    ("system", "first", "effect"),
    [
        ("salesforce", 7 * HOUR, "dropped"),
        ("signed_webhook", 25 * HOUR, "switched_off"),
        ("splunk", MINUTE, "lost"),
    ],
)
def test_each_system_has_its_own_rule(make, client, now, system, first, effect):
    sender = make_sender(make, client, system)
    answer(sender, at=now - first)
    answer(sender, at=now)
    assert list_warnings(now=now) == [effect]
    assert Notice.unscoped.get().sentence.count("%") == 0


def test_a_busy_installation_is_read_in_a_fixed_number_of_queries(
    make, client, now, django_assert_num_queries
):
    for system in ("splunk", "pipedrive", "salesforce"):
        answer(make_sender(make, client, system), at=now)
    warn_of_threats(now=now)
    with django_assert_num_queries(3):
        warn_of_threats(now=now)
