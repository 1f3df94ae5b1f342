"""Two systems that a reconciliation compares."""

import pytest

from tests.hub.scheduled.reconciliation.world import World


@pytest.fixture
def world(make):
    return World(make)


@pytest.fixture
def connected(make):
    """A tenant with Slack."""
    return make.connection(make.tenant(), "slack")
