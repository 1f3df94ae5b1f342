import pytest

from tests.sandbox.sending.receiver import running_receiver


@pytest.fixture
def receiver():
    with running_receiver() as running:
        yield running
