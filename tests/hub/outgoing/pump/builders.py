"""Parts of a pump with a given clock, for tests that call them one by one."""

import uuid

from hub.outgoing.pump.loop import PumpLoop
from hub.outgoing.pump.types import PumpRun
from tests.fakes import FakeHttp


def build_run(clock):
    """A run that is neither stopped nor succeeded, and leaves as soon as it is idle."""
    return PumpRun(
        uuid.uuid4(),
        clock(),
        clock,
        lambda: 0,
        lambda: False,
        0,
        0,
        FakeHttp().outlet,
        lambda: None,
    )


def build_pump_loop(clock):
    return PumpLoop.for_run(build_run(clock))


def build_claimer(clock):
    return build_pump_loop(clock).claimer
