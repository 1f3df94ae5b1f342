"""Django app that registers the two tasks of `bench/programs/long_work.py`."""

from django.apps import AppConfig


class LongWork(AppConfig):
    name = "bench.programs"

    def ready(self) -> None:
        from bench.programs.long_work import compute, wait  # it imports models
        from hub.queue.work_classes import LONG, WAKE_UP_TASKS, WakeUpTask

        WAKE_UP_TASKS.update(compute=WakeUpTask(compute, LONG), wait=WakeUpTask(wait, LONG))
