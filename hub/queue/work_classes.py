"""The classes of background work: each has its own slots and queue, so none delays another.

*delivery* runs pumps, *inbox* the loop that processes received webhooks, *quick* short tasks,
*long* everything else.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from django.conf import settings

DELIVERY, QUICK, INBOX, LONG = "delivery", "quick", "inbox", "long"
WORK_CLASSES = (DELIVERY, QUICK, INBOX, LONG)


class WakeUpTask(NamedTuple):
    """What a pool does for a wake-up: a function that takes its name, and the class of its work."""

    function: Callable[[str], object]
    work_class: str

    @property
    def path(self) -> str:
        """Return the dotted path of the function, which a queued task carries."""
        return f"{self.function.__module__}.{self.function.__qualname__}"


WAKE_UP_TASKS: dict[str, WakeUpTask] = {}  # by the first part of a wake-up's name


def find_wake_up_task(name: str) -> WakeUpTask:
    """Return the task of a wake-up, such as "refresh:17". Raises LookupError."""
    return WAKE_UP_TASKS[name.partition(":")[0]]


def find_work_class(name: str) -> str:
    """Return the class of a wake-up, such as "refresh:17". Raises LookupError."""
    return find_wake_up_task(name).work_class


def count_slots() -> Mapping[str, int]:
    """Return how many tasks of each class a pool runs at the same time."""
    slots: Mapping[str, int] = settings.HUB_SLOTS
    return slots
