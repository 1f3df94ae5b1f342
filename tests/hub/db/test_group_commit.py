"""What many threads want at one moment is done once."""

from threading import Event, Thread

import pytest

from hub.db.group_commit import GroupCommit

WAIT = 10  # seconds, at most


class Kitchen:
    """Squares numbers, batch by batch; the first batch is held up until all others have come."""

    def __init__(self, guests, *, most=100, fault=None):
        self.guests, self.fault = guests, fault
        self.all_there = Event()
        self.batches, self.answers = [], {}
        self.batcher = GroupCommit(self.cook, max_batch=most)

    def cook(self, numbers):
        self.batches.append(list(numbers))
        if len(self.batches) == 1:
            assert self.all_there.wait(WAIT)
        if self.fault:
            self.fault(numbers)
        return [KeyError(number) if number < 0 else number**2 for number in numbers]

    def order(self, number):
        try:
            self.answers[number] = self.batcher(number)
        except Exception as error:
            self.answers[number] = error

    def serve(self):
        threads = [Thread(target=self.order, args=(number,), daemon=True) for number in self.guests]
        for place, thread in enumerate(threads, 1):
            thread.start()
            self.until_inside(place)
        self.all_there.set()
        for thread in threads:
            thread.join(WAIT)
        return self.answers

    def until_inside(self, count):
        pause = Event()
        while len(self.batcher.waiters) + len(self.batches) < count:
            pause.wait(0.001)


def test_a_lonely_thread_works_at_once():
    batches = []
    batcher = GroupCommit(
        lambda items: batches.append(list(items)) or [item + 1 for item in items], max_batch=10
    )
    assert (batcher(1), batcher(2), batches) == (2, 3, [[1], [2]])


def test_what_came_meanwhile_is_done_at_once_and_everybody_gets_their_own():
    kitchen = Kitchen(range(6))
    assert kitchen.serve() == {number: number**2 for number in range(6)}
    assert kitchen.batches == [[0], [1, 2, 3, 4, 5]]


def test_a_batch_is_bounded():
    kitchen = Kitchen(range(6), most=2)
    kitchen.serve()
    assert [len(batch) for batch in kitchen.batches] == [1, 2, 2, 1]


def test_an_answer_that_is_an_exception_is_raised_by_its_own_alone():
    answers = Kitchen([1, 2, -3, 4]).serve()
    assert isinstance(answers.pop(-3), KeyError)
    assert answers == {1: 1, 2: 4, 4: 16}


def test_where_a_batch_fails_each_does_its_own():
    def fault(numbers):
        if 3 in numbers:
            raise ValueError(numbers)

    kitchen = Kitchen([1, 2, 3, 4], fault=fault)
    answers = kitchen.serve()
    assert str(answers.pop(3)) == "[3]"
    assert answers == {1: 1, 2: 4, 4: 16}
    assert kitchen.batches[1] == [2, 3, 4]


def test_what_fails_alone_is_not_tried_again():
    tries = []

    def work(items):
        tries.append(items)
        raise ValueError

    with pytest.raises(ValueError):
        GroupCommit(work, max_batch=10)("x")
    assert len(tries) == 1
