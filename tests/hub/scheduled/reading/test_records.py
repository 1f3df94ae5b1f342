"""Single records are read again by their ids."""

import asyncio

import pytest

from connectors.http import Response
from hub.scheduled.reading import read_records
from hub.scheduled.runs.context import RunFailed
from tests.hub.scheduled.reading.fake_run import APP, ORDERS, FakeRun, orders


def read_again(run, *wanted, query=()):
    return asyncio.run(read_records(run, APP, ORDERS, dict(query), wanted))


def test_the_records_that_exist_are_returned_by_id():
    again = read_again(run := FakeRun(orders("A-1")), "A-2", "A-1", "A-1")
    assert list(again) == ["A-1"]
    assert "ids=A-1%2CA-2" in run.requests[0].url and "include_deleted=true" in run.requests[0].url


def test_many_ids_are_asked_in_several_calls():
    wanted = [f"A-{number}" for number in range(150)]
    read_again(run := FakeRun(orders(), orders()), *wanted)
    assert len(run.requests) == 2


def test_when_they_changed_does_not_matter():
    read_again(run := FakeRun(orders()), "A-1", query={"since": "2026-11-25T00:00:00Z"})
    assert "updated_since" not in run.requests[0].url


@pytest.mark.parametrize("page", [orders("A-1", count=2), orders("A-1", after="A-1")])
def test_half_an_answer_is_no_answer(page):
    with pytest.raises(RunFailed):
        read_again(FakeRun(page, page, page), "A-1")


def test_a_refusal_fails_the_run():
    with pytest.raises(RunFailed):
        read_again(FakeRun(Response(404)), "A-1")
