"""People who sign in."""

from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.utils import timezone
from django.utils.functional import cached_property

from hub.audit import Actor
from tenants.scoping import ALL_TENANTS, NO_TENANTS, TenantIds


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
    is_staff = models.BooleanField("staff", default=False, help_text="Can sign in to the admin.")
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
        """Return the tenants whose rows this person may see: all, or those of their memberships."""
        if not self.is_active:
            return NO_TENANTS
        return ALL_TENANTS if self.is_superuser else self.tenant_ids

    @cached_property
    def tenant_ids(self) -> list[int]:
        """Return the ids of the person's tenants, read once.

        With a list the database uses the tenant's index, with a subquery it may not.
        """
        return list(self.memberships.values_list("tenant", flat=True))
