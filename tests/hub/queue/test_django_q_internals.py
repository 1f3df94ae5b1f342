"""The undocumented parts of django-q2 that `hub/queue/` uses, each with a sentence that says
where.
"""

import inspect
import multiprocessing
import queue
import threading

import pytest
from django_q.brokers.orm import ORM
from django_q.conf import Conf
from django_q.exceptions import TimeoutException
from django_q.models import OrmQ
from django_q.pusher import pusher
from django_q.signing import SignedPackage
from django_q.tasks import async_task
from django_q.worker import worker

from hub.queue.member import STOP_TASK, TIMER_EXPIRED, TIMER_IDLE

SETTINGS = {
    "WORKERS": "how many members a pool has",
    "GUARD_CYCLE": "seconds between two checks of the members",
    "POLL": "seconds between two reads of an empty queue",
    "CLUSTER_NAME": "the key under which tasks wait",
    "TIMEOUT": "seconds that a task may take",
}
PARAMETERS = [
    pytest.param(pusher, ["task_queue", "event", "broker"], id="pusher"),
    pytest.param(worker, ["task_queue", "result_queue", "timer", "timeout"], id="worker"),
    pytest.param(ORM.__init__, ["self", "list_key"], id="ORM"),
]


class OneTaskBroker(ORM):
    """Delivers one task, then nothing."""

    def __init__(self, payload):
        super().__init__("test")
        self.payloads = [payload]

    def dequeue(self):
        return [(None, self.payloads.pop())] if self.payloads else None


class RecordingBroker(ORM):
    """Keeps what is enqueued, instead of storing it."""

    def enqueue(self, task):
        self.payload = task


def run_out_of_time(name):
    raise TimeoutException


def run_worker(func):
    """Run one task in this process; return its result and the timer's value at the end."""
    tasks, results = queue.SimpleQueue(), queue.SimpleQueue()
    timer = multiprocessing.Value("f", TIMER_IDLE)
    tasks.put({"id": "1", "name": "pump", "func": func, "args": ("pump",), "kwargs": {}})
    tasks.put(STOP_TASK)
    worker(tasks, results, timer, 10)
    return results.get_nowait(), timer.value


@pytest.mark.parametrize("name", SETTINGS)
def test_the_configuration_has_each_setting_that_the_pool_reads(name):
    assert getattr(Conf, name, None) is not None, (
        f"django_q.conf.Conf.{name} is gone: hub/queue/ reads it for {SETTINGS[name]}"
    )


@pytest.mark.parametrize(("function", "names"), PARAMETERS)
def test_each_function_that_the_pool_calls_takes_the_same_parameters(function, names):
    assert list(inspect.signature(function).parameters) == names, (
        f"{function.__qualname__} takes other parameters: hub/queue/ passes {names} by position"
    )


@pytest.mark.django_db
def test_the_pusher_puts_unpacked_tasks_and_stops_by_its_event():
    tasks, stopping = queue.SimpleQueue(), threading.Event()
    stopping.set()
    pusher(tasks, stopping, OneTaskBroker(SignedPackage.dumps({"name": "pump"})))
    assert tasks.get_nowait()["name"] == "pump", (
        "pusher no longer passes broker.dequeue() -> [(id, signed package)] to task_queue.put()"
    )


@pytest.mark.django_db
@pytest.mark.usefixtures("members_of_any_size")
def test_a_worker_puts_results_and_is_idle_afterwards():
    result, timer = run_worker("builtins.str")
    assert (result["success"], result["result"], result["name"]) == (True, "pump", "pump"), (
        "worker puts another result: ResultCounter in hub/queue/member.py reads these keys"
    )
    assert timer == TIMER_IDLE, "worker writes another value than -1 into the timer when it is idle"


@pytest.mark.django_db
def test_a_worker_marks_a_timeout_in_its_timer_and_ends():
    result, timer = run_worker(run_out_of_time)
    assert not result["success"] and timer == TIMER_EXPIRED, (
        "worker writes another value than 0 into the timer after a timeout: "
        "PoolMember.has_ended() and end_reason() read it"
    )


def test_a_worker_holds_the_lock_of_its_timer_while_it_puts_a_result():
    source = inspect.getsource(worker)
    lock, put = source.index("with timer.get_lock():"), source.index("result_queue.put(task)")
    assert lock < put, (
        "worker puts results without the timer's lock: PoolMember.is_idle() relies on it, "
        "as a member that is to be recycled must not look idle"
    )


def test_the_queue_has_the_columns_that_the_broker_reads():
    columns = {field.name for field in OrmQ._meta.get_fields()}
    assert {"key", "payload", "lock"} <= columns, (
        "OrmQ has other columns: WakeUpBroker.take_oldest() filters by key and reads payload"
    )


@pytest.mark.django_db
def test_the_broker_gives_a_queryset_of_the_queue():
    assert ORM("test").get_connection().model is OrmQ, (
        "ORM.get_connection() no longer gives the queryset that WakeUpBroker filters"
    )


@pytest.mark.django_db
def test_a_task_is_handed_to_the_broker_as_a_signed_package():
    broker = RecordingBroker("test")
    async_task("hub.outgoing.tasks.pump", "pump", broker=broker)
    task = SignedPackage.loads(broker.payload)
    assert (task["func"], task["args"], task["kwargs"]) == (
        "hub.outgoing.tasks.pump",
        ("pump",),
        {},
    ), "async_task() builds another package: build_canary_task() in hub/queue/ makes the same"
