"""Run the event loop on its own thread, while the thread that started it makes database calls."""

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

DATABASE_RETRY_EVERY_SECONDS = 0.5  # between attempts while the database is away
DATABASE_AWAY_ERRORS = (InterfaceError, OperationalError)  # the connection, not the data, failed

ResultT = TypeVar("ResultT")


@dataclass(frozen=True, slots=True)
class DatabaseCall:
    """A function to call on the database thread, and the future of its result."""

    function: Callable[[], Any]
    future: Future[Any]

    def execute(self) -> None:
        if not self.future.set_running_or_notify_cancel():
            return
        try:
            self.future.set_result(self.function())
        except Exception as error:
            if isinstance(error, DATABASE_AWAY_ERRORS):
                database.close()  # the connection may be broken; the next call opens another
            self.future.set_exception(error)


DatabaseCalls = SimpleQueue[DatabaseCall | None]
DATABASE_CALLS: ContextVar[DatabaseCalls] = ContextVar("DATABASE_CALLS")


def run_with_loop(main: Callable[[], Coroutine[Any, Any, ResultT]]) -> ResultT:
    """Run a coroutine on a loop thread, make its database calls here, and return its result."""
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
    """Run the loop on this thread; pass its result or exception to the future."""
    DATABASE_CALLS.set(calls)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            value = runner.run(main())
    except BaseException as error:
        result.set_exception(error)
    else:
        result.set_result(value)


async def in_db_thread(function: Callable[..., ResultT], *args: object) -> ResultT:
    """Call a function on the database thread, and return its result."""
    future: Future[ResultT] = Future()
    DATABASE_CALLS.get().put(DatabaseCall(lambda: function(*args), future))
    return await asyncio.wrap_future(future)
