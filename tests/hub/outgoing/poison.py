"""`python -m tests.hub.outgoing.poison make|pump|told [minute]`: a message that kills the process
which sends it.
"""

import json
import os
import signal
import sys

import tests.environment  # noqa: F401  (before Django reads it)

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hub.settings")

import django  # noqa: E402

django.setup()

from connectors.http import Response  # noqa: E402
from hub.outgoing.models import Delivery  # noqa: E402
from hub.outgoing.pump.loop import run_pump  # noqa: E402
from tests.factories import MINUTE, NOON, ORDER, Factories  # noqa: E402
from tests.fakes import FakeHttp  # noqa: E402


def create_deliveries():
    makers = Factories()
    for connection in (makers.connection(), makers.connection()):
        for number in ("good", "poison", "fine") if connection.pk % 2 else ("good", "fine"):
            makers.delivery(connection, data=ORDER | {"number": number})


def run_pump_at(minute):
    def answer(request):
        if b"poison" in request.content():
            os.kill(os.getpid(), signal.SIGKILL)
        return Response(200)

    run_pump(
        clock=lambda: NOON + minute * MINUTE,
        open_client=FakeHttp(answer).outlet,
        random=lambda: 0,
        idle_seconds=0.7,
    )


def print_deliveries():
    rows = Delivery.unscoped.values_list("state", "reason", "crash_count")
    print(json.dumps(sorted(rows)))


if __name__ == "__main__":
    {
        "make": create_deliveries,
        "told": print_deliveries,
        "pump": lambda: run_pump_at(int(sys.argv[2])),
    }[sys.argv[1]]()
