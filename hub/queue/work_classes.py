"""The classes of background work: each has its own slots and queue, so none delays another.

*delivery* runs pumps, *inbox* the loop that processes received webhooks, *quick* short tasks,
*long* everything else.
"""

from collections.abc import Mapping

from django.conf import settings

DELIVERY, QUICK, INBOX, LONG = "delivery", "quick", "inbox", "long"
WORK_CLASSES = (DELIVERY, QUICK, INBOX, LONG)


def find_work_class(name: str) -> str:
    """Return the class of a wake-up, such as "refresh:17". Raises LookupError."""
    work_class: str = settings.HUB_WORK_CLASSES[name.partition(":")[0]]
    return work_class


def count_slots() -> Mapping[str, int]:
    """Return how many tasks of each class a pool runs at the same time."""
    slots: Mapping[str, int] = settings.HUB_SLOTS
    return slots
