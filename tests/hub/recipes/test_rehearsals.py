"""A rehearsal shows what would be sent for the newest real event or a sample; nothing is stored."""

import json

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from hub.connections.models import Connection
from hub.outgoing.models import Delivery, Route
from hub.recipes.answers import InvalidAnswers
from hub.recipes.definitions import RECIPES
from hub.recipes.rehearsal import rehearse_integration
from hub.scheduled.models import Job, JobSchedule
from tests.factories import NOON, ORDER
from tests.hub.recipes.integrations import CHANNEL, create_integration, store_channels


@pytest.fixture
def acme(make):
    tenant = make.tenant("acme", time_zone="Europe/Berlin")
    make.connection(tenant, "slack")
    make.connection(tenant, "salesforce")
    return tenant


def rehearse(tenant, key="order_to_slack", answers=CHANNEL):
    return rehearse_integration(RECIPES[key], tenant, answers, now=NOON)


def test_without_an_event_the_sample_is_shown(acme):
    rehearsal = rehearse(acme)
    (part,) = rehearsal.parts
    assert part.event is None and rehearsal.succeeds
    body = json.loads(part.dry_run.body)
    assert body["channel"] == "C024BE91L"
    assert body["text"].startswith("New order A-1001 from Ann Archer: ")


def test_the_newest_real_event_is_shown(make, acme):
    make.event(acme, data=ORDER | {"number": "A-1"}, id="1")
    newest = make.event(acme, data=ORDER | {"number": "A-2"}, id="2")
    make.event(acme, type="order.cancelled", id="3")
    make.event(make.tenant("globex"), data=ORDER | {"number": "A-3"}, id="4")
    (part,) = rehearse(acme).parts
    assert part.event == newest and "A-2" in part.dry_run.body


def test_a_real_event_that_cannot_be_mapped_is_shown_with_its_problem(make, acme):
    make.event(acme, data=ORDER | {"total": "much"})
    rehearsal = rehearse(acme)
    assert not rehearsal.succeeds
    assert rehearsal.parts[0].dry_run.reason == "mapping_failed"


def test_a_report_is_shown_with_its_message_and_next_times(acme):
    (part,) = rehearse(acme, "weekly_sales_to_slack", CHANNEL | {"hour": 7}).parts
    body = json.loads(part.dry_run.body)
    assert body["channel"] == "C024BE91L" and "200.00" in json.dumps(body["blocks"])
    assert part.slots[0].isoformat() == "2026-11-30T06:00:00+00:00"  # Monday at seven in Berlin
    assert len(part.slots) == 3


def test_a_route_that_does_the_same_already_is_named(make, acme):
    shared = make.route(connector="slack", event_type="order.*", body={"channel": "'C1'"})
    assert rehearse(acme).parts[0].overlap == shared
    shared.event_type = "user.created"
    shared.save()
    assert rehearse(acme).parts[0].overlap is None


SALES = {"period": "last_week", "message": {"connector": "slack", "channel": "C024BE91L"}}


def add_report(tenant, **fields):
    report = {"kind": "report", "connector_key": "salesforce", "cron": "0 7 * * 5"}
    options = fields.pop("options", SALES | {"title": "Our week"})
    return Job.unscoped.create(tenant=tenant, name="Ours", options=options, **report | fields)


def test_a_job_that_does_the_same_already_is_named(acme):
    stored = add_report(acme)
    rehearsal = rehearse(acme, "weekly_sales_to_slack", CHANNEL)
    assert rehearsal.parts[0].overlap == stored


def test_a_job_for_all_tenants_does_the_same_for_this_one(acme):
    stored = add_report(None)
    (part,) = rehearse(acme, "weekly_sales_to_slack", CHANNEL).parts
    assert part.overlap == stored
    schedule = {"time_zone": "UTC", "last_slot_at": NOON, "is_excluded": True}
    JobSchedule.unscoped.create(job=stored, tenant=acme, **schedule)
    (part,) = rehearse(acme, "weekly_sales_to_slack", CHANNEL).parts
    assert part.overlap is None


@pytest.mark.parametrize(
    "fields",
    [
        {"is_enabled": False},
        {"connector_key": "pipedrive"},
        {"options": SALES | {"period": "last_month"}},
        {"options": SALES | {"message": {"connector": "slack", "channel": "C0OTHER000"}}},
    ],
)
def test_a_job_that_does_something_else_is_not_named(acme, fields):
    add_report(acme, **fields)
    assert rehearse(acme, "weekly_sales_to_slack", CHANNEL).parts[0].overlap is None


def test_a_job_of_another_tenant_is_not_named(make, acme):
    add_report(make.tenant("globex"))
    assert rehearse(acme, "weekly_sales_to_slack", CHANNEL).parts[0].overlap is None


@pytest.mark.parametrize("key", ["logs_to_splunk", "orders_reconciled_with_salesforce"])
def test_each_recipe_of_a_job_warns_once_it_is_on(make, acme, key):
    make.connection(acme, "splunk")
    if not Connection.unscoped.filter(tenant=None, connector_key="app").exists():
        make.connection(None, "app")
    assert rehearse(acme, key, {}).parts[0].overlap is None
    create_integration(acme, key, {})
    assert rehearse(acme, key, {}).parts[0].overlap == Job.unscoped.get()


def test_nothing_is_stored(make, acme):
    make.event(acme)
    rehearse(acme)
    assert not Route.unscoped.exists() and not Delivery.unscoped.exists()


def test_wrong_answers_are_refused(acme):
    with pytest.raises(InvalidAnswers):
        rehearse(acme, answers={})


@pytest.mark.corrections(item="1.21")
@pytest.mark.parametrize("key", ["order_to_slack", "weekly_sales_to_slack"])
def test_a_channel_that_the_workspace_does_not_have_is_named_at_its_question(acme, key):
    store_channels(Connection.unscoped.get(connector_key="slack"), "C0TEA1234")
    with pytest.raises(InvalidAnswers) as refused:
        rehearse(acme, key)
    (error,) = refused.value.errors.items()
    assert error[0] == "channel" and "has no C024BE91L among its “Public channels”" in error[1]
    rehearse(acme, key, {"channel": "C0TEA1234"})


@pytest.mark.corrections(item="1.21")
@pytest.mark.parametrize(
    ("ids", "is_complete"), [(["C0TEA1234"], False), ([], True)], ids=["not whole", "empty"]
)
def test_a_list_that_was_not_read_whole_refuses_no_channel(acme, ids, is_complete):
    slack = Connection.unscoped.get(connector_key="slack")
    store_channels(slack, *ids, is_complete=is_complete)
    assert rehearse(acme).succeeds


@pytest.mark.corrections(item="1.21")
def test_the_channel_is_looked_for_in_the_list_of_the_chosen_account(make, acme):
    store_channels(Connection.unscoped.get(connector_key="slack"), "C0TEA1234")
    another = make.connection(acme, "slack")
    store_channels(another, "C024BE91L")
    assert rehearse(acme, answers=CHANNEL | {"slack": str(another.public_id)}).succeeds
    with pytest.raises(InvalidAnswers):
        rehearse(acme)


def test_the_number_of_statements_does_not_grow_with_events(make, acme):
    make.event(acme, id="0")
    with CaptureQueriesContext(database) as few:
        rehearse(acme)
    for number in range(30):
        make.event(acme, id=f"more {number}")
    create_integration(acme)
    with CaptureQueriesContext(database) as many:
        rehearse(acme)
    assert len(few) == len(many) <= 5
