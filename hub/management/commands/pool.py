"""The pool, in a session of its own; `manage.py work` starts it.

It loads as little as it can, as each of its processes has all that in its memory.
"""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from hub import garbage, lifeline
from hub.clock import clock
from hub.outgoing.pump.leases import free_leases, process_prefix
from hub.outgoing.pump.place import has_room
from hub.outgoing.wake import ring_pump
from hub.queue import PUMP, key_of
from hub.queue.pool import Pool
from hub.standing import current_worker


class Command(BaseCommand):
    help = "Be the pool of a worker; `work` starts this."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        if not lifeline.mine():
            raise CommandError("The pool is for `manage.py work` itself.")
        garbage.keep_what_is_there()
        Pool(recover, keys).run()


def recover(pid: int) -> None:
    """In a process that replaces a dead one."""
    free_leases(process_prefix(current_worker(), pid), now=clock())
    ring_pump(now=clock())


def keys() -> list[str]:
    """The bell for a pump is for a pool that may run one more."""
    room = has_room(places=settings.HUB_PUMPS, total=settings.HUB_PUMPS_TOTAL, now=clock())
    return [key_of(""), PUMP] if room else [key_of("")]
