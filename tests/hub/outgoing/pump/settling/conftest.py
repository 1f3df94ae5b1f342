"""A workspace of Slack."""

import pytest

from tests.hub.outgoing.pump.settling.workspace import Workspace


@pytest.fixture
def workspace(db):
    return Workspace()
