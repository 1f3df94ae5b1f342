"""Worker registry: a row for each `manage.py work`, replaced pool, and failing sweep step."""

import os
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from uuid import UUID

from django.db import models

from hub.metrics import counters
from hub.processes.local_processes import (
    current_pid_namespace,
    is_group_running,
    is_process_running,
)

WORKER_LOST_AFTER = timedelta(seconds=12)  # without a sign of life
MAX_POOL_SILENCE = timedelta(seconds=20)  # a pool writes every 2 s, and is replaced after 15 s
WORKERS_KEPT_FOR = timedelta(days=1)
REPLACEMENTS_KEPT_FOR = timedelta(days=30)
FAILURE_OUTDATED_AFTER = timedelta(minutes=5)  # for a step that is not run any more
FAILURE_REMEMBERED_FOR = timedelta(seconds=30)  # although the step succeeds in other processes
WORKER_ENV = "HUB_WORKER"  # the id of the worker, in the environment of its pool
NO_WORKER = UUID(int=0)


def current_worker_id() -> UUID:
    """Return the id of the worker that started this process; NO_WORKER if none did."""
    return UUID(os.environ[WORKER_ENV]) if WORKER_ENV in os.environ else NO_WORKER


class Worker(models.Model):
    """A running `manage.py work` and its pool; the row is deleted at a normal stop."""

    id = models.UUIDField(primary_key=True)
    host = models.CharField(max_length=120)
    pid = models.PositiveIntegerField()
    # Which processes see each other by their ids; empty: not known
    pid_namespace = models.CharField(max_length=80, default="", db_default="")
    # pid of its first process, and its process group; None while it is started
    pool = models.PositiveIntegerField(null=True)
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    pumps = models.PositiveSmallIntegerField(default=1, db_default=1)  # limit of its pool
    pool_since = models.DateTimeField(null=True)
    heard_at = models.DateTimeField(null=True)  # last sign of life of its pool

    def __str__(self) -> str:
        return f"worker {self.pid} on {self.host}"

    def is_alive(self, *, now: datetime) -> bool:
        return now - self.seen_at <= WORKER_LOST_AFTER

    def has_surely_ended(self) -> bool:
        """Return whether the worker and all processes of its pool have ended, as seen here.

        False for those of other machines and containers, which it cannot see.
        """
        return (
            bool(self.pid_namespace)
            and self.pid_namespace == current_pid_namespace()
            and self.pool is not None
            and not is_process_running(self.pid)
            and not is_group_running(self.pool)
        )

    def is_pool_responsive(self, *, now: datetime) -> bool:
        """Return whether the worker's pool sent a heartbeat within MAX_POOL_SILENCE."""
        return self.heard_at is not None and now - self.heard_at <= MAX_POOL_SILENCE


class Replacement(models.Model):
    """A pool that was replaced, because it was hung or had ended."""

    at = models.DateTimeField(db_index=True)
    host = models.CharField(max_length=120)
    pool = models.PositiveIntegerField()
    why = models.CharField(max_length=20)  # hung, ended
    code = models.SmallIntegerField(null=True)

    def __str__(self) -> str:
        return f"pool {self.pool} on {self.host}: {self.why}"


class SweepFailure(models.Model):
    """A failing step of the sweep; deleted when it succeeds and has not failed for 30 s."""

    step = models.CharField(max_length=60, primary_key=True)
    error = models.CharField(max_length=80)  # type of the exception; its text may hold a secret
    since = models.DateTimeField()
    last_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.step}: {self.error}"


def record_sweep_failures(
    failed: Mapping[str, str], succeeded: Collection[str], *, now: datetime
) -> None:
    """Store which steps of a sweep fail, with the type of the exception; one query if none does."""
    last_failures = dict(SweepFailure.objects.values_list("step", "last_at"))
    outdated_after = {
        step: FAILURE_REMEMBERED_FOR if step in succeeded else FAILURE_OUTDATED_AFTER
        for step in last_failures
    }
    finished_steps = {
        step for step, last_at in last_failures.items() if now - last_at > outdated_after[step]
    }
    if finished_steps:
        SweepFailure.objects.filter(step__in=finished_steps.difference(failed)).delete()
    for step, error in failed.items():
        changes = {"error": error[:80], "last_at": now}
        SweepFailure.objects.update_or_create(
            step=step, defaults=changes, create_defaults=changes | {"since": now}
        )
    counters.add_counts({("sweep_failures", step): 1 for step in failed})


def delete_stale_records(*, now: datetime) -> None:
    """Delete workers not seen for WORKERS_KEPT_FOR, and old replacements."""
    Worker.objects.filter(seen_at__lt=now - WORKERS_KEPT_FOR).delete()
    Replacement.objects.filter(at__lt=now - REPLACEMENTS_KEPT_FOR).delete()
