"""Lines that wait too long are dropped, counted and noticed; shipped ones are deleted."""

from datetime import timedelta

import pytest

from hub.notices.models import Notice
from hub.prune.batches import RetentionCutoffs, prune_batches
from hub.scheduled.models import LogChunk, LogPosition
from hub.scheduled.shipping.erase import erase_shipped_lines
from hub.scheduled.shipping.retention import drop_expired_lines, notify_late_logs
from tests.factories import NOON
from tests.hub.scheduled.logs import entries, store_lines
from tests.hub.scheduled.shipping.splunk_run import make_run

pytestmark = pytest.mark.django_db

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


@pytest.fixture
def acme(make):
    tenant = make.tenant("acme")
    make.connection(tenant, "splunk", name="Acme's Splunk")
    make_run(make, tenant)
    return tenant


def position():
    return LogPosition.unscoped.get()


def notices(kind):
    return list(Notice.unscoped.filter(kind=kind))


def test_lines_beyond_the_retention_are_dropped_counted_and_noticed(acme):
    store_lines(acme, *entries(5), key="old", now=NOON)
    store_lines(acme, *entries(2), key="new", now=NOON + DAY)
    LogPosition.unscoped.update(shipped_line=2)
    assert drop_expired_lines(now=NOON + 7 * DAY) == 0
    assert drop_expired_lines(now=NOON + 7 * DAY + MINUTE) == 3
    assert (position().shipped_line, position().dropped_count) == (5, 3)
    assert [chunk.idempotency_key for chunk in LogChunk.unscoped.all()] == ["new"]
    (notice,) = notices("log_lines_dropped")
    assert notice.sentence == (
        "“Acme's Splunk”: 3 log lines were dropped, as they could not be shipped within 7 days."
    )
    assert drop_expired_lines(now=NOON + 7 * DAY + MINUTE) == 0


def test_acknowledged_lines_behind_a_lost_batch_are_not_counted_as_dropped(acme):
    store_lines(acme, *entries(10), now=NOON)
    settled = {"first": 4, "count": 6, "channel": 1, "ticket": None, "sent_at": 0.0}
    pending = {"first": 0, "count": 4, "channel": 1, "ticket": 1, "sent_at": 0.0}
    LogPosition.unscoped.update(batches=[pending, settled])
    assert drop_expired_lines(now=NOON + 8 * DAY) == 4
    assert (position().shipped_line, position().batches) == (10, [])


def test_shipped_lines_are_deleted_after_a_day_and_waiting_ones_stay(acme):
    store_lines(acme, *entries(5), key="shipped", now=NOON)
    store_lines(acme, *entries(5), key="in part", now=NOON)
    LogPosition.unscoped.update(shipped_line=7)
    for now, keys in ((NOON + DAY - MINUTE, 2), (NOON + DAY, 1)):
        list(prune_batches(RetentionCutoffs.at(now)))
        assert LogChunk.unscoped.count() == keys


def test_late_lines_are_noticed_once_and_the_notice_is_resolved(acme):
    store_lines(acme, *entries(3), now=NOON)
    notify_late_logs(now=NOON + 29 * MINUTE)
    assert notices("log_lines_late") == []
    notify_late_logs(now=NOON + 31 * MINUTE)
    notify_late_logs(now=NOON + 32 * MINUTE)
    (notice,) = notices("log_lines_late")
    assert "3 log lines are waiting to be shipped, the oldest since 2026-11-25" in notice.sentence
    LogPosition.unscoped.update(shipped_line=3)
    notify_late_logs(now=NOON + 33 * MINUTE)
    assert notices("log_lines_late")[0].resolved_at == NOON + 33 * MINUTE


def test_looking_for_late_lines_takes_few_statements(make, acme, django_assert_num_queries):
    for _ in range(5):
        store_lines(make.tenant(), *entries(3), now=NOON)
    with django_assert_num_queries(1):
        drop_expired_lines(now=NOON)
    # late logs, and notices that may be resolved
    with django_assert_num_queries(2):
        notify_late_logs(now=NOON + MINUTE)


def test_a_deleted_tenant_leaves_no_line(make):
    tenant = make.tenant()
    store_lines(tenant, *entries(3))
    tenant.delete()
    assert not LogChunk.unscoped.exists() and not LogPosition.unscoped.exists()


def test_erasing_a_connection_erases_what_was_shipped(make, acme):
    store_lines(acme, *entries(3), key="shipped")
    store_lines(acme, *entries(3), key="waits")
    LogPosition.unscoped.update(shipped_line=4)
    erase_shipped_lines(make.connection(acme, "slack"), now=NOON)
    assert LogChunk.unscoped.count() == 2
    erase_shipped_lines(acme.connections.get(connector_key="splunk"), now=NOON)
    assert [chunk.idempotency_key for chunk in LogChunk.unscoped.all()] == ["waits"]
