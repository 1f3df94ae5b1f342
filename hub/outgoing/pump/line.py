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

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Question:
    """Something to do with the database, and where what it gives is waited for."""

    verb: Callable[[], Any]
    answer: Future[Any]

    def do(self) -> None:
        if not self.answer.set_running_or_notify_cancel():
            return
        try:
            self.answer.set_result(self.verb())
        except Exception as error:
            if isinstance(error, OperationalError | InterfaceError):
                database.close()  # the line broke: the next is new
            self.answer.set_exception(error)


Questions = SimpleQueue[Question | None]
QUESTIONS: ContextVar[Questions] = ContextVar("QUESTIONS")


def run(work: Callable[[], Coroutine[Any, Any, Found]]) -> Found:
    """What the work gives; until it ends, this thread does what it asks of the database."""
    questions: Questions = SimpleQueue()
    end: Future[Found] = Future()
    end.add_done_callback(lambda _: questions.put(None))
    threading.Thread(target=run_loop, args=(work, questions, end), name="loop", daemon=True).start()
    for question in iter(questions.get, None):
        question.do()
    return end.result()


def run_loop(work: Callable[[], Coroutine[Any, Any, Found]], questions: Questions, end: Future[Found]) -> None:
    QUESTIONS.set(questions)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            found = runner.run(work())
    except BaseException as error:
        end.set_exception(error)  # it is for who waits
    else:
        end.set_result(found)


async def in_database(verb: Callable[..., Found], *args: object) -> Found:
    answer: Future[Found] = Future()
    QUESTIONS.get().put(Question(lambda: verb(*args), answer))
    return await asyncio.wrap_future(answer)
