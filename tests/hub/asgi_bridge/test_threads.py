"""Threads that live long."""

from threading import Barrier, Event, Semaphore, current_thread

from hub.asgi_bridge.threads import ThreadPool


def run_jobs(pool, count):
    """The names of the threads that did so many jobs, one after the other."""
    names, finished = [], Semaphore(0)

    def job():
        names.append(current_thread().name)
        finished.release()

    for _ in range(count):
        pool.submit(job)
        assert finished.acquire(timeout=10)
        while not pool.idle:
            pass
    return names


def test_a_thread_that_is_free_is_used_again():
    assert len(set(run_jobs(ThreadPool(8), 20))) == 1


def test_as_many_jobs_as_there_are_threads_go_at_the_same_time():
    pool, barrier = ThreadPool(4), Barrier(5, timeout=10)
    for _ in range(4):
        pool.submit(barrier.wait)
    assert barrier.wait() in range(5)  # it breaks unless all five are there
    assert pool.started == 4


def test_a_job_for_which_no_thread_is_free_has_its_turn():
    pool, gate, order, last = ThreadPool(1), Event(), [], Event()
    pool.submit(gate.wait)
    for number in range(3):
        pool.submit(lambda number=number: order.append(number))
    pool.submit(last.set)
    gate.set()
    assert last.wait(10) and order == [0, 1, 2] and pool.started == 1


def test_a_job_that_fails_costs_no_thread():
    pool = ThreadPool(1)
    pool.submit(lambda: 1 / 0)
    assert len(run_jobs(pool, 1)) == 1
