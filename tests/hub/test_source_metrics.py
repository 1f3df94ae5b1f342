"""The metrics of what external systems report."""

import pytest

from hub.health.source_metrics import collect_source_metrics

pytestmark = pytest.mark.django_db


def read_samples():
    return {
        (sample.name, *sample.labels.values()): sample.value
        for metric in collect_source_metrics()
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
