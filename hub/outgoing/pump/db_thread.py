"""The loop, on a thread of its own; and the one thread that may use the database: that which started it."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextvars import ContextVar
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, TypeVar

import uvloop
from django.db import InterfaceError, OperationalError
from django.db import connection as database

ResultT = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class DatabaseCall:
    """Something to do with the database, and where what it gives is waited for."""

    function: Callable[[], Any]
    future: Future[Any]

    def execute(self) -> None:
        if not self.future.set_running_or_notify_cancel():
            return
        try:
            self.future.set_result(self.function())
        except Exception as error:
            if isinstance(error, OperationalError | InterfaceError):
                database.close()  # the line broke: the next is new
            self.future.set_exception(error)


DatabaseCalls = SimpleQueue[DatabaseCall | None]
DATABASE_CALLS: ContextVar[DatabaseCalls] = ContextVar("QUESTIONS")


def run_with_loop(main: Callable[[], Coroutine[Any, Any, ResultT]]) -> ResultT:
    """What the work gives; until it ends, this thread does what it asks of the database."""
    calls: DatabaseCalls = SimpleQueue()
    result: Future[ResultT] = Future()
    result.add_done_callback(lambda _: calls.put(None))
    threading.Thread(target=run_loop, args=(main, calls, result), name="loop", daemon=True).start()
    for call in iter(calls.get, None):
        call.execute()
    return result.result()


def run_loop(
    main: Callable[[], Coroutine[Any, Any, ResultT]], calls: DatabaseCalls, result: Future[ResultT]
) -> None:
    DATABASE_CALLS.set(calls)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            value = runner.run(main())
    except BaseException as error:
        result.set_exception(error)  # it is for who waits
    else:
        result.set_result(value)


async def in_db_thread(function: Callable[..., ResultT], *args: object) -> ResultT:
    future: Future[ResultT] = Future()
    DATABASE_CALLS.get().put(DatabaseCall(lambda: function(*args), future))
    return await asyncio.wrap_future(future)
