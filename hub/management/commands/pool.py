"""The pool, in a session of its own; `manage.py work` starts it.

It loads as little as it can, as each of its processes has all that in its memory.
"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from hub import garbage, lifeline
from hub.queue.pool import Pool


class Command(BaseCommand):
    help = "Be the pool of a worker; `work` starts this."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        if not lifeline.mine():
            raise CommandError("The pool is for `manage.py work` itself.")
        garbage.keep_what_is_there()
        Pool().run()
