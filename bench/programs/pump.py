"""`python -m bench.programs.pump`: one pump as a process of its own, with the product's loop and
its way out, until SIGTERM.

As hub.outgoing.tasks does, but without a queue: where the task would ring its successor, this runs
again.
"""

import random
import signal
import threading

import django

from bench import quota_connectors
from bench.installation.processes import wait_for_go

PLACE_AGAIN = 0.2  # seconds before it asks again for a place, where all are taken

django.setup()
quota_connectors.install()

from hub import egress  # noqa: E402  (Django is ready by now)
from hub.db.clock import clock  # noqa: E402
from hub.egress.async_client import open_async_client  # noqa: E402
from hub.outgoing.pump import loop  # noqa: E402
from hub.processes import memory  # noqa: E402


def main() -> None:
    stop_event = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop_event.set())
    clock()  # connects
    memory.freeze_heap()
    wait_for_go()
    while not stop_event.wait(PLACE_AGAIN):
        loop.run_pump(
            clock=clock,
            open_client=lambda: open_async_client(
                egress.load_rules(), clock=clock, limit=loop.MAX_SOCKETS
            ),
            random=random.random,
            stopping=stop_event.is_set,
        )


if __name__ == "__main__":
    main()
