"""A tenant, and runs that ship its lines."""

import pytest

from tests.hub.scheduled.shipping.splunk_run import URL, SimulatedRun, SimulatedSplunk, make_run


@pytest.fixture
def acme(make):
    return make.tenant("acme")


@pytest.fixture
def start(make, acme, tmp_path):
    """A run of a job with these options, whose Splunk has a token of this kind."""

    opened = []

    def start(token=None, **options):
        connection = make.connection(acme, "splunk", settings={"url": URL})
        opened.append(SimulatedSplunk(tmp_path, **(token or {})))
        return SimulatedRun(make_run(make, acme, **options), opened[-1], connection)

    yield start
    for splunk in opened:
        splunk.system.close()
