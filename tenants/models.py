"""Users, tenants, memberships, invitations, portal links and API keys."""

import re
import zoneinfo
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import cache
from typing import Any, ClassVar, Self

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from hub.audit import Actor
from hub.db.ids import uuid7
from hub.queue import wake_up
from hub.reason_codes import MAIL_REASONS
from tenants import api_key_format
from tenants.api_scopes import SCOPES, explain_forbidden_scopes
from tenants.scoping import ALL_TENANTS, NO_TENANTS, Scoped, TenantIds

REFERENCE_PATTERN = re.compile(r"\A[A-Za-z0-9][A-Za-z0-9._:-]{0,99}\Z")
REFERENCE = RegexValidator(REFERENCE_PATTERN.pattern, "Letters, digits and . _ : - (at most 100).")


def is_reference(value: str) -> bool:
    """Return whether the text is a valid reference of a tenant. PostgreSQL raises an error for a
    query with a NUL.
    """
    return REFERENCE_PATTERN.match(value) is not None


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: object) -> "User":
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: object) -> "User":
        user = self.create_user(email, password, is_staff=True, is_superuser=True, **fields)
        user.mark_email_verified()
        return user


class User(AbstractBaseUser, PermissionsMixin):
    """A person, identified by the e-mail address."""

    email = models.EmailField("e-mail", unique=True)
    name = models.CharField(max_length=150, blank=True)
    is_staff = models.BooleanField("staff", default=False, help_text="May sign in to the admin.")
    is_active = models.BooleanField("active", default=True)
    date_joined = models.DateTimeField(default=timezone.now, editable=False)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects = UserManager()

    class Meta:
        verbose_name = "person"
        verbose_name_plural = "people"

    def __str__(self) -> str:
        return self.name or self.email

    def mark_email_verified(self) -> None:
        """Mark the address as verified without a mail, as staff created this account."""
        addresses: models.Manager = self.emailaddress_set  # type: ignore[attr-defined]  # allauth's
        addresses.update_or_create(email=self.email, defaults={"verified": True, "primary": True})

    @property
    def actor(self) -> Actor:
        return Actor.of_user(self)

    def accessible_tenants(self) -> TenantIds:
        """Return the tenants whose rows this person may see: all for a superuser, otherwise those
        of their memberships.
        """
        if not self.is_active:
            return NO_TENANTS
        return ALL_TENANTS if self.is_superuser else self.tenant_ids

    @cached_property
    def tenant_ids(self) -> list[int]:
        """Ids of the person's tenants, read once: with a list the database uses the tenant's index,
        with a subquery it may not.
        """
        return list(self.memberships.values_list("tenant", flat=True))


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
    limits = models.JSONField(
        default=dict, db_default={}, editable=False
    )  # that staff set: by name, a quota
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


class Membership(Scoped):
    """A user's role in a tenant."""

    class Role(models.TextChoices):
        OWNER = "owner", _("Owner")
        ADMIN = "admin", _("Admin")
        MEMBER = "member", _("Member")

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role, default=Role.MEMBER)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(Scoped.Meta):
        constraints = (models.UniqueConstraint(fields=("tenant", "user"), name="one_membership"),)

    def __str__(self) -> str:
        return f"{self.user} at {self.tenant}"


class Invitation(Scoped):
    """An invitation by mail to join a tenant. Only the digest of the link's token is stored."""

    LIFETIME = timedelta(days=7)

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="invitations")
    email = models.EmailField("e-mail")
    role = models.CharField(max_length=10, choices=Membership.Role)
    inviter = models.CharField(max_length=200, help_text="Who asks, as the mail says it.")
    invited_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    digest = models.CharField(
        max_length=64, unique=True, editable=False
    )  # SHA-256 of the token, hex
    created_at = models.DateTimeField()
    asked_at = models.DateTimeField(help_text="When the newest link was made.")
    sent_at = models.DateTimeField(
        null=True, help_text="When a mail server took the newest link; empty: none did yet."
    )
    mail_reason = models.CharField(
        max_length=60, blank=True, default="", db_default=""
    )  # a code of MAIL_REASONS: why the mail was not sent
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    accepted_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    revoked_at = models.DateTimeField(null=True)

    class Meta(Scoped.Meta):
        constraints = (
            models.UniqueConstraint(
                fields=("tenant", "email"),
                condition=Q(accepted_at=None, revoked_at=None),
                name="one_open_invitation",
            ),
        )

    def __str__(self) -> str:
        return f"{self.email} to {self.tenant}"

    def state(self, now: datetime) -> str:
        if self.accepted_at:
            return "accepted"
        if self.revoked_at:
            return "revoked"
        return "expired" if self.expires_at <= now else "pending"

    @property
    def mail_problem(self) -> str:
        """The sentence that explains why the mail was not sent at the last attempt; empty if no
        failure is recorded.
        """
        return MAIL_REASONS[self.mail_reason].sentence if self.mail_reason else ""


class PortalLink(Scoped):
    """A link by which our own application lets one of its users into a tenant's pages; only the
    token's digest is stored.
    """

    LIFETIME = timedelta(minutes=5)
    VISIT_LENGTH = timedelta(hours=1)  # how long a guest may stay
    ROLES = (
        (Membership.Role.ADMIN, "Admin"),
        (Membership.Role.MEMBER, "Member"),
    )  # a link never makes an owner

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="portal_links")
    role = models.CharField(max_length=10, choices=ROLES)
    reference = models.CharField(max_length=100, help_text="Who it is in our own application.")
    name = models.CharField(max_length=150, blank=True)
    return_url = models.CharField(max_length=500, blank=True)
    digest = models.CharField(
        max_length=64, unique=True, editable=False
    )  # SHA-256 of the token, hex
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.reference} to {self.tenant}"

    def state(self, now: datetime) -> str:
        if self.revoked_at:
            return "revoked"
        if self.used_at:
            return "visiting" if self.used_at + self.VISIT_LENGTH > now else "used"
        return "pending" if self.expires_at > now else "expired"

    def is_pending(self, now: datetime) -> bool:
        return self.state(now) == "pending"

    def is_active(self, now: datetime) -> bool:
        """Return whether the link can still be used, or its guest's visit has not ended."""
        return self.state(now) in ("pending", "visiting")


def validate_scopes(value: list[str]) -> None:
    if problem := explain_forbidden_scopes(value, is_platform_key=True):
        raise ValidationError(problem)


class ApiKey(Scoped):
    """API key of a program, for one tenant or for the platform. Only its hash is stored; the text
    is shown once.
    """

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
        """Return whether the key has the scope; a tenant's key never has a scope that is reserved
        for the platform, whatever its row contains.
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
