"""The hub's settings with two more tasks of class *long*, by which a bench occupies its slots."""

from hub.settings import *  # noqa: F403
from hub.settings import INSTALLED_APPS as PRODUCT_APPS

INSTALLED_APPS = [*PRODUCT_APPS, "bench.programs.long_work_app.LongWork"]
