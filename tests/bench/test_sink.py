"""How the sink answers, and what it notes."""

import asyncio

import pytest

from bench.sink.client import Arrival, arrival
from bench.sink.server import OK, Peer, World

POST = b"POST %b HTTP/1.1\r\nWebhook-Id: msg_1\r\nContent-Length: 2\r\n\r\n{}"


class Wire(asyncio.Transport):
    """A transport that keeps what was written."""

    def __init__(self):
        super().__init__()
        self.written = []

    def get_extra_info(self, name):
        return {"peername": ("127.0.0.1", 4711)}[name]

    def write(self, answer):
        self.written.append(answer)


@pytest.fixture
def world():
    return World(clock=lambda: 7_000_000_000)


@pytest.fixture
def peer(world):
    peer = Peer(world)
    peer.connection_made(Wire())
    return peer


def test_a_request_is_noted_with_its_id_its_path_and_the_port_it_came_from(peer, world):
    peer.data_received(POST % b"/ok/3")
    (noted,) = map(arrival, world.ledger.decode().splitlines())
    assert noted == Arrival(7.0, "msg_1", "/ok/3", port=4711)
    assert peer.transport.written == [OK]


def test_a_request_may_come_in_pieces(peer):
    sent = POST % b"/ok/3"
    for place in range(len(sent)):
        assert peer.transport.written == []
        peer.data_received(sent[place : place + 1])
    assert peer.transport.written == [OK]


def test_a_window_refuses_what_is_too_much(world):
    statuses = [world.answer(b"/window-2-60/a", b"")[0].split()[1] for _ in range(3)]
    assert statuses == [b"200", b"200", b"429"]


def test_a_hanging_endpoint_never_answers(world):
    assert world.answer(b"/hang/", b"msg_1") == (None, 0)
    assert world.count == 1


def test_a_slow_endpoint_answers_later(world):
    assert world.answer(b"/slow-1500/", b"") == (OK, 1.5)


def test_the_ledger_is_shown_and_cleared(world):
    world.answer(b"/ok/1", b"msg_1")
    assert world.answer(b"/-/ledger", b"")[0].endswith(b"7000000000 msg_1 0 /ok/1\n")
    world.answer(b"/-/clear", b"")
    assert world.answer(b"/-/count", b"")[0].endswith(b"\r\n\r\n0")
