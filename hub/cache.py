"""A cache that every web process shares: rows of JSON. Django's own of this kind keeps pickles, which run when read."""

import hashlib
import json
from datetime import datetime, timedelta
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache
from django.db import models

from hub.clock import clock

LONGEST = timedelta(days=365)  # what is to stay for ever has a table of its own
LINGERS, CLEARED_AT_ONCE = timedelta(hours=1), 20  # rows that have ended, cleared by those that come


class Cached(models.Model):
    """Named by the SHA-256 of its key: keys hold what people typed, of any length."""

    key = models.CharField(max_length=64, primary_key=True)
    value = models.JSONField()
    ends_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.key


class SharedCache(BaseCache):
    """A door to it hands no clock down, so it reads the database's, as doors do."""

    def __init__(self, location: str, params: dict[str, Any]) -> None:
        super().__init__(params)

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        row = Cached.objects.filter(key=self.name(key, version), ends_at__gt=clock()).first()
        return default if row is None else row.value

    def add(self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        """True for one of all that come at once."""
        now, name = clock(), self.name(key, version)
        clear_some(now=now)
        Cached.objects.filter(key=name, ends_at__lte=now).delete()
        kept = {"value": value, "ends_at": self.end(timeout, now)}
        return Cached.objects.get_or_create(key=name, defaults=kept)[1]

    def set(self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> None:
        """What JSON cannot say, such as the admin's found rows, is not kept: a cache may have forgotten anything."""
        try:
            json.dumps(value)
        except TypeError:
            return
        row = Cached(key=self.name(key, version), value=value, ends_at=self.end(timeout, clock()))
        columns = ["value", "ends_at"]
        Cached.objects.bulk_create([row], update_conflicts=True, unique_fields=["key"], update_fields=columns)

    def touch(self, key: str, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        now = clock()
        rows = Cached.objects.filter(key=self.name(key, version), ends_at__gt=now)
        return bool(rows.update(ends_at=self.end(timeout, now)))

    def delete(self, key: str, version: int | None = None) -> bool:
        return bool(Cached.objects.filter(key=self.name(key, version)).delete()[0])

    def clear(self) -> None:
        Cached.objects.all().delete()

    def name(self, key: str, version: int | None) -> str:
        return hashlib.sha256(self.make_key(key, version).encode()).hexdigest()

    def end(self, timeout: Any, now: datetime) -> datetime:
        seconds = self.default_timeout if timeout is DEFAULT_TIMEOUT else timeout
        return now + (LONGEST if seconds is None else timedelta(seconds=seconds))


def clear_some(*, now: datetime) -> None:
    ended = Cached.objects.filter(ends_at__lte=now - LINGERS).values_list("pk", flat=True)
    if names := list(ended[:CLEARED_AT_ONCE]):
        Cached.objects.filter(pk__in=names).delete()
