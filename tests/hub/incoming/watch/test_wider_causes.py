"""A silence that a wider cause explains is no alarm."""

from datetime import timedelta

import pytest

from hub.connections.models import Lane, MaintenanceWindow
from hub.incoming.models import InboundGap
from hub.incoming.registration.installation.outages import WEB, note_web_heartbeat
from hub.incoming.watch.silence_watch import judge_due_sources
from hub.queue import record_heartbeat
from tests.factories import NOON

pytestmark = pytest.mark.django_db

SILENT = NOON + timedelta(hours=9)


def pause(make, source):
    source.connection.pause("holidays", until=None, now=NOON)
    return "connection_paused"


def disable(make, source):
    source.connection.disable("by_person", now=NOON)
    return "connection_disabled"


def disconnect(make, source):
    source.connection.disconnect(keeps_events=True, now=NOON)
    return "disconnected"


def end_authorization(make, source):
    source.connection.mark_needs_reconnect("refresh_rejected", now=NOON)
    return "needs_reconnect"


def switch_off(make, source):
    Lane.unscoped.filter(connection=source.connection).update(switched_off_by="connector")
    return "switched_off"


def suspend(make, source):
    source.tenant.suspended_at = NOON
    source.tenant.save()
    return "tenant_suspended"


def maintain(make, source):
    MaintenanceWindow.unscoped.create(
        connector_key="pipedrive",
        starts_at=NOON,
        ends_at=NOON + timedelta(hours=12),
        reason="an upgrade",
    )
    return "maintenance"


def stop_the_hub(make, source):
    make.gap(source, cause="outage", state="due", to_at=NOON + timedelta(hours=8))
    return "outage"


def refuse_for_two_minutes(make, source):
    """An outage after which the system sends again what was refused, so that no gap is opened."""
    record_heartbeat(WEB, now=NOON + timedelta(hours=7, minutes=58))
    note_web_heartbeat(now=NOON + timedelta(hours=8))
    record_heartbeat(WEB, now=SILENT)
    assert not InboundGap.unscoped.exists()
    return "outage"


def refuse(make, source):
    record_heartbeat(WEB, now=SILENT - timedelta(minutes=2))
    return "outage"


def delay_the_inbox(make, source):
    other = make.connection(connector="pipedrive", account="702", secret={})
    make.inbound_message(other, due_at=SILENT - timedelta(minutes=2))
    return "backlog"


CAUSES = (
    pause,
    disable,
    disconnect,
    end_authorization,
    switch_off,
    suspend,
    maintain,
    stop_the_hub,
    refuse_for_two_minutes,
    refuse,
    delay_the_inbox,
)


@pytest.mark.parametrize("begin", CAUSES)
def test_a_wider_cause_explains_the_silence(make, steady, begin):
    source = steady()
    reason = begin(make, source)
    judge_due_sources(now=SILENT)
    source.refresh_from_db()
    assert (source.state, source.reason) == ("listening", reason)
    assert not InboundGap.unscoped.filter(cause="silence").exists()
    assert source.rhythms.get().silent_at > SILENT + timedelta(hours=1)  # it begins anew


def test_a_silence_that_began_after_an_outage_is_an_alarm(steady):
    source = steady()
    record_heartbeat(WEB, now=NOON - timedelta(hours=2))
    note_web_heartbeat(now=NOON - timedelta(hours=1))
    InboundGap.unscoped.all().delete()
    record_heartbeat(WEB, now=SILENT)
    judge_due_sources(now=SILENT)
    source.refresh_from_db()
    assert (source.state, source.reason) == ("silent", "source_silent")


def test_without_a_cause_the_same_silence_is_an_alarm(steady):
    source = steady()
    judge_due_sources(now=SILENT)
    source.refresh_from_db()
    assert (source.state, source.reason) == ("silent", "source_silent")


def test_a_silent_source_stays_so_while_its_connection_is_paused(steady):
    source = steady()
    judge_due_sources(now=SILENT)
    source.connection.refresh_from_db()
    source.connection.pause("holidays", until=None, now=SILENT)
    judge_due_sources(now=SILENT + timedelta(hours=9))
    source.refresh_from_db()
    assert source.state == "silent"
    assert source.rhythms.get().quiet_at > SILENT + timedelta(hours=9)
