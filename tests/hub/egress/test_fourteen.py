"""Fourteen endpoints with the worst manners: each call ends in time, with little in hand, and harms
nobody.
"""

import asyncio
import time
import tracemalloc

import pytest
import uvloop

from connectors.http import DEFAULT_RESPONSE_BYTES_MAX, Request
from hub.egress import EgressError, EgressRules, send_guarded
from hub.egress.async_client import TIMEOUT as TIMEOUT_OF_OUTLET
from hub.egress.async_client import open_async_client
from hub.egress.sync_client import TIMEOUT as TIMEOUT_OF_CALL
from tests.hub.egress.conftest import NOON
from tests.hub.egress.hostile import Hostile

DEADLINE = 0.5  # in the place of the hub's own
PATIENT = 5.0  # a busy machine may take its time
LANE = 4  # calls that one lane has in flight at once
MEBIBYTE = 1024 * 1024
LARGE = b"x" * MEBIBYTE  # as large as a request gets
FOURTEEN = [
    "drip-headers",
    "drip-body",
    "silent",
    "deaf",
    "endless",
    "endless-chunks",
    "continue-flood",
    "lying-length",
    "huge-header",
    "many-headers",
    "redirect-302",  # to itself
    "reset",
    "never-accepts",
    "stalls-in-tls",
]


@pytest.fixture
def rules(hostile, canary):
    return EgressRules(allow=frozenset({hostile.place, f"127.0.0.1:{canary.port}"}))


@pytest.fixture
def request_to(hostile, canary):
    canaries = {
        "never-accepts": f"http://127.0.0.1:{canary.port}/",
        "stalls-in-tls": f"https://127.0.0.1:{canary.port}/",
    }
    return lambda name: Request(
        "POST", canaries.get(name) or hostile.url(name), body=LARGE if name == "deaf" else b"{}"
    )


def by_lane(request, rules):
    async def main():
        async with open_async_client(rules, clock=lambda: NOON, timeout=DEADLINE) as send:
            return await asyncio.gather(
                *(send(request) for _ in range(LANE)), return_exceptions=True
            )

    return uvloop.run(main())


def by_call(request, rules):
    try:
        return [send_guarded(request, rules=rules, clock=lambda: NOON, timeout=DEADLINE)]
    except EgressError as error:
        return [error]


def measure_calls(way, request, rules):
    """The answers, the seconds that it took, and the memory that was needed at the worst moment."""
    tracemalloc.start()
    try:
        before, start = tracemalloc.get_traced_memory()[0], time.monotonic()
        answers = way(request, rules)
        return answers, time.monotonic() - start, tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def measure_kept_bytes(answer):
    return 0 if isinstance(answer, EgressError) else max(len(answer.body), len(str(answer.headers)))


@pytest.mark.parametrize("way", [by_lane, by_call])
@pytest.mark.parametrize("name", FOURTEEN)
def test_it_ends_in_time_with_little_in_hand(request_to, rules, name, way):
    answers, seconds, memory = measure_calls(way, request_to(name), rules)
    assert seconds < PATIENT
    assert max(map(measure_kept_bytes, answers)) <= DEFAULT_RESPONSE_BYTES_MAX == 64 * 1024
    assert memory <= 10 * MEBIBYTE


def test_the_hubs_own_deadline_leaves_a_second_of_21():
    assert TIMEOUT_OF_OUTLET == TIMEOUT_OF_CALL == 20.0


def test_the_neighbours_of_all_fourteen_are_unharmed(request_to, rules):
    async def main(url, rules):
        async with open_async_client(rules, clock=lambda: NOON, timeout=PATIENT) as send:
            lanes = [
                asyncio.create_task(send(request_to(name)))
                for name in FOURTEEN
                for _ in range(LANE)
            ]
            neighbours = [await send(Request("POST", url, json={})) for _ in range(20)]
            still_there = [task for task in lanes if not task.done()]
            for task in lanes:
                task.cancel()
            await asyncio.gather(*lanes, return_exceptions=True)
            return neighbours, still_there

    with Hostile() as good:
        neighbours, still_there = uvloop.run(
            main(good.url("ok"), EgressRules(allow=rules.allow | {good.place}))
        )
    assert {response.status for response in neighbours} == {200}
    assert len(still_there) >= LANE


def test_a_few_interim_answers_are_put_up_with(send, sandbox, hostile):
    assert send(Request("POST", hostile.url("continue-thrice"), json={}), sandbox).status == 200
