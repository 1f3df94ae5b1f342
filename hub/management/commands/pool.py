"""The pool: django-q2's cluster, in a session of its own; `manage.py work` starts it.

It loads as little as it can, as each of its processes has all that in its memory.
"""

import os
import signal
import threading
import time
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from hub import garbage, lifeline

ASK_EVERY = 2.0  # seconds; a pool that is just starting may miss the first


class Command(BaseCommand):
    help = "Be the pool of a worker; `work` starts this."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        if not lifeline.mine():
            raise CommandError("The pool is for `manage.py work` itself.")
        watch()
        os.register_at_fork(after_in_child=watch)
        garbage.keep_what_is_there()
        call_command("qcluster")


def watch() -> None:
    threading.Thread(target=end_with_the_worker, daemon=True).start()


def end_with_the_worker() -> None:
    """The first process asks django-q2 to stop; if it is gone, or that takes too long, anyone of them ends all."""
    lifeline.wait()
    deadline = time.monotonic() + lifeline.GRACE
    while time.monotonic() < deadline:
        if os.getpid() == os.getpgid(0):
            os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(ASK_EVERY)
    os.killpg(0, signal.SIGKILL)
