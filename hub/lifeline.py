"""Two pipes between `manage.py work` and its pool.

Down: when the worker's end closes, for whatever reason, the pool stops. Up: each process of the pool that hears a bell
writes a sign of life, so that a worker knows its own pool from all others on the same database.
"""

import contextlib
import os
import select
from dataclasses import dataclass

NAME = "HUB_LIFELINE"  # the numbers of the two inherited file descriptors, "5:8"
GRACE = 22.5  # seconds that a stop may take; a call that is on its way may last for 20


@dataclass
class Ends:
    """The worker's ends, and the numbers of the pool's."""

    down: int
    up: int
    theirs: tuple[int, int]

    @property
    def name(self) -> str:
        return ":".join(map(str, self.theirs))

    def signs(self) -> bool:
        """Whether the pool gave a sign since the last look."""
        with contextlib.suppress(BlockingIOError):
            return bool(os.read(self.up, 65536))
        return False

    def let_go(self) -> None:
        """Ask the pool to stop; its signs can still be read."""
        if self.down >= 0:
            os.close(self.down)
            self.down = -1

    def close(self) -> None:
        self.let_go()
        if self.up >= 0:
            os.close(self.up)
            self.up = -1


def tie() -> Ends:
    below, down = os.pipe()
    up, above = os.pipe()
    for end in (up, above):
        os.set_blocking(end, False)
    return Ends(down, up, (below, above))


# --- in the pool -----------------------------------------------------------------------------------------------------


def mine() -> tuple[int, int] | None:
    ends = os.environ.get(NAME)
    if ends is None:
        return None
    below, above = map(int, ends.split(":"))
    return below, above


def stopping(*, within: float = 0.0) -> bool:
    """Whether whoever started this process wants it to stop, or is gone. Costs a system call; waits where asked to."""
    ends = mine()
    return ends is not None and bool(select.select([ends[0]], [], [], within)[0])


def wait() -> None:
    """Until the other end closes."""
    if ends := mine():
        os.read(ends[0], 1)


def sign() -> None:
    """This process works; a pipe that is full, or that nobody reads any more, has told enough."""
    if ends := mine():
        with contextlib.suppress(OSError):
            os.write(ends[1], b".")
