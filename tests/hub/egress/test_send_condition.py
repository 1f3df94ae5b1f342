"""A request is withdrawn where its condition has become false by the time it could be written."""

import pytest

from connectors.http import Request
from hub.egress import RequestWithdrawn, send_only_while
from tests.hub.egress.conftest import by_outlet


@pytest.mark.corrections(item="3.3")
def test_nothing_is_written_after_the_condition_became_false(hostile, sandbox, attempts):
    request = Request("POST", hostile.url("ok"), body=b"{}")
    with send_only_while(lambda: bool(not attempts)), pytest.raises(RequestWithdrawn):
        by_outlet(request, sandbox)
    assert attempts and not hostile.heard
    assert by_outlet(request, sandbox).status == 200
    assert hostile.heard
