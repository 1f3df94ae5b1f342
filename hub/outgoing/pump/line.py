"""The one thread that may use the database, seen from the loop."""

from collections.abc import Callable
from typing import TypeVar

from asgiref.sync import sync_to_async
from django.db import InterfaceError, OperationalError
from django.db import connection as database

Found = TypeVar("Found")


async def in_database(verb: Callable[..., Found], *args: object) -> Found:
    """A connection that broke is closed, so that the next is new."""
    try:
        return await sync_to_async(verb, thread_sensitive=True)(*args)
    except (OperationalError, InterfaceError):
        await sync_to_async(hang_up, thread_sensitive=True)()
        raise


def hang_up() -> None:
    """Called there: `database` is another connection on each thread, the loop's own among them."""
    database.close()
