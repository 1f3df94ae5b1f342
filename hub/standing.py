"""Who stands up: a row for each `manage.py work`, and one for each pool that had to be replaced."""

from datetime import datetime, timedelta

from django.db import models

GONE = timedelta(minutes=1)  # a worker that was not seen for so long is gone
FORGET = timedelta(days=1)
REPLACEMENTS_KEPT = timedelta(days=30)


class Worker(models.Model):
    """One running `manage.py work` and its pool; the row goes when it stops in peace."""

    id = models.UUIDField(primary_key=True)
    host = models.CharField(max_length=120)
    pid = models.PositiveIntegerField()
    pool = models.PositiveIntegerField(null=True)  # its process
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    pool_since = models.DateTimeField(null=True)
    heard_at = models.DateTimeField(null=True)  # when its pool last gave a sign of life

    def __str__(self) -> str:
        return f"worker {self.pid} on {self.host}"


class Replacement(models.Model):
    """A pool that was hung, or ended by itself, and was replaced."""

    at = models.DateTimeField(db_index=True)
    host = models.CharField(max_length=120)
    pool = models.PositiveIntegerField()
    why = models.CharField(max_length=20)  # hung, ended
    code = models.SmallIntegerField(null=True)

    def __str__(self) -> str:
        return f"pool {self.pool} on {self.host}: {self.why}"


def forget_the_old(*, now: datetime) -> None:
    Worker.objects.filter(seen_at__lt=now - FORGET).delete()
    Replacement.objects.filter(at__lt=now - REPLACEMENTS_KEPT).delete()
