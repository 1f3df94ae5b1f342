"""REST: our own application keeps the tenants here, and a key learns what it is."""

from datetime import datetime
from typing import Any, ClassVar

from django.conf import settings
from django.db import transaction
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from hub import audit
from hub.clock import clock
from hub.limits.spending import usage_of, usage_of_key
from hub.problems import Problem
from hub.rest.describe import ANY_ID, MOMENT, asking, described
from tenants.authentication import resolve_tenant
from tenants.models import REFERENCE, Tenant
from tenants.scopes import SCOPES
from tenants.serializers import MeSerializer, TenantSerializer, WantedTenantSerializer

WANTED = {"name": "Acme", "time_zone": "Europe/Berlin"}
TENANT = {"id": ANY_ID, "reference": "acme", **WANTED, "suspended": None, "created_at": MOMENT}
ME = {
    "key": {"id": "4Zt9aQxK", "name": "Shop", "created_at": MOMENT, "expires_at": None, "last_used_at": MOMENT},
    "environment": "live",
    "scopes": ["events:read", "events:write"],
    "tenant": {"reference": "acme", **WANTED},
    "limits": {
        "event_bytes": 262144,
        "batch_events": 1000,
        "request_bytes": 8388608,
        "tenant": [{"name": "connections", "quota": 200, "seconds": None, "used": None}],
        "key": [{"name": "requests", "quota": 1500, "seconds": 60, "used": 25}],
    },
}


class TenantView(APIView):
    required_scopes: ClassVar[dict[str, str | None]] = {"GET": "tenants:read", "PUT": "tenants:write"}

    @described(
        "tenants_retrieve",
        "Read a tenant",
        {200: TenantSerializer},
        problems=["tenant-not-found"],
        examples={"read": TENANT},
    )
    def get(self, request: Request, reference: str) -> Response:
        """Its name and time zone, and whether it is suspended."""
        return Response(TenantSerializer(resolve_tenant(request, reference)).data)

    @described(
        "tenants_update",
        "Create or change a tenant",
        {200: TenantSerializer, 201: TenantSerializer},
        problems=["tenant-not-found"],
        request=WantedTenantSerializer,
        examples={"changed": TENANT},
        requests=[asking("Acme", WANTED)],
    )
    def put(self, request: Request, reference: str) -> Response:
        """Creates the tenant, or changes it; the same again changes nothing."""
        wanted = WantedTenantSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        if not REFERENCE.regex.match(reference):
            raise Problem("validation-failed", f"The reference is wrong: {REFERENCE.message}")
        tenant, created = put_tenant(reference, wanted.validated_data, request)
        return Response(TenantSerializer(tenant).data, status=201 if created else 200)


@transaction.atomic
def put_tenant(reference: str, wanted: dict[str, Any], request: Request) -> tuple[Tenant, bool]:
    now = clock()
    plain = {name: wanted[name] for name in ("name", "time_zone") if name in wanted}
    tenant, created = Tenant.objects.select_for_update(no_key=True).get_or_create(reference=reference, defaults=plain)
    before = None if created else TenantSerializer(tenant).data
    change(tenant, plain)
    if "suspension" in wanted:
        switch(tenant, wanted["suspension"], now=now)
    after = TenantSerializer(tenant).data
    if after != before:
        audit.record(
            actor=request.user.actor,
            verb="tenant.create" if created else "tenant.change",
            obj=tenant,
            tenant=tenant,
            before=before,
            after=after,
            request_id=request.request_id,
            ip=request.META.get("REMOTE_ADDR", ""),
            now=now,
        )
    return tenant, created


def change(tenant: Tenant, plain: dict[str, str]) -> None:
    for name, value in plain.items():
        setattr(tenant, name, value)
    tenant.save(update_fields=plain)


def switch(tenant: Tenant, suspension: dict[str, str] | None, *, now: datetime) -> None:
    if suspension:
        tenant.suspend(suspension["reason"], now=now)
    elif tenant.suspended:
        tenant.restore(now=now)


class MeView(APIView):
    required_scopes: ClassVar[dict[str, str | None]] = {"GET": None}

    @described("me_retrieve", "Read what the key may do", {200: MeSerializer}, examples={"a tenant's key": ME})
    def get(self, request: Request) -> Response:
        """What this key is, what it may do, and how much at once."""
        key, now = request.auth, clock()
        me = {
            "key": key,
            "environment": settings.HUB_ENVIRONMENT,
            "scopes": [scope for scope in SCOPES if key.may(scope)],
            "tenant": key.tenant,
            "limits": {
                "event_bytes": settings.HUB_EVENT_BYTES,
                "batch_events": settings.HUB_BATCH_EVENTS,
                "request_bytes": settings.DATA_UPLOAD_MAX_MEMORY_SIZE,
                "tenant": usage_of(key.tenant, now=now) if key.tenant else [],
                "key": usage_of_key(key, now=now),
            },
        }
        return Response(MeSerializer(me).data)
