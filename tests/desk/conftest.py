"""One desk for a test, and another one."""

import pytest

from tests.desk.installation import Installation


@pytest.fixture
def desk(tmp_path_factory):
    desk = Installation(tmp_path_factory.mktemp("desk"))
    yield desk
    desk.end()


another_desk = desk
