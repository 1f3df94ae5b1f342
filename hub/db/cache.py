"""Cache backend in the database, shared by all web processes, with JSON values.

Django's own database cache stores pickles, which execute code when they are read.
"""

import hashlib
import json
from datetime import datetime, timedelta
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache
from django.db import IntegrityError, models, transaction

from hub.db.clock import clock

MAX_LIFETIME = timedelta(days=365)  # permanent data has tables of its own
# expired rows that each add() deletes
EXPIRED_KEPT_FOR, CLEARED_PER_CALL = timedelta(hours=1), 20


class Cached(models.Model):
    """A cache entry; its key is the SHA-256 of a cache key that may contain any user input."""

    key = models.CharField(max_length=64, primary_key=True)
    value = models.JSONField()
    ends_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.key


class SharedCache(BaseCache):
    """Django cache backend over `Cached`.

    Reads the database's clock itself, as Django's cache API passes no time.
    """

    def __init__(self, location: str, params: dict[str, Any]) -> None:
        super().__init__(params)

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        entry = Cached.objects.filter(
            key=self.hashed_key(key, version), ends_at__gt=clock()
        ).first()
        return default if entry is None else entry.value

    def add(
        self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None
    ) -> bool:
        """Store the value if the key has none; of concurrent calls exactly one returns True.

        A value that another call has just stored counts, even if it is deleted meanwhile.
        """
        now, hashed_key = clock(), self.hashed_key(key, version)
        delete_some_expired(now=now)
        columns = {"value": value, "ends_at": self.expiry_time(timeout, now)}
        if Cached.objects.filter(key=hashed_key, ends_at__lte=now).update(**columns):
            return True
        try:
            with transaction.atomic():
                Cached.objects.create(key=hashed_key, **columns)
        except IntegrityError:
            return False
        return True

    def set(
        self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None
    ) -> None:
        """Store the value, unless JSON cannot represent it, such as the admin's querysets."""
        try:
            json.dumps(value)
        except TypeError:
            return
        entry = Cached(
            key=self.hashed_key(key, version),
            value=value,
            ends_at=self.expiry_time(timeout, clock()),
        )
        columns = ["value", "ends_at"]
        Cached.objects.bulk_create(
            [entry], update_conflicts=True, unique_fields=["key"], update_fields=columns
        )

    def touch(self, key: str, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        now = clock()
        entries = Cached.objects.filter(key=self.hashed_key(key, version), ends_at__gt=now)
        return bool(entries.update(ends_at=self.expiry_time(timeout, now)))

    def delete(self, key: str, version: int | None = None) -> bool:
        return bool(Cached.objects.filter(key=self.hashed_key(key, version)).delete()[0])

    def clear(self) -> None:
        Cached.objects.all().delete()

    def hashed_key(self, key: str, version: int | None) -> str:
        return hashlib.sha256(self.make_key(key, version).encode()).hexdigest()

    def expiry_time(self, timeout: Any, now: datetime) -> datetime:
        seconds = self.default_timeout if timeout is DEFAULT_TIMEOUT else timeout
        return now + (MAX_LIFETIME if seconds is None else timedelta(seconds=seconds))


def delete_some_expired(*, now: datetime) -> None:
    expired_keys = Cached.objects.filter(ends_at__lte=now - EXPIRED_KEPT_FOR).values_list(
        "pk", flat=True
    )
    if keys := list(expired_keys[:CLEARED_PER_CALL]):
        Cached.objects.filter(pk__in=keys).delete()
