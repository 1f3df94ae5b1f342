"""A gap whose cause lasts has one notice with cause and next step, taken back by itself."""

from datetime import timedelta

import pytest

from hub.incoming.gaps import end_gap_cause, open_gap
from hub.incoming.gaps.reading import finish_read, take_gap
from hub.incoming.models import InboundGap, WebhookAddress
from hub.incoming.watch.lasting_gaps import notify_lasting_gaps
from hub.notices.models import Notice
from tests.factories import MINUTE, NOON

pytestmark = pytest.mark.django_db


@pytest.fixture
def connection(make):
    return make.connection(connector="pipedrive", account="701", secret={}, name="Our CRM")


@pytest.fixture
def gap(make, connection):
    return open_gap(make.source(connection), "silence", from_at=NOON - 9 * MINUTE, now=NOON)


def notices():
    return Notice.unscoped.filter(kind="source_gap")


def test_a_gap_that_lasts_is_noticed_once_with_its_cause_and_the_next_step(gap):
    assert notify_lasting_gaps(now=NOON + 9 * MINUTE) == 0
    assert notify_lasting_gaps(now=NOON + 10 * MINUTE) == 1
    assert notify_lasting_gaps(now=NOON + timedelta(days=1)) == 0
    sentence = notices().get().sentence
    assert "“Our CRM”: Changes at Pipedrive may be missed since 2026-11-25 11:51 UTC." in sentence
    assert "nothing has been received. Check in the other system" in sentence


def test_it_is_taken_back_by_itself_when_the_gap_has_been_read(gap):
    notify_lasting_gaps(now=NOON + 10 * MINUTE)
    end_gap_cause(gap.source, ["silence"], to_at=NOON + 20 * MINUTE, now=NOON + 20 * MINUTE)
    gap.refresh_from_db()
    take_gap(gap, gap.public_id, now=NOON + 21 * MINUTE)
    finish_read(gap, gap.from_at, NOON + 25 * MINUTE, settle=MINUTE, now=NOON + 25 * MINUTE)
    assert InboundGap.unscoped.get().state == "closed"
    assert notices().get().resolved_at == NOON + 25 * MINUTE


def test_what_could_not_be_read_has_a_notice_of_its_own(gap):
    notify_lasting_gaps(now=NOON + 10 * MINUTE)
    end_gap_cause(gap.source, ["silence"], to_at=NOON + 20 * MINUTE, now=NOON + 20 * MINUTE)
    gap.refresh_from_db()
    take_gap(gap, gap.public_id, now=NOON + 21 * MINUTE)
    end = NOON + 25 * MINUTE
    finish_read(gap, gap.from_at, end, reason="history_gone", settle=MINUTE, now=end)
    assert notices().get(message="source_gap_lasting").resolved_at == end
    left = Notice.unscoped.get(resolved_at=None)
    assert left.message == "source_gap_incomplete" and "by a reconciliation" in left.sentence


def test_the_sources_of_a_connection_have_one_notice_together(make, gap):
    open_gap(make.source(gap.connection, "deal"), "silence", from_at=NOON, now=NOON)
    assert notify_lasting_gaps(now=NOON + 10 * MINUTE) == 1
    assert notify_lasting_gaps(now=NOON + 11 * MINUTE) == 0
    assert notices().get().key.startswith(f"source_gap:{gap.public_id}:")


def test_a_disconnected_connection_and_a_copy_notify_nobody(make, gap):
    WebhookAddress.objects.create(pk=1, public_url="https://original.example", changed_at=NOON)
    assert notify_lasting_gaps(now=NOON + 10 * MINUTE) == 0
    WebhookAddress.objects.all().delete()
    type(gap.connection).unscoped.update(state="disabled", reason="disconnected")
    assert notify_lasting_gaps(now=NOON + 10 * MINUTE) == 0
    assert not notices().exists()
