"""What the judge of `bench incoming` counts after kills, and how its sender keeps time."""

import asyncio

import pytest

from bench.baselines.load_generator import sign_event
from bench.faults.receiving import POINTS, ReceivingResult, figures
from bench.incoming.sender import send
from connectors.signatures import SLACK, Secret, verify
from connectors.webhook_request import WebhookRequest

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"


def judge(acknowledged, published, refusals=None, *, kills=POINTS * 3, poisoned=1):
    """The figures by their short names."""
    result = ReceivingResult(acknowledged, published, kills, poisoned, [1.0], refusals)
    return {
        figure.name.removeprefix("faults_receiving_"): figure
        for figure in figures(result, least=1, rounds=3)
    }


def test_each_acknowledged_message_as_one_event_is_right():
    assert all(figure.holds for figure in judge(["a", "b"], ["b", "a"]).values())


@pytest.mark.parametrize(
    ("published", "name"),
    [
        (["a"], "lost"),
        (["a", "b", "b"], "published_twice"),
        (["a", "b", "c"], "not_acknowledged"),
    ],
)
def test_what_is_missing_repeated_or_made_up_is_counted(published, name):
    failing = [name for name, figure in judge(["a", "b"], published).items() if not figure.holds]
    assert failing == [name]


@pytest.mark.parametrize(
    ("refusals", "holds"), [([0.5, 1.9], True), ([0.5, 2.1], False), ([], False)]
)
def test_an_outage_is_answered_within_two_seconds(refusals, holds):
    assert judge(["a"], ["a"], refusals)["refused_within"].holds is holds


@pytest.mark.corrections(item="4.10")
def test_each_failpoint_is_hit_three_times_and_what_kills_its_process_is_set_aside():
    assert {"R1", "R2", "R3", "R4", "R5", "R6", "R7", "R8", "R9", "R0"} == set(POINTS)
    kills = [*POINTS * 3][1:]  # one of them twice only
    assert not judge(["a"], ["a"], kills=kills)["kills_at_each_point"].holds
    assert not judge(["a"], ["a"], poisoned=0)["poisonous_set_aside"].holds


def test_a_request_is_timed_from_when_it_was_due():
    """One connection, an answer after 50 ms each, and a request due every 10 ms: they queue."""
    answers = asyncio.run(send_to_slow_server(requests=4, per_second=100))
    assert [answer.status for answer in answers] == [200] * 4
    assert [answer.milliseconds for answer in answers] == pytest.approx([50, 90, 130, 170], abs=45)


async def send_to_slow_server(*, requests, per_second):
    async def answer(reader, writer):
        while await reader.read(1000):
            await asyncio.sleep(0.05)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    place = "{}:{}".format(*server.sockets[0].getsockname())
    entries = [(str(number), lambda: b"GET / HTTP/1.1\r\n\r\n") for number in range(requests)]
    async with server:
        return await send(place, entries, connections=1, per_second=per_second)


def test_its_events_are_signed_as_slack_does():
    body, headers = sign_event("Ev1", team="T1", secret=SECRET)
    request = WebhookRequest("POST", "", body, tuple(headers.items()))
    at = int(headers["X-Slack-Request-Timestamp"])
    assert not verify(SLACK, request, [Secret(SECRET)], at).cause
    assert verify(SLACK, request, [Secret("another")], at).cause
