"""The dashboard says in one sentence how things are, the worst first, and names the next step."""

from dataclasses import replace
from datetime import timedelta

import pytest

from hub.connections.models import KillSwitch
from hub.console.headline import build_headline
from hub.console.overview import ConnectionGroup, Hour, Overview
from tests.factories import MINUTE, NOON

QUIET = Overview(
    now=NOON,
    worker_seen_at=NOON,
    hours=[Hour(NOON, 1204, 0)],
    waiting_count=0,
    held_back_count=0,
    oldest_accepted_at=None,
    held_reasons=[],
    failed_reasons=[],
    connection_groups=[ConnectionGroup("slack", "healthy", "", 4, 4, NOON)],
    broken_connections=[],
    last_deliveries=["a delivery"],
    notices=[],
    has_tenants=True,
    has_routes=True,
)
OFF = KillSwitch(scope="platform", reason="they lose data", activated_at=NOON - 5 * MINUTE)
REVOKED = ConnectionGroup("salesforce", "needs_reconnect", "unauthorized", 3, 3, NOON - 42 * MINUTE)
SITUATIONS = {
    "All normal: 1,204 delivered in the last day, nothing is waiting.": {},
    "All normal: 1,204 delivered in the last day, 7 are on the way.": {
        "waiting_count": 9,
        "held_back_count": 2,
    },
    "No worker has been started.": {"worker_seen_at": None},
    "No heartbeat from a worker since 11:50 UTC.": {"worker_seen_at": NOON - 10 * MINUTE},
    "No heartbeat from a worker since 22 Nov, 12:00 UTC.": {
        "worker_seen_at": NOON - timedelta(days=3)
    },
    "Salesforce refuses 3 tenants since 11:18 UTC: the other system rejects the credential.": {
        "connection_groups": [REVOKED]
    },
    "Salesforce refuses 3 tenants since 11:18 UTC: token revoked.": {
        "connection_groups": [REVOKED._replace(reason="token_revoked")]
    },
    "The platform is switched off since 11:55 UTC: they lose data.": {
        "switches": [OFF],
        "connection_groups": [REVOKED],
    },
    "1 delivery failed in the last day.": {
        "hours": [Hour(NOON, 5, 1)],
        "failed_reasons": [("exhausted", 1)],
    },
    "12 deliveries are held: the system has not been connected yet.": {
        "held_reasons": [("mapping_failed", 2), ("not_connected", 12)]
    },
    "Slack is degraded for 1 tenant since 11:00 UTC.": {
        "connection_groups": [
            ConnectionGroup("slack", "degraded", "status_500", 1, 1, NOON - 60 * MINUTE)
        ]
    },
    "80 deliveries wait, oldest since 11:40 UTC.": {
        "waiting_count": 80,
        "oldest_accepted_at": NOON - 20 * MINUTE,
    },
    "The hub is ready. Nothing has been sent yet.": {"last_deliveries": [], "worker_seen_at": None},
}


@pytest.mark.parametrize(("text", "situation"), list(SITUATIONS.items()))
def test_the_sentence_tells_the_situation(text, situation):
    assert build_headline(replace(QUIET, **situation)).text == text


def test_a_silent_worker_is_worse_than_a_refusal():
    assert (
        "worker"
        in build_headline(replace(QUIET, worker_seen_at=None, connection_groups=[REVOKED])).text
    )


def test_the_next_step_leads_to_the_refused_connections():
    step = build_headline(replace(QUIET, connection_groups=[REVOKED])).step
    assert (step.label, step.query) == (
        "Reconnect",
        "state__exact=needs_reconnect&connector=salesforce",
    )


@pytest.mark.parametrize(
    ("there", "label"),
    [
        ({"has_tenants": False, "connection_groups": [], "has_routes": False}, "Create a tenant"),
        ({"connection_groups": [], "has_routes": False}, "Connect a system"),
        ({"has_routes": False}, "Add a route"),
        ({}, "Send a test event"),
    ],
)
def test_an_empty_hub_names_the_first_step_that_is_not_done(there, label):
    assert build_headline(replace(QUIET, last_deliveries=[], **there)).step.label == label
