"""The actor of one call of a service function: who acts, from where, and on which tenants."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, Self, TypedDict, cast

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import models
from django.http import HttpRequest
from rest_framework.request import Request

from hub.audit.actor import SYSTEM, Actor, UserRow
from hub.audit.models import AuditRow
from hub.audit.writer import TenantRow, record


class Visitor(Protocol):
    """A person on a tenant's pages: `tenants.access.TenantUser`, or a guest without an account."""

    @property
    def actor(self) -> Actor: ...

    @property
    def user(self) -> AbstractBaseUser | None: ...

    @property
    def tenant(self) -> Any: ...


class Principal(Protocol):
    """What authenticated a request of the admin or of REST: a user or an API key.

    `accessible_tenants()` returns the ids of tenants, or None for all of them.
    """

    @property
    def actor(self) -> Actor: ...

    def accessible_tenants(self) -> Collection[Any] | models.QuerySet | None: ...


class _Origin(TypedDict, total=False):
    request_id: str
    ip: str


@dataclass(frozen=True)
class ActorContext:
    """Who acts, and from where. `user` is None for a program or a guest.

    `unrestricted` actors may access the rows of every tenant.
    """

    actor: Actor
    request_id: str = field(default="", kw_only=True)
    ip: str = field(default="", kw_only=True)
    # the project's user model, which is in a package above
    user: Any = field(default=None, kw_only=True)
    is_unrestricted: bool = field(default=False, kw_only=True)
    # the tenant whose limits this actor spends; None: staff, a platform key, the hub itself
    limited_tenant: Any = field(default=None, kw_only=True)

    @classmethod
    def of_visitor(cls, request: HttpRequest, visitor: Visitor) -> Self:
        """Return the context of a person on a tenant's pages; it never reaches another tenant."""
        return cls(
            visitor.actor,
            user=visitor.user,
            limited_tenant=visitor.tenant,
            **_request_origin(request),
        )

    @classmethod
    def of_request(cls, request: HttpRequest | Request) -> Self:
        """Return the context of the authenticated staff user (admin) or API key (REST)."""
        principal = cast("Principal", request.user)
        return cls(
            principal.actor,
            user=principal if isinstance(principal, AbstractBaseUser) else None,
            is_unrestricted=principal.accessible_tenants() is None,
            limited_tenant=getattr(principal, "tenant", None),  # of an API key
            **_request_origin(request),
        )

    @classmethod
    def of_user(cls, user: UserRow, request: HttpRequest | None = None) -> Self:
        """Return the context of a user acting for themselves, such as before a session."""
        return cls(Actor.of_user(user), user=user, **_request_origin(request))

    @classmethod
    def system(cls) -> Self:
        """Return the context of the hub itself: tasks and callbacks without a person."""
        return cls(SYSTEM, is_unrestricted=True)

    def audit(
        self,
        verb: str,
        obj: models.Model,
        *,
        now: datetime,
        tenant: TenantRow | None = None,
        reason: str = "",
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
    ) -> AuditRow:
        """Append an audit row in the transaction of the change. Only service functions call this.

        The row belongs to `tenant`; by default to the owner of `obj` by its model's `TENANT` path,
        or to the platform.
        """
        return record(
            actor=self.actor,
            verb=verb,
            obj=obj,
            tenant=tenant or find_owning_tenant(obj),
            reason=reason,
            before=before,
            after=after,
            request_id=self.request_id,
            ip=self.ip,
            now=now,
        )


def audit_values(row: models.Model, columns: Iterable[str]) -> dict[str, Any]:
    """Return columns of a row as the audit log names their values: a tenant by its reference, any
    other row by its public id.
    """
    values = {column: getattr(row, column) for column in columns}
    return {column: _name_value(value) for column, value in values.items()}


def _name_value(value: Any) -> Any:
    if isinstance(value, models.Model):
        return getattr(value, "reference" if hasattr(value, "reference") else "public_id")
    return value


def find_owning_tenant(obj: models.Model) -> TenantRow | None:
    """Follow the `TENANT` path of the object's model; None when the row is the platform's."""
    path = getattr(obj, "TENANT", "")
    owner: Any = obj if path else None
    for step in filter(None, path.removeprefix("pk").split("__")):
        owner = getattr(owner, step, None)
    tenant: TenantRow | None = owner
    return tenant


def _request_origin(request: HttpRequest | Request | None) -> "_Origin":
    if request is None:
        return {}
    return {
        "request_id": getattr(request, "request_id", ""),
        "ip": request.META.get("REMOTE_ADDR", ""),
    }
