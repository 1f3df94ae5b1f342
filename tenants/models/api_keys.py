"""API keys of programs."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Self

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils import timezone

from tenants import api_key_format
from tenants.api_scopes import SCOPES, explain_forbidden_scopes
from tenants.models.tenants import Tenant
from tenants.models.users import User
from tenants.scoping import Scoped


def validate_scopes(value: list[str]) -> None:
    if problem := explain_forbidden_scopes(value, is_platform_key=True):
        raise ValidationError(problem)


class ApiKey(Scoped):
    """API key of a program, for a tenant or the platform. Shown once; only a hash is stored."""

    USE_RECORDED_EVERY = timedelta(minutes=1)

    tenant = models.ForeignKey(
        Tenant, on_delete=models.CASCADE, null=True, blank=True, related_name="api_keys"
    )
    name = models.CharField(max_length=100)
    prefix = models.CharField(
        "public id",
        max_length=8,
        unique=True,
        editable=False,
        help_text="The public part of the key.",
    )
    digest = models.CharField(max_length=64, editable=False)  # SHA-256 of the whole key, hex
    scopes = models.JSONField(
        default=list, validators=[validate_scopes], help_text="Such as events:write."
    )
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, editable=False
    )

    class Meta(Scoped.Meta):
        verbose_name = "API key"

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    def clean(self) -> None:
        if problem := explain_forbidden_scopes(self.scopes, is_platform_key=self.tenant_id is None):
            raise ValidationError({"scopes": problem})

    @classmethod
    def issue(
        cls,
        *,
        name: str,
        scopes: Iterable[str],
        random: api_key_format.RandomBytes,
        tenant: Tenant | None = None,
        **fields: Any,
    ) -> tuple[Self, str]:
        """Return the row and the text of the key, which is not stored."""
        text = api_key_format.generate_api_key(settings.HUB_ENVIRONMENT, random=random)
        parsed_key = api_key_format.parse_api_key(text)
        assert parsed_key, "a generated key has its own format"
        api_key = cls(
            name=name,
            scopes=sorted(scopes),
            tenant=tenant,
            prefix=parsed_key.public_id,
            digest=parsed_key.digest,
            **fields,
        )
        api_key.full_clean()
        api_key.save(force_insert=True)
        return api_key, text

    def has_scope(self, scope: str) -> bool:
        """Return whether the key has the scope.

        A tenant's key never has a scope that is reserved for the platform, even if its row contains
        one.
        """
        reserved = SCOPES[scope].platform_only and self.tenant_id is not None
        return scope in self.scopes and not reserved

    def revoke(self, *, now: datetime) -> None:
        """Revoke the key at once and for good; a second call keeps the first time."""
        type(self).unscoped.filter(pk=self.pk, revoked_at=None).update(revoked_at=now)
        self.refresh_from_db(fields=["revoked_at"])

    def record_use(self, *, now: datetime) -> None:
        """Record the use with at most one UPDATE a minute, however many processes serve the key."""
        long_ago = now - self.USE_RECORDED_EVERY
        if self.last_used_at is None or self.last_used_at <= long_ago:
            stale = Q(last_used_at=None) | Q(last_used_at__lte=long_ago)
            type(self).unscoped.filter(stale, pk=self.pk).update(last_used_at=now)
