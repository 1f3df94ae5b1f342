"""A pipe from `manage.py work` to its pool: when the other end closes, for whatever reason, the pool stops."""

import os
import select

NAME = "HUB_LIFELINE"  # the number of the inherited file descriptor


def stopping() -> bool:
    """Whether whoever started this process wants it to stop, or is gone. Costs a system call, never waits."""
    lifeline = os.environ.get(NAME)
    return lifeline is not None and bool(select.select([int(lifeline)], [], [], 0)[0])


def wait() -> None:
    """Until the other end closes."""
    os.read(int(os.environ[NAME]), 1)
