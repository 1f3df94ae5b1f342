"""Stored items are processed again: one by a person, or all that match by an operation."""

import pytest

from hub.audit import ActorContext, AuditRow
from hub.db.clock import clock
from hub.db.state_machine import InvalidTransition
from hub.incoming.models import InboundBody, InboundItem
from hub.incoming.processing.replay import plan_replay, replay_item
from hub.incoming.processing.replay.item_filters import REASONS_FOR_A_PERSON, is_replayable
from hub.operations.operation_actions import confirm_operation
from hub.operations.operation_runner import run_batch
from hub.outgoing.models import Event
from tests.hub.incoming.webhook_posts import (
    endpoint_of,
    local_path,
    post_pipedrive,
    post_salesforce,
    run_inbox,
)

pytestmark = pytest.mark.django_db(transaction=True)
ORGANIZATION = "00D000000000001AAA"
SYSTEM = ActorContext.system()


@pytest.fixture
def pipedrive(make):
    return make.connection(connector="pipedrive", account="701", secret={})


@pytest.fixture
def salesforce(make):
    return make.connection(connector="salesforce", account=ORGANIZATION)


def test_a_replayed_item_becomes_an_event_of_its_own_and_is_audited(client, pipedrive):
    post_pipedrive(client, pipedrive)
    run_inbox()
    item = InboundItem.unscoped.get()

    replayed = replay_item(item, SYSTEM, reason="the route was missing", now=clock())
    assert (replayed.state, replayed.replay_number) == ("received", 1)
    run_inbox()

    senders = list(Event.unscoped.order_by("pk").values_list("sender_id", flat=True))
    assert senders[1] == senders[0].replace(":", ".1:", 1)
    item.refresh_from_db()
    assert (item.state, item.event) == ("processed", Event.unscoped.latest("pk"))
    row = AuditRow.objects.get(verb="inbound_item.replay")
    assert (row.tenant, row.reason) == (pipedrive.tenant.public_id, "the route was missing")


def test_a_replay_has_not_the_id_of_another_item(client, pipedrive):
    post_pipedrive(client, pipedrive, action="change", id="change")
    run_inbox()
    replay_item(InboundItem.unscoped.get(), SYSTEM, now=clock())
    run_inbox()
    post_pipedrive(client, pipedrive, action="change", id="change:1")
    run_inbox()
    assert set(InboundItem.unscoped.values_list("state", flat=True)) == {"processed"}
    assert Event.unscoped.count() == 3


@pytest.mark.parametrize("reason", REASONS_FOR_A_PERSON)
def test_what_only_a_person_releases_offers_its_replay(client, pipedrive, reason):
    post_pipedrive(client, pipedrive)
    run_inbox()
    InboundItem.unscoped.update(state="held", reason=reason)
    item = InboundItem.unscoped.get()
    assert is_replayable(item)
    assert replay_item(item, SYSTEM, now=clock()).state == "received"


def test_an_item_of_another_account_stays_quarantined_until_the_account_is_right(client, pipedrive):
    post_pipedrive(client, pipedrive, company_id="702")
    run_inbox()
    item = InboundItem.unscoped.get()
    replay_item(item, SYSTEM, now=clock())
    run_inbox()
    item.refresh_from_db()
    assert (item.state, item.reason) == ("quarantined", "other_account")

    type(pipedrive).unscoped.update(account="702")
    replay_item(item, SYSTEM, now=clock())
    run_inbox()
    item.refresh_from_db()
    assert (item.state, item.reason) == ("processed", "")


def test_a_message_that_could_not_be_read_is_parsed_again_as_a_whole(client, salesforce):
    path = local_path(endpoint_of(salesforce))
    client.post(path, "<not/>", content_type="text/xml")
    run_inbox()
    item = InboundItem.unscoped.get()
    assert (item.state, item.reason, item.type) == ("quarantined", "cannot_be_read", "")
    replay_item(item, SYSTEM, now=clock())
    run_inbox()
    item.refresh_from_db()
    assert (item.state, item.reason) == ("quarantined", "cannot_be_read")

    post_salesforce(client, salesforce)  # a later release can read it
    readable = InboundBody.objects.latest("message_id").body
    InboundBody.objects.filter(pk=item.message_id).update(body=readable)
    replay_item(item, SYSTEM, now=clock())
    run_inbox()
    item.refresh_from_db()
    assert item.state == "processed"
    assert Event.unscoped.get().type == "salesforce.order.updated"  # its URL named no change


def test_an_item_whose_body_was_deleted_cannot_be_replayed(client, pipedrive):
    post_pipedrive(client, pipedrive)
    run_inbox()
    InboundBody.objects.all().delete()
    with pytest.raises(InvalidTransition):
        replay_item(InboundItem.unscoped.get(), SYSTEM, now=clock())
    assert InboundItem.unscoped.get().state == "processed"


def test_all_items_that_match_are_replayed_by_an_operation(client, salesforce, make):
    post_salesforce(client, salesforce, count=3)
    run_inbox()
    filter = {"type": "salesforce.order.created", "connection": str(salesforce.public_id)}
    plan = plan_replay(filter, SYSTEM, tenant=salesforce.tenant, reason="again", now=clock())
    assert (plan.count, plan.more, len(plan.plan["items"])) == (3, False, 3)

    confirm_operation(plan, SYSTEM, now=clock())
    assert run_batch(plan.pk, now=clock())
    assert not run_batch(plan.pk, now=clock())
    run_inbox()

    plan.refresh_from_db()
    assert (plan.state, plan.processed_count) == ("finished", 3)
    assert Event.unscoped.count() == 6


def test_a_replay_never_reaches_items_of_another_tenant(client, salesforce, make):
    post_salesforce(client, salesforce)
    run_inbox()
    plan = plan_replay({}, SYSTEM, tenant=make.tenant(), reason="again", now=clock())
    assert plan.count == 0


def test_only_an_unrestricted_actor_may_plan_a_replay_for_all_tenants():
    restricted = ActorContext(SYSTEM.actor)
    with pytest.raises(PermissionError):
        plan_replay({}, restricted, tenant=None, reason="again", now=clock())


def test_an_unknown_filter_is_refused():
    with pytest.raises(LookupError):
        plan_replay({"password": "x"}, SYSTEM, tenant=None, reason="again", now=clock())
