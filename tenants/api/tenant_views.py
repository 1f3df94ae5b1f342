"""REST API of tenants, which our own application creates and changes, and of the key in use."""

from datetime import datetime
from typing import Any, ClassVar

from django.conf import settings
from django.db import transaction
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from hub.audit import ActorContext
from hub.db.clock import clock
from hub.limits.spending import key_usage, tenant_usage
from hub.problems import Problem
from hub.rest.openapi import describe_operation, request_example
from tenants.access.api_authentication import api_key_of, resolve_tenant
from tenants.api_scopes import SCOPES
from tenants.models import REFERENCE, Tenant, is_reference
from tenants.serializers import MeSerializer, TenantSerializer, WantedTenantSerializer
from tenants.services import tenant_actions

TENANT_INPUT = {"name": "Acme", "time_zone": "Europe/Berlin"}


class TenantView(APIView):
    required_scopes: ClassVar[dict[str, str | None]] = {
        "GET": "tenants:read",
        "PUT": "tenants:write",
    }

    @describe_operation(
        "tenants_retrieve",
        "Read a tenant",
        {200: TenantSerializer},
        problems=["tenant-not-found"],
    )
    def get(self, request: Request, reference: str) -> Response:
        """Return name and time zone of the tenant, and whether it is suspended."""
        return Response(TenantSerializer(resolve_tenant(request, reference)).data)

    @describe_operation(
        "tenants_update",
        "Create or change a tenant",
        {200: TenantSerializer, 201: TenantSerializer},
        problems=["tenant-not-found"],
        request=WantedTenantSerializer,
        requests=[request_example("Acme", TENANT_INPUT)],
    )
    def put(self, request: Request, reference: str) -> Response:
        """Create the tenant, or change it; repeating the request changes nothing."""
        serializer = WantedTenantSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        if not is_reference(reference):
            raise Problem("validation-failed", f"The reference is wrong: {REFERENCE.message}")
        tenant, created = put_tenant(reference, serializer.validated_data, request)
        return Response(TenantSerializer(tenant).data, status=201 if created else 200)


@transaction.atomic
def put_tenant(reference: str, data: dict[str, Any], request: Request) -> tuple[Tenant, bool]:
    """Return the tenant with the values of the request, and whether it was created."""
    actor, now = ActorContext.of_request(request), clock()
    fields: dict[str, Any] = {name: data[name] for name in ("name", "time_zone") if name in data}
    tenant, created = tenant_actions.create_or_change_tenant(reference, fields, actor, now=now)
    if "suspension" in data:
        tenant = _set_suspension(tenant, data["suspension"], actor, now=now)
    return tenant, created


def _set_suspension(
    tenant: Tenant, suspension: dict[str, str] | None, actor: ActorContext, *, now: datetime
) -> Tenant:
    if suspension:
        return tenant_actions.suspend_tenant(tenant, actor, reason=suspension["reason"], now=now)
    return tenant_actions.restore_tenant(tenant, actor, now=now)


class MeView(APIView):
    required_scopes: ClassVar[dict[str, str | None]] = {"GET": None}

    @describe_operation(
        "me_retrieve",
        "Read the permissions of the key",
        {200: MeSerializer},
    )
    def get(self, request: Request) -> Response:
        """Return the name, tenant, scopes and limits of this key."""
        key, now = api_key_of(request), clock()
        me = {
            "key": key,
            "environment": settings.HUB_ENVIRONMENT,
            "scopes": [scope for scope in SCOPES if key.has_scope(scope)],
            "tenant": key.tenant,
            "limits": {
                "event_bytes": settings.HUB_EVENT_BYTES,
                "batch_events": settings.HUB_BATCH_EVENTS,
                "request_bytes": settings.DATA_UPLOAD_MAX_MEMORY_SIZE,
                "tenant": tenant_usage(key.tenant, now=now) if key.tenant else [],
                "key": key_usage(key, now=now),
            },
        }
        return Response(MeSerializer(me).data)
