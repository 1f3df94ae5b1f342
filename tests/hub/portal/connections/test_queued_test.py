"""The page of a test that a worker makes."""

import pytest

from connectors.http import Response
from hub.connections.actions.queued_tests import _save_test_progress, run_queued_test
from hub.connections.credentials.provider_call import (
    PROVIDER_CALL_BUDGET,
    PROVIDER_CALLS_MAX_OF_TENANT,
)
from tests.factories import NOON
from tests.fakes import FakeHttp

pytestmark = pytest.mark.django_db


@pytest.fixture
def connection(make, acme):
    return make.connection(acme)


@pytest.fixture
def occupy_all_calls(connection):
    with PROVIDER_CALL_BUDGET.acquire_for_block(PROVIDER_CALLS_MAX_OF_TENANT, connection.tenant_id):
        yield


PAGE = "/t/acme/connections/{}/test"


@pytest.mark.usefixtures("occupy_all_calls")
def test_a_person_sees_how_far_the_test_is(connection, admin):
    answer = admin.post(PAGE.format(connection.public_id))
    assert answer.url == PAGE.format(connection.public_id) + "/progress/"
    waiting = admin.get(answer.url).content.decode()
    assert "is queued" in waiting and 'hx-trigger="every 2s"' in waiting
    PROVIDER_CALL_BUDGET.release(
        PROVIDER_CALLS_MAX_OF_TENANT, connection.tenant_id
    )  # the worker is another process
    run_queued_test(connection, call=FakeHttp(Response(404)).call, now=NOON)
    PROVIDER_CALL_BUDGET.acquire(PROVIDER_CALLS_MAX_OF_TENANT, connection.tenant_id)
    done = admin.get(answer.url).content.decode()
    assert (
        "The test failed" in done
        and "hx-trigger" not in done.partition('id="test"')[2].partition("</section>")[0]
    )


def test_the_page_of_a_test_that_was_interrupted_says_what_to_do(connection, admin):
    _save_test_progress(
        connection, {"state": "running", "started_at": NOON.isoformat()}
    )  # the clock of the page is later
    text = admin.get(PAGE.format(connection.public_id) + "/progress/").content.decode()
    assert (
        "The test was interrupted" in text
        and "Start the test again" in text
        and "every 2s" not in text
    )


def test_without_a_test_there_is_no_progress(connection, admin):
    assert admin.get(PAGE.format(connection.public_id) + "/progress/").url.endswith(
        f"{connection.public_id}/"
    )
