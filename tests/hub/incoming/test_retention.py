"""Received webhooks are pruned, erased, resealed, measured, and judged by /healthz."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from connectors.registry import CONNECTORS
from hub.audit import ActorContext
from hub.connections.models import Connection
from hub.crypto.rotation import sealed_columns
from hub.db.clock import clock
from hub.health.metrics import MetricsCollector
from hub.health.probes import check_inbox
from hub.incoming.endpoints.create import get_or_create_app_endpoint
from hub.incoming.models import InboundBody, InboundCount, InboundItem, InboundMessage
from hub.incoming.processing.held_items.release import end_old_holds
from hub.incoming.receiving.counts import truncate_to_minute
from hub.incoming.receiving.erase import erase_late_messages
from hub.incoming.receiving.receive import RECEIVERS
from hub.incoming.receiving.rejected_sources import MIN_REJECTIONS, notify_rejected_sources
from hub.notices.models import Notice
from hub.outgoing.intake.event_input import EventInput
from hub.outgoing.intake.publish import publish_batch
from hub.outgoing.models import Delivery, Event, EventBody, EventValue, ReceivedDataErasure
from hub.outgoing.operations.erase import erase_connection_data
from hub.outgoing.operations.erase_received import EVENTS_AT_ONCE, continue_erasures
from hub.prune.batches import RetentionCutoffs, prune_batches
from tests.hub.incoming.webhook_posts import endpoint_of, post_pipedrive, run_inbox

pytestmark = pytest.mark.django_db(transaction=True)
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
SYSTEM = ActorContext.system()


@pytest.fixture
def pipedrive(make):
    return make.connection(connector="pipedrive", account="701", secret={})


def prune(*, days):
    list(prune_batches(RetentionCutoffs.at(timezone.now() + days * DAY)))


def test_bodies_go_after_thirty_days_and_rows_after_ninety(client, pipedrive):
    post_pipedrive(client, pipedrive)
    run_inbox()
    prune(days=29)
    assert InboundBody.objects.count() == 1
    prune(days=31)
    assert (InboundBody.objects.count(), InboundMessage.unscoped.count()) == (0, 1)
    prune(days=91)
    rows = (InboundMessage, InboundItem, InboundCount)
    assert [model.unscoped.count() for model in rows] == [0, 0, 0]


def test_what_is_held_or_due_stays_with_all_that_it_needs(client, pipedrive):
    post_pipedrive(client, pipedrive, id="due")
    post_pipedrive(client, pipedrive, id="held")
    pipedrive.transition_to("paused")
    run_inbox()
    InboundMessage.unscoped.filter(pk=InboundMessage.unscoped.earliest("pk").pk).update(
        due_at=clock()
    )
    InboundItem.unscoped.filter(message=InboundMessage.unscoped.earliest("pk")).delete()
    prune(days=400)
    assert InboundBody.objects.count() == InboundMessage.unscoped.count() == 2


def test_what_is_held_for_thirty_days_is_quarantined_and_its_body_deleted(client, pipedrive):
    post_pipedrive(client, pipedrive)
    pipedrive.transition_to("paused")
    run_inbox()
    assert end_old_holds(now=clock() + 29 * DAY) == 0
    assert end_old_holds(now=clock() + 30 * DAY) == 1
    item = InboundItem.unscoped.get()
    assert (item.state, item.reason) == ("quarantined", "held_too_long")
    prune(days=31)
    assert not InboundBody.objects.exists()


def test_rejected_webhooks_and_unmatched_items_go_after_seven_days(client, pipedrive):
    post_pipedrive(client, pipedrive, secret="hub:" + "x" * 32)
    post_pipedrive(client, pipedrive)
    run_inbox()
    InboundItem.unscoped.update(state="unmatched", connection=None, tenant=None)
    prune(days=6)
    assert (InboundMessage.unscoped.count(), InboundItem.unscoped.count()) == (2, 1)
    prune(days=8)
    assert (InboundMessage.unscoped.get().state, InboundItem.unscoped.count()) == ("accepted", 0)


def test_erasing_a_connection_erases_what_it_received(client, make, pipedrive):
    other = make.connection(connector="pipedrive", account="702", secret={})
    for connection in (pipedrive, other):
        post_pipedrive(client, connection)
    run_inbox()
    with transaction.atomic():
        pipedrive.disconnect(keeps_events=False, now=clock())
    erase_connection_data(pipedrive, SYSTEM, cancel=True, now=clock())
    item = InboundItem.unscoped.get(connection=pipedrive)
    assert (item.record, item.author) == ("", "")
    assert InboundBody.objects.get().pk == InboundItem.unscoped.get(connection=other).message_id


def received_event(client, make, connection):
    """Return the event of a received change, which waits to be delivered by another connection."""
    make.route(
        make.connection(connection.tenant),
        event_type="pipedrive.person.*",
        origin_connector_key="pipedrive",
    )
    post_pipedrive(client, connection)
    run_inbox()
    event = Event.unscoped.get(origin=connection)
    EventValue.unscoped.create(event=event, digest=17)
    return event


def erase(connection):
    with transaction.atomic():
        connection.disconnect(keeps_events=False, now=clock())
        erase_connection_data(connection, SYSTEM, cancel=True, now=clock())


def has_contents(event):
    values = EventValue.unscoped.filter(event=event)
    return (EventBody.objects.filter(pk=event.pk).exists(), values.exists())


def test_an_erased_connection_leaves_the_rows_of_its_events_without_contents(
    client, make, pipedrive
):
    event = received_event(client, make, pipedrive)
    own = make.event(pipedrive.tenant)
    Delivery.unscoped.filter(event=event).update(state="delivered")
    erase(pipedrive)
    assert has_contents(event) == (False, False)
    assert InboundItem.unscoped.get().event == event and event.sender_id
    assert EventBody.objects.filter(pk=own.pk).exists()


@pytest.mark.parametrize("state", ["waiting", "held", "sending"])
def test_an_event_that_another_connection_still_delivers_is_erased_afterwards(
    client, make, pipedrive, state
):
    event, now = received_event(client, make, pipedrive), clock()
    Delivery.unscoped.filter(event=event).update(state=state)
    erase(pipedrive)
    continue_erasures(now=now + 20 * MINUTE)
    assert has_contents(event) == (True, True)
    Delivery.unscoped.filter(event=event).update(state="delivered")
    continue_erasures(now=now + 21 * MINUTE)  # it looks again every ten minutes
    assert has_contents(event) == (True, True)
    continue_erasures(now=now + 31 * MINUTE)
    assert has_contents(event) == (False, False)
    assert not ReceivedDataErasure.unscoped.exists()


def test_what_the_same_account_receives_after_it_was_connected_again_stays(client, make, pipedrive):
    erase(pipedrive)
    Connection.unscoped.filter(pk=pipedrive.pk).update(state="healthy", reason="")
    RECEIVERS.receivers.clear()
    event = received_event(client, make, pipedrive)
    Delivery.unscoped.filter(event=event).update(state="delivered")
    continue_erasures(now=clock() + DAY)
    assert has_contents(event) == (True, True)
    assert not ReceivedDataErasure.unscoped.exists()


@pytest.mark.parametrize("is_connected_again", [False, True])
def test_a_message_that_was_stored_after_the_erasure_is_erased_by_the_sweep(
    make, pipedrive, is_connected_again
):
    erase(pipedrive)
    late = make.inbound_item(pipedrive, record="31", now=clock())
    assert InboundBody.objects.filter(pk=late.message_id).exists()
    if is_connected_again:
        Connection.unscoped.filter(pk=pipedrive.pk).update(state="healthy", reason="")
    erase_late_messages(now=clock() + MINUTE)
    late.refresh_from_db()
    assert InboundBody.objects.filter(pk=late.message_id).exists() is is_connected_again
    assert late.record == ("31" if is_connected_again else "")


def test_many_events_are_erased_in_several_steps(pipedrive):
    count = 2 * EVENTS_AT_ONCE + 1
    inputs = [
        EventInput(pipedrive.tenant, "a.b", {}, str(n), origin=pipedrive) for n in range(count)
    ]
    publish_batch(inputs, source="pipedrive", now=clock())
    erase(pipedrive)
    left = [EventBody.objects.count()]
    for _ in range(2):
        continue_erasures(now=clock())
        left.append(EventBody.objects.count())
    assert left == [EVENTS_AT_ONCE + 1, 1, 0]


def test_a_rotation_of_keys_reseals_secrets_of_endpoints_and_replies():
    names = {column.name for column in sealed_columns()}
    assert {"incoming.InboundEndpoint.sealed", "incoming.InboundMessage.sealed"} <= names


def test_the_oldest_due_webhook_is_judged_and_measured(client, pipedrive):
    post_pipedrive(client, pipedrive)
    due_at = InboundMessage.unscoped.get().due_at
    assert check_inbox(now=due_at + 2 * MINUTE).ok
    check = check_inbox(now=due_at + 3 * MINUTE)
    assert (check.ok, check.seconds) == (False, 180)

    samples = {
        (sample.name, *sample.labels.values()): sample.value
        for metric in MetricsCollector(now=due_at + MINUTE).inbox()
        for sample in metric.samples
    }
    assert samples["hub_oldest_webhook_seconds",] == 60
    assert samples["hub_webhook_requests", "pipedrive", "accepted"] == 1


def reject(endpoint, *, at, cause="wrong_secret", count=MIN_REJECTIONS):
    minute = truncate_to_minute(at)
    InboundCount.unscoped.create(endpoint=endpoint, minute=minute, cause=cause, count=count)


def test_a_source_of_which_everything_is_rejected_for_ten_minutes_has_one_notice(pipedrive):
    endpoint, now = endpoint_of(pipedrive), clock()
    reject(endpoint, at=now - 9 * MINUTE)
    notify_rejected_sources(now=now)
    assert not Notice.unscoped.exists()

    for later in (2, 3):
        notify_rejected_sources(now=now + later * MINUTE)
    notice = Notice.unscoped.get()
    assert (notice.kind, notice.connection) == ("webhooks_rejected", pipedrive)
    assert "Pipedrive" in notice.sentence

    reject(endpoint, at=now + 5 * MINUTE, cause="accepted")
    notify_rejected_sources(now=now + 6 * MINUTE)
    notice.refresh_from_db()
    assert notice.resolved_at == now + 6 * MINUTE


def test_a_source_that_is_also_accepted_has_no_notice(pipedrive):
    endpoint, now = endpoint_of(pipedrive), clock()
    reject(endpoint, at=now - 11 * MINUTE)
    reject(endpoint, at=now - 2 * MINUTE, cause="accepted")
    notify_rejected_sources(now=now)
    assert not Notice.unscoped.exists()


def test_a_stray_request_is_no_broken_source(pipedrive):
    now = clock()
    reject(endpoint_of(pipedrive), at=now - 11 * MINUTE, count=MIN_REJECTIONS - 1)
    notify_rejected_sources(now=now)
    assert not Notice.unscoped.exists()


def test_the_notice_of_a_url_that_serves_all_tenants_is_resolved_too(make):
    make.app("slack", {"client_id": "1.2", "client_secret": "s" * 16})
    source = CONNECTORS["slack"].webhook_source
    endpoint, now = get_or_create_app_endpoint("slack", source, now=clock()), clock()
    reject(endpoint, at=now - 11 * MINUTE)
    notify_rejected_sources(now=now)
    assert Notice.unscoped.get().resolved_at is None

    reject(endpoint, at=now + 2 * MINUTE, cause="accepted")
    notify_rejected_sources(now=now + 3 * MINUTE)
    assert Notice.unscoped.get().resolved_at == now + 3 * MINUTE
