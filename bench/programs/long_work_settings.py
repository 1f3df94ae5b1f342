"""The hub's settings with two more tasks of class *long*, by which a bench occupies its slots."""

from hub.settings import *  # noqa: F403
from hub.settings import HUB_WAKE_UP_TASKS as PRODUCT_TASKS
from hub.settings import HUB_WORK_CLASSES as PRODUCT_CLASSES

HUB_WAKE_UP_TASKS = PRODUCT_TASKS | {
    "compute": "bench.programs.long_work.compute",
    "wait": "bench.programs.long_work.wait",
}
HUB_WORK_CLASSES = PRODUCT_CLASSES | {"compute": "long", "wait": "long"}
