"""A sandbox whose Slack takes files, and a tenant."""

import pytest

from tests.hub.scheduled.reports.report_posts import WITH_FILES
from tests.sandbox.running_sandbox import RunningSandbox


@pytest.fixture
def desk(tmp_path):
    with RunningSandbox(tmp_path).running() as running:
        running.world(slack=[{"team": "T0000ACME", "scopes": WITH_FILES}])
        yield running


@pytest.fixture
def acme(make):
    return make.tenant("acme", time_zone="Europe/Berlin")
