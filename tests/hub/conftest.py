"""What tests of all parts of the hub replace: the network."""

import pytest

from hub import egress
from hub.rest.actions import ProviderCallView
from tests.fakes import FakeHttp


@pytest.fixture
def set_system_answers():
    """What the other systems answer to the API; the way to the network is put back afterwards."""

    def answers(script):
        http = FakeHttp(script)
        ProviderCallView.call = http.call
        return http

    yield answers
    ProviderCallView.call = staticmethod(egress.send_request)
