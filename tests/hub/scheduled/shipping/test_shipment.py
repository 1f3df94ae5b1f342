"""Whatever fails in whatever order: a line counts as shipped only if the system has it for good."""

import json

from hypothesis import example, given
from hypothesis import strategies as st

from connectors.roles import BatchAnswer
from hub.scheduled.shipping.shipment import Batch, Shipment

LINES, BATCH = 30, 4
ACTIONS = (
    "send",
    "send",
    "send",
    "lose_answer",
    "accept_in_part",
    "ask",
    "ask",
    "lose_acknowledgement",
    "replicate",
    "restart",
    "kill",
    "kill_after_send",
    "expire",
)


class Indexers:
    """A system that acknowledges a batch once, when it is replicated; a restart loses the rest."""

    def __init__(self):
        self.durable, self.volatile = set(), {}  # lines; lines by channel and ticket
        self.next_ticket, self.ready = {}, set()

    def receive(self, channel, lines):
        ticket = self.next_ticket.get(channel, 0)
        self.next_ticket[channel] = ticket + 1
        self.volatile[channel, ticket] = lines
        return ticket

    def replicate(self):
        for key, lines in self.volatile.items():
            self.durable.update(lines)
            self.ready.add(key)
        self.volatile.clear()

    def restart(self):
        self.volatile.clear()
        self.next_ticket.clear()
        self.ready.clear()

    def ask(self, batch):
        key = (batch.channel, batch.ticket)
        is_ready = key in self.ready
        self.ready.discard(key)
        return is_ready


class Sender:
    def __init__(self):
        self.indexers, self.time = Indexers(), 0.0
        self.shipment = Shipment(0, [])
        self.stored = self.store()

    def store(self):
        self.shipment.settle()
        assert set(range(self.shipment.shipped_line)) <= self.indexers.durable
        self.stored = json.dumps([self.shipment.shipped_line, self.shipment.to_json()])
        return self.stored

    def take(self, action):
        self.time += 1
        getattr(self, action)()

    def next_lines(self):
        gap = self.shipment.find_gap()
        count = min(BATCH, LINES - gap.first, *(() if gap.count is None else (gap.count,)))
        return range(gap.first, gap.first + count)

    def send(self, share=1.0):
        if lines := self.next_lines():
            accepted = lines[: max(1, int(len(lines) * share))]
            channel = self.shipment.find_channel()
            answer = BatchAnswer(len(accepted), self.indexers.receive(channel, accepted))
            self.shipment.record_answer(lines[0], answer, channel=channel, now=self.time)
            self.store()

    def accept_in_part(self):
        self.send(share=0.5)

    def lose_answer(self):
        if lines := self.next_lines():
            self.indexers.receive(self.shipment.find_channel(), lines)

    def kill_after_send(self):
        if lines := self.next_lines():
            self.indexers.receive(self.shipment.find_channel(), lines)
        self.kill()

    def ask(self, *, is_lost=False):
        for batch in self.shipment.pending():
            if self.indexers.ask(batch) and not is_lost:
                self.shipment.acknowledge(batch)
        self.store()

    def lose_acknowledgement(self):
        self.ask(is_lost=True)

    def expire(self):
        asked = self.shipment.pending()
        self.shipment.remove_unacknowledged(
            asked, sent_before_epoch=self.time - 4, overtaken_before_epoch=self.time - 2
        )
        self.store()

    def replicate(self):
        self.indexers.replicate()

    def restart(self):
        self.indexers.restart()

    def kill(self):
        self.shipment = Shipment(*json.loads(self.stored))


@example(["send", "restart", "lose_answer", "replicate", "ask"])
@example(["send", "restart", "kill_after_send", "replicate", "ask"])
@example(["send", "restart", "send", "replicate", "ask"])
@given(st.lists(st.sampled_from(ACTIONS), max_size=60))
def test_no_line_is_lost(actions):
    sender = Sender()
    for action in actions:
        sender.take(action)
    for _ in range(LINES * 5):  # nothing fails any more
        for action in ("send", "replicate", "ask", "expire"):
            sender.take(action)
    assert sender.shipment.shipped_line == LINES
    assert sender.indexers.durable == set(range(LINES))


def test_each_batch_that_waits_has_a_channel_of_its_own():
    batches = [Batch(0, 5, channel=0, ticket=3), Batch(5, 5, channel=2, ticket=1)]
    shipment = Shipment(0, [batch.to_json() for batch in batches])
    assert shipment.find_channel() == 1
    shipment.acknowledge(batches[0])
    assert shipment.find_channel() == 0


def test_a_batch_that_a_later_one_has_overtaken_is_sent_again_sooner():
    first, second = Batch(0, 5, 0, ticket=0, sent_at=100), Batch(5, 5, 1, ticket=0, sent_at=110)
    shipment = Shipment(0, [first.to_json(), second.to_json()])
    assert (
        shipment.remove_unacknowledged([first], sent_before_epoch=50, overtaken_before_epoch=150)
        == 0
    )
    shipment.acknowledge(second)
    assert (
        shipment.remove_unacknowledged([first], sent_before_epoch=50, overtaken_before_epoch=100)
        == 0
    )
    assert (
        shipment.remove_unacknowledged([first], sent_before_epoch=50, overtaken_before_epoch=101)
        == 5
    )
    assert (shipment.find_gap().first, shipment.find_gap().count) == (0, 5)


def test_a_gap_is_what_no_batch_covers():
    shipment = Shipment(10, [Batch(10, 5, ticket=1).to_json(), Batch(20, 5, ticket=2).to_json()])
    gap = shipment.find_gap()
    assert (gap.first, gap.count) == (15, 5)


def test_a_refused_line_is_passed_and_tried_again_after_an_interruption():
    shipment = Shipment(0, [])
    shipment.record_refused(0)
    assert (shipment.find_gap().first, shipment.settle()) == (1, (0, 0))
    assert shipment.to_json() == []
    shipment.reject_refused()
    assert shipment.settle() == (1, 1)
