"""The metrics of what external systems report."""

from datetime import timedelta

import pytest

from hub.health.source_metrics import collect_source_metrics
from hub.incoming.models import SourceCanary
from tests.factories import NOON

pytestmark = pytest.mark.django_db


def read_samples():
    return {
        (sample.name, *sample.labels.values()): sample.value
        for metric in collect_source_metrics(now=NOON)
        for sample in metric.samples
    }


def test_wanted_registrations_are_counted_by_connector_and_state(make):
    pipedrive = make.connection(connector="pipedrive", account="701", secret={})
    make.webhook_subscription(pipedrive, key="person.change", state="gone")
    make.webhook_subscription(pipedrive, key="deal.change", state="verified")
    make.webhook_subscription(pipedrive, key="lead.change", state="gone")
    make.webhook_subscription(pipedrive, key="note.change", state="gone", is_wanted=False)
    samples = read_samples()
    assert samples["hub_webhook_subscriptions", "pipedrive", "gone"] == 2
    assert samples["hub_webhook_subscriptions", "pipedrive", "verified"] == 1


def test_sources_gaps_and_round_trips_are_counted(make):
    pipedrive = make.connection(connector="pipedrive", account="701", secret={})
    proved = make.source(pipedrive, "deal", heard_at=NOON - timedelta(minutes=1))
    make.source(pipedrive, "lead")
    make.source(pipedrive, "note", retired_at=NOON)
    make.gap(make.source(pipedrive, state="silent"), from_at=NOON - timedelta(hours=1))
    SourceCanary.unscoped.create(source=proved, is_on=True, round_trip_ms=2500, heard_at=NOON)
    samples = read_samples()
    assert samples["hub_sources", "pipedrive", "listening"] == 2
    assert samples["hub_sources", "pipedrive", "silent"] == 1
    assert samples["hub_source_complete_age_seconds", "pipedrive"] == 3600
    assert samples["hub_sources_not_known", "pipedrive"] == 1
    assert samples["hub_gaps", "due"] == 1
    assert samples["hub_canary_round_trip_seconds", "pipedrive"] == 2.5
