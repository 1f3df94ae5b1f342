"""What requests ask of a batch thread together, and what becomes of a bad item."""

import asyncio
import threading

import pytest

from hub.asgi_bridge.batch_thread import STALLED_THREADS_MAX, BatchThread


class Kitchen:
    """Doubles numbers, batch by batch, while its gate is open; a negative number spoils a batch."""

    def __init__(self):
        self.batches, self.gate, self.has_begun = [], threading.Event(), threading.Event()
        self.gate.set()

    def cook(self, numbers):
        self.batches.append(list(numbers))
        self.has_begun.set()
        assert self.gate.wait(20)
        if min(numbers) < 0:
            raise ValueError(str(min(numbers)))
        return [number * 2 for number in numbers]


@pytest.fixture
def kitchen():
    return Kitchen()


@pytest.fixture
def thread(kitchen):
    thread = BatchThread(kitchen.cook, max_batch=3, name="kitchen")
    yield thread
    kitchen.gate.set()
    thread.close()


def process(thread, *numbers):
    async def process_all():
        tasks = [asyncio.ensure_future(thread.process(number)) for number in numbers]
        return await asyncio.gather(*tasks, return_exceptions=True)

    return asyncio.run(process_all())


async def begin(thread, kitchen, number):
    """Begin a batch, which waits for the gate."""
    kitchen.gate.clear()
    task = asyncio.ensure_future(thread.process(number))
    await asyncio.sleep(0)
    assert await asyncio.to_thread(kitchen.has_begun.wait, 20)
    return task


def test_a_single_item_is_processed_at_once(thread, kitchen):
    assert process(thread, 1) == [2]
    assert kitchen.batches == [[1]]


def test_what_arrives_during_a_batch_is_the_next_one_of_limited_size(thread, kitchen):
    async def work():
        first = await begin(thread, kitchen, 1)
        others = [asyncio.ensure_future(thread.process(number)) for number in range(2, 7)]
        await asyncio.sleep(0)
        kitchen.gate.set()
        return await asyncio.gather(first, *others)

    assert asyncio.run(work()) == [2, 4, 6, 8, 10, 12]
    assert kitchen.batches == [[1], [2, 3, 4], [5, 6]]


def test_a_bad_item_fails_alone(thread, kitchen):
    async def work():
        first = await begin(thread, kitchen, 1)
        others = [asyncio.ensure_future(thread.process(number)) for number in (2, -3, 4)]
        await asyncio.sleep(0)
        kitchen.gate.set()
        return await asyncio.gather(first, *others, return_exceptions=True)

    _, second, bad, fourth = asyncio.run(work())
    assert (second, str(bad), fourth) == (4, "-3", 8)
    assert sorted(kitchen.batches[2:]) == [[-3], [2], [4]]


def test_an_item_whose_request_was_answered_meanwhile_is_not_processed(thread, kitchen):
    async def work():
        first = await begin(thread, kitchen, 1)
        late = asyncio.ensure_future(thread.process(2))
        await asyncio.sleep(0)
        late.cancel()
        await asyncio.sleep(0)
        kitchen.gate.set()
        return await first, await thread.process(3)

    assert asyncio.run(work()) == (2, 6)
    assert kitchen.batches == [[1], [3]]


def test_a_closed_thread_has_ended_and_begins_again_when_it_is_needed(thread, kitchen):
    assert process(thread, 1) == [2]
    worker = thread.worker
    thread.close()
    assert not worker.is_alive()
    assert process(thread, 2) == [4]


def test_a_request_that_left_with_its_event_loop_stops_nobody(thread, kitchen):
    async def leave():
        await begin(thread, kitchen, 1)

    asyncio.run(leave())
    kitchen.gate.set()
    assert process(thread, 2) == [4]


def test_a_thread_that_stalls_is_replaced_and_ends_after_its_batch(thread, kitchen):
    thread.stall_seconds = 0.1

    async def work():
        first = await begin(thread, kitchen, 1)
        stalled = thread.worker
        await asyncio.sleep(0.2)
        second = asyncio.ensure_future(thread.process(2))
        await asyncio.sleep(0.05)
        assert kitchen.batches == [[1], [2]]
        kitchen.gate.set()
        results = await first, await second, await thread.process(3)
        await asyncio.to_thread(stalled.join, 20)
        return results, stalled.is_alive(), thread.worker.is_alive()

    assert asyncio.run(work()) == ((2, 4, 6), False, True)


def test_threads_that_stall_are_replaced_a_limited_number_of_times(thread, kitchen):
    thread.stall_seconds = 0.02

    async def work():
        tasks = [await begin(thread, kitchen, 0)]
        for number in range(1, STALLED_THREADS_MAX + 5):
            await asyncio.sleep(0.04)
            tasks.append(asyncio.ensure_future(thread.process(number)))
            await asyncio.sleep(0)
        stalled = len(thread.stalled)
        kitchen.gate.set()
        return stalled, await asyncio.gather(*tasks)

    numbers = range(STALLED_THREADS_MAX + 5)
    assert asyncio.run(work()) == (STALLED_THREADS_MAX, [number * 2 for number in numbers])
