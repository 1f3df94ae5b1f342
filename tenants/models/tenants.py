"""Tenants, with their references and time zones."""

import re
import zoneinfo
from datetime import datetime
from functools import cache
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.utils import timezone

from hub.db.ids import uuid7
from hub.queue import wake_up

REFERENCE_PATTERN = re.compile(r"\A[A-Za-z0-9][A-Za-z0-9._:-]{0,99}\Z")
REFERENCE = RegexValidator(REFERENCE_PATTERN.pattern, "Letters, digits and . _ : - (at most 100).")


def is_reference(value: str) -> bool:
    """Return whether the text is a valid reference of a tenant.

    Queries are not made for other texts: PostgreSQL raises an error for a NUL.
    """
    return REFERENCE_PATTERN.match(value) is not None


@cache
def available_time_zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())  # reads a directory of some 500 files


def validate_time_zone(value: str) -> None:
    if value not in available_time_zones():
        raise ValidationError(
            "%(value)s is not a time zone such as Europe/Berlin.", params={"value": value}
        )


class Tenant(models.Model):
    """One customer organisation. Its reference is its id in our own application."""

    TENANT = "pk"

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    reference = models.CharField(max_length=100, unique=True, validators=[REFERENCE])
    name = models.CharField(max_length=200)
    time_zone = models.CharField(max_length=64, default="UTC", validators=[validate_time_zone])
    suspended_at = models.DateTimeField(null=True, blank=True, editable=False)
    suspended_reason = models.CharField(max_length=300, blank=True, editable=False)
    # that staff set: by name, a quota
    limits = models.JSONField(default=dict, db_default={}, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    @property
    def suspended(self) -> bool:
        return self.suspended_at is not None

    @property
    def suspension(self) -> dict[str, Any] | None:
        return (
            {"reason": self.suspended_reason, "since": self.suspended_at}
            if self.suspended
            else None
        )

    def suspend(self, reason: str, *, now: datetime) -> None:
        """Suspend the tenant: nothing is sent for it, and accepted events are held.

        Suspending it again changes the reason only.
        """
        self._set_suspension(self.suspended_at or now, reason, now=now)

    def restore(self, *, now: datetime) -> None:
        self._set_suspension(None, "", now=now)

    def _set_suspension(self, suspended_at: datetime | None, reason: str, *, now: datetime) -> None:
        self.suspended_at, self.suspended_reason = suspended_at, reason
        self.save(update_fields=["suspended_at", "suspended_reason"])
        wake_up("drain", now=now)
