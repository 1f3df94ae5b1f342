"""Authentication of API requests: from an API key to its tenant and scopes."""

import re
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from secrets import compare_digest
from typing import Any, TypeVar
from uuid import UUID

from django.conf import settings
from django.db.models import Model, QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from structlog.contextvars import bind_contextvars

from hub.audit import Actor
from hub.db import model_reader
from hub.db.clock import clock
from hub.db.group_commit import GroupCommit
from hub.problems import Problem
from tenants import api_key_format
from tenants.models import ApiKey, Tenant, is_reference
from tenants.scoping import ALL_TENANTS, TenantIds, changeable_rows, is_among

AnyRow = TypeVar("AnyRow", bound=Model)

BEARER_PATTERN = re.compile(r"bearer +(\S+)", re.I)
PLATFORM_ONLY = "Only a platform key can create what applies to all tenants."


FIND_KEYS_SQL = f"""
SELECT {model_reader.select_columns(ApiKey, "k")}, {model_reader.select_columns(Tenant, "t")}
FROM tenants_apikey k LEFT JOIN tenants_tenant t ON t.id = k.tenant_id WHERE k.prefix IN ({{marks}})
"""
MAX_KEYS_PER_LOOKUP = 100  # requests whose keys are looked up in one statement


@dataclass(frozen=True)
class ApiKeyUser:
    """The API key of a request, used as `request.user` of the API."""

    key: ApiKey

    is_authenticated = True
    is_active = True

    def __str__(self) -> str:
        return str(self.key)

    @property
    def pk(self) -> str:
        return f"key:{self.key.prefix}"

    @property
    def tenant(self) -> Tenant | None:
        """Return the tenant of the key; None for a platform key, which works for every tenant."""
        return self.key.tenant

    @property
    def actor(self) -> Actor:
        return Actor.of_key(self.key)

    def accessible_tenants(self) -> TenantIds:
        return ALL_TENANTS if self.key.tenant_id is None else [self.key.tenant_id]


def api_key_of(request: Request) -> ApiKey:
    """Return the API key that authenticated the request; every view of the API requires one."""
    assert isinstance(request.auth, ApiKey)
    return request.auth


class ApiKeyAuthentication(BaseAuthentication):
    """Authenticate `Authorization: Bearer hub_…`. A request without this header is anonymous."""

    def authenticate(self, request: Request) -> tuple[ApiKeyUser, ApiKey] | None:
        header = request.META.get("HTTP_AUTHORIZATION", "")
        if not header:
            return None
        key = self.authenticate_key(header)
        bind_contextvars(api_key=key.prefix, tenant=key.tenant.reference if key.tenant else None)
        return ApiKeyUser(key), key

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="hub"'

    def authenticate_key(self, header: str) -> ApiKey:
        bearer = BEARER_PATTERN.fullmatch(header)
        parsed_key = bearer and api_key_format.parse_api_key(bearer[1])
        if not parsed_key:
            raise Problem("malformed-key")
        if parsed_key.environment != settings.HUB_ENVIRONMENT:
            raise Problem("wrong-environment")
        key = key_lookup(parsed_key.public_id)
        if key is None or not compare_digest(key.digest, parsed_key.digest):
            raise Problem("unknown-key")
        return self.require_valid_key(key)

    def require_valid_key(self, key: ApiKey) -> ApiKey:
        now = clock()
        if key.revoked_at is not None:
            raise Problem("revoked-key")
        if key.expires_at is not None and key.expires_at <= now:
            raise Problem("expired-key")
        key.record_use(now=now)
        return key


def find_keys(prefixes: Sequence[str]) -> list[ApiKey | None]:
    """Return the key of each prefix with its tenant, None for an unknown prefix.

    Each request gets its own objects, which it may change.
    """
    statement = FIND_KEYS_SQL.format(marks=", ".join(["%s"] * len(prefixes)))
    keys_by_prefix = {
        key.prefix: (key, tenant)
        for key, tenant in model_reader.read_models(statement, prefixes, ApiKey, Tenant)
    }
    found_keys = []
    for prefix in prefixes:
        key, tenant = map(copy, keys_by_prefix.get(prefix, (None, None)))
        if key is not None:
            key.tenant = tenant
        found_keys.append(key)
    return found_keys


# at each request, so that a key that was revoked is refused at once
key_lookup = GroupCommit(find_keys, max_batch=MAX_KEYS_PER_LOOKUP)


class HasScope(BasePermission):
    """Permission by scope: a view declares `required_scopes = {"POST": "events:write"}`.

    A method without an entry is not allowed; None allows any key.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        scopes = getattr(view, "required_scopes", None)
        if scopes is None:
            return False
        view.headers["Allow"] = ", ".join([*scopes, *(["HEAD"] if "GET" in scopes else [])])
        if not isinstance(request.user, ApiKeyUser):
            return False
        method = "GET" if request.method == "HEAD" else request.method
        if method not in scopes:
            raise Problem("method-not-allowed")
        scope = scopes[method]
        if scope is not None and not request.user.key.has_scope(scope):
            raise Problem("scope-missing", f"The key requires the scope {scope}.")
        return True


def resolve_tenant(request: Request, reference: Any) -> Tenant:
    """Return the tenant that the request concerns.

    A platform key must specify one; a tenant's key may specify its own or none. Raises Problem with
    the code tenant-required or tenant-not-found.
    """
    principal: Any = request.user
    own_tenant: Tenant | None = principal.tenant
    if reference in (None, ""):
        if own_tenant is None:
            raise Problem("tenant-required")
        return own_tenant
    if own_tenant is not None and reference == own_tenant.reference:
        return own_tenant
    if own_tenant is not None or not isinstance(reference, str) or not is_reference(reference):
        raise Problem("tenant-not-found")
    tenant = Tenant.objects.filter(reference=reference).first()
    if tenant is None:
        raise Problem("tenant-not-found")
    return tenant


def filter_by_tenant(
    request: Request, rows: QuerySet[AnyRow], query: Mapping[str, Any], column: str = "tenant"
) -> QuerySet[AnyRow]:
    """Filter rows by the tenant in the query; without one, return the rows of all tenants.

    Raises Problem like `resolve_tenant`.
    """
    if "tenant" not in query:
        return rows
    return rows.filter(**{column: resolve_tenant(request, query["tenant"])})


def resolve_owner(request: Request, data: Mapping[str, Any]) -> Tenant | None:
    """Return the tenant in the body; None if it is null, which only a platform key may send."""
    if "tenant" in data and data["tenant"] is None:
        if api_key_of(request).tenant is not None:
            raise Problem("permission-denied", PLATFORM_ONLY)
        return None
    return resolve_tenant(request, data.get("tenant"))


def find_changeable_row(
    request: Request, rows: QuerySet[AnyRow], id: UUID, *, shared: str
) -> AnyRow:
    """Return the row with this public id among those that the key may see.

    Raises Http404, and Problem with the text `shared` if the row applies to all tenants and the key
    belongs to one.
    """
    row = get_object_or_404(rows, public_id=id)
    if not is_among(changeable_rows, request.user, row):
        raise Problem("permission-denied", shared)
    return row


def in_tenant(
    select: Callable[[Request], QuerySet[AnyRow]], column: str = "tenant"
) -> Callable[[Request, Mapping[str, Any]], QuerySet[AnyRow]]:
    """Return `select`, restricted to the tenant in a query."""

    def select_in_tenant(request: Request, query: Mapping[str, Any]) -> QuerySet[AnyRow]:
        return filter_by_tenant(request, select(request), query, column)

    return select_in_tenant


class ApiKeyScheme(OpenApiAuthenticationExtension):
    """Describe API keys in the OpenAPI document."""

    target_class = ApiKeyAuthentication
    name = "ApiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": api_key_format.API_KEY_PATTERN.pattern,
        }
