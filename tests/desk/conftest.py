"""One desk for a test, and another one."""

import pytest

from tests.desk.desk import Desk


@pytest.fixture
def desk(tmp_path_factory):
    desk = Desk(tmp_path_factory.mktemp("desk"))
    yield desk
    desk.end()


another_desk = desk
