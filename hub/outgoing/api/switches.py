"""Kill switches by REST: list, switch off, switch on; a switch is identified by its subject."""

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404
from django.urls import reverse
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from connectors.registry import CONNECTORS
from hub.audit import ActorContext
from hub.connections.actions.kill_switches import switch_off, switch_on
from hub.connections.models import KillSwitch
from hub.db.clock import clock
from hub.outgoing.models import Route
from hub.outgoing.serializers import NamedSerializer
from hub.problems import Problem, StrictSerializer
from hub.rest import openapi
from hub.rest.fields import MAX_TIMESTAMP, TextField
from hub.rest.validation import validate_data
from hub.rest.views import build_detail
from tenants.access.api_authentication import resolve_tenant
from tenants.scoping import (
    ALL_TENANTS,
    accessible_tenants,
    changeable_condition,
    changeable_rows,
    readable_condition,
)

READ, WRITE = "switches:read", "switches:write"
SUBJECT_LOOKUPS = {
    "tenant": "tenant__reference",
    "connector": "connector_key",
    "route": "route__public_id",
}
SWITCH_NAME = re.compile(r"[A-Za-z0-9._:-]+")


class UntilField(serializers.DateTimeField):
    default_error_messages = {
        "naive": (
            "Must include a UTC offset, such as 2026-11-25T12:00:00Z or 2026-11-25T13:00:00+01:00."
        ),
        "over": "Must be in the future.",
        "too_late": "Must be before the year 2200.",
    }

    def enforce_timezone(self, value: datetime) -> datetime:
        if value.utcoffset() is None:
            self.fail("naive")
        if value <= self.context["now"]:
            self.fail("over")
        if value >= MAX_TIMESTAMP:
            self.fail("too_late")
        return value.astimezone(UTC)


class SwitchOffSerializer(StrictSerializer):
    """The subject to switch off, and the reason."""

    scope = serializers.ChoiceField(KillSwitch.Level.choices)
    tenant = TextField(
        max_length=100,
        required=False,
        help_text="The tenant's reference. Can be omitted with a tenant's key.",
    )
    connector = serializers.ChoiceField([(key, key) for key in CONNECTORS], required=False)
    route = serializers.UUIDField(required=False)
    reason = serializers.CharField(
        max_length=300, help_text="Reason; shown in explanations of held deliveries."
    )
    expires_at = UntilField(required=False, help_text="Omitted: until it is switched on again.")

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        if unexpected := [
            name for name in SUBJECT_LOOKUPS if name in data and name != data["scope"]
        ]:
            raise serializers.ValidationError(
                dict.fromkeys(unexpected, "Not allowed for this scope.")
            )
        if data["scope"] in ("connector", "route") and data["scope"] not in data:
            raise serializers.ValidationError({data["scope"]: "Required for this scope."})
        return data


class SwitchSerializer(serializers.Serializer):
    """An active kill switch: nothing is sent for its subject; accepted events are held."""

    id = serializers.SerializerMethodField(
        help_text="platform, tenant:acme, connector:slack, or route: and its id."
    )
    url = serializers.SerializerMethodField()
    scope = serializers.ChoiceField(KillSwitch.Level.choices)
    tenant = serializers.CharField(source="tenant.reference", default=None, allow_null=True)
    connector = serializers.CharField(
        source="connector_key", help_text="Empty: not limited to one system."
    )
    route = NamedSerializer(allow_null=True)
    reason = serializers.CharField()
    activated_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(
        allow_null=True, help_text="null: until it is switched on again."
    )

    def get_id(self, switch: KillSwitch) -> str:
        return _build_switch_name(switch)

    @extend_schema_field(serializers.URLField())
    def get_url(self, switch: KillSwitch) -> str:
        return _build_switch_url(switch)


def _build_switch_name(switch: KillSwitch) -> str:
    subject: Any = switch
    for attribute in SUBJECT_LOOKUPS.get(switch.scope, "").split("__"):
        subject = getattr(subject, attribute) if attribute else ""
    return f"{switch.scope}:{subject}" if subject else switch.scope


def _build_switch_url(switch: KillSwitch) -> str:
    return f"{settings.HUB_PUBLIC_URL}{reverse('switch', args=[_build_switch_name(switch)])}"


def visible_switches(request: Request) -> QuerySet[KillSwitch]:
    allowed = readable_condition if request.method == "GET" else changeable_condition
    return KillSwitch.unscoped.select_related("tenant", "route").filter(
        allowed(KillSwitch, accessible_tenants(request.user))
    )


def _find_switch(request: Request, name: str) -> KillSwitch:
    scope, _, subject = name.partition(":")
    lookup = {SUBJECT_LOOKUPS[scope]: subject} if scope in SUBJECT_LOOKUPS else {}
    switch = None
    with suppress(ValidationError):  # no route's id
        switch = (
            SWITCH_NAME.fullmatch(name)
            and visible_switches(request).filter(scope=scope, **lookup).first()
        )
    if switch is None or _build_switch_name(switch) != name:
        raise Http404
    return switch


def _resolve_switch_subject(request: Request, data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the subject of the switch; a tenant's key may switch its own tenant and routes."""
    scope = data["scope"]
    if scope == "tenant":
        return {"tenant": resolve_tenant(request, data.get("tenant"))}
    if scope == "route":
        route = changeable_rows(Route, request.user).filter(public_id=data["route"]).first()
        if route is None:
            raise serializers.ValidationError(
                {"route": "There is no such route that this key can switch off."}
            )
        return {"route": route, "tenant": route.tenant}
    if accessible_tenants(request.user) is not ALL_TENANTS:
        raise Problem(
            "permission-denied", "Only a platform key can set switches that affect all tenants."
        )
    return {"connector_key": data["connector"]} if scope == "connector" else {}


class SwitchesView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ, "POST": WRITE}

    @openapi.describe_operation(
        "switches_list",
        "List off switches",
        {200: openapi.list_schema(SwitchSerializer, "Switches")},
    )
    def get(self, request: Request) -> Response:
        """List the active kill switches, newest first."""
        return Response(
            {"items": SwitchSerializer(visible_switches(request).order_by("-pk"), many=True).data}
        )

    @openapi.describe_operation(
        "switches_off",
        "Switch off",
        {201: SwitchSerializer},
        problems=[*openapi.READ_PROBLEMS, "tenant-required", "permission-denied", "wrong-state"],
        request=SwitchOffSerializer,
        requests=[
            openapi.request_example(
                "a tenant, until it is switched on",
                {"scope": "tenant", "tenant": "acme", "reason": "Stocktaking."},
            )
        ],
    )
    def post(self, request: Request) -> Response:
        """Switch off a subject: nothing is sent for it from now on. What is accepted meanwhile is
        held, and sent when the subject is switched on again.
        """
        now = clock()
        data = validate_data(SwitchOffSerializer, request.data, now=now)
        switch = KillSwitch(
            scope=data["scope"],
            reason=data["reason"],
            expires_at=data.get("expires_at"),
            **_resolve_switch_subject(request, data),
        )
        switch_off(switch, ActorContext.of_request(request), now=now)
        return Response(
            SwitchSerializer(switch).data,
            status=201,
            headers={"Location": _build_switch_url(switch)},
        )


class SwitchView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ, "DELETE": WRITE}

    get = build_detail(
        "switches_read",
        "Read a switch",
        "Return why the subject is off, since when and until when; 404 if it is on.",
        SwitchSerializer,
        _find_switch,
    )

    @openapi.describe_operation("switches_on", "Switch on", {204: None}, problems=["not-found"])
    def delete(self, request: Request, name: str) -> Response:
        """Switch the subject on again: its held deliveries are sent now."""
        now = clock()
        with transaction.atomic():
            switch = _find_switch(request, name)
            switch_on(switch, ActorContext.of_request(request), now=now)
        return Response(status=204)
