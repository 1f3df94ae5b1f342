"""Off switches: what is off and why; switched off here, and on again. A switch is found by what it is for."""

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
from hub import audit
from hub.clock import clock
from hub.connections.models import KillSwitch
from hub.connections.switch import AlreadyOff, switch_off, switch_on
from hub.outgoing.api import described as says
from hub.outgoing.models import Route
from hub.outgoing.serializers import NamedSerializer
from hub.problems import Problem, StrictSerializer
from hub.rest.fields import TextField
from tenants.authentication import resolve_tenant
from tenants.scoping import EVERYWHERE, changeable, changeable_by, reach, readable

READ, WRITE = "switches:read", "switches:write"
WAYS = {"tenant": "tenant__reference", "connector": "connector_key", "route": "route__public_id"}
NAME = re.compile(r"[A-Za-z0-9._:-]+")


class UntilField(serializers.DateTimeField):
    default_error_messages = {
        "naive": "Must state its offset, such as 2026-11-25T12:00:00Z or 2026-11-25T13:00:00+01:00.",
        "over": "Must lie in the future.",
    }

    def enforce_timezone(self, value: datetime) -> datetime:
        if value.utcoffset() is None:
            self.fail("naive")
        if value <= self.context["now"]:
            self.fail("over")
        return value.astimezone(UTC)


class OffSerializer(StrictSerializer):
    """What is switched off, and why."""

    scope = serializers.ChoiceField(KillSwitch.Level.choices)
    tenant = TextField(max_length=100, required=False, help_text="Its reference. A tenant's key may leave it out.")
    connector = serializers.ChoiceField([(key, key) for key in CONNECTORS], required=False)
    route = serializers.UUIDField(required=False)
    reason = serializers.CharField(max_length=300, help_text="Why; whoever asks what holds a delivery reads it.")
    expires_at = UntilField(required=False, help_text="Left out: until somebody switches it on.")

    def validate(self, said: dict[str, Any]) -> dict[str, Any]:
        if strange := [name for name in WAYS if name in said and name != said["scope"]]:
            raise serializers.ValidationError(dict.fromkeys(strange, "Is not for this scope."))
        if said["scope"] in ("connector", "route") and said["scope"] not in said:
            raise serializers.ValidationError({said["scope"]: "Say which."})
        return said


class SwitchSerializer(serializers.Serializer):
    """Nothing goes for what this names; what is accepted meanwhile is held."""

    id = serializers.SerializerMethodField(help_text="platform, tenant:acme, connector:slack, or route: and its id.")
    url = serializers.SerializerMethodField()
    scope = serializers.ChoiceField(KillSwitch.Level.choices)
    tenant = serializers.CharField(source="tenant.reference", default=None, allow_null=True)
    connector = serializers.CharField(source="connector_key", help_text="Empty: it is not about one system.")
    route = NamedSerializer(allow_null=True)
    reason = serializers.CharField()
    activated_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True, help_text="null: until somebody switches it on.")

    def get_id(self, switch: KillSwitch) -> str:
        return name_of(switch)

    @extend_schema_field(serializers.URLField())
    def get_url(self, switch: KillSwitch) -> str:
        return address(switch)


def name_of(switch: KillSwitch) -> str:
    subject = switch
    for step in WAYS.get(switch.scope, "").split("__"):
        subject = getattr(subject, step) if step else ""
    return f"{switch.scope}:{subject}" if subject else switch.scope


def address(switch: KillSwitch) -> str:
    return settings.HUB_PUBLIC_URL + reverse("switch", args=[name_of(switch)])


def switches(request: Request) -> QuerySet[KillSwitch]:
    allowed = readable if request.method == "GET" else changeable
    return KillSwitch.unscoped.select_related("tenant", "route").filter(allowed(KillSwitch, reach(request.user)))


def find(request: Request, name: str) -> KillSwitch:
    scope, _, subject = name.partition(":")
    about = {WAYS[scope]: subject} if scope in WAYS else {}
    switch = None
    with suppress(ValidationError):  # no route's id
        switch = NAME.fullmatch(name) and switches(request).filter(scope=scope, **about).first()
    if switch is None or name_of(switch) != name:
        raise Http404
    return switch


def subject_of(request: Request, said: Mapping[str, Any]) -> dict[str, Any]:
    """What is meant, where this key may switch it: a tenant's key its own tenant and routes."""
    scope = said["scope"]
    if scope == "tenant":
        return {"tenant": resolve_tenant(request, said.get("tenant"))}
    if scope == "route":
        route = changeable_by(Route, request.user).filter(public_id=said["route"]).first()
        if route is None:
            raise serializers.ValidationError({"route": "There is no such route that this key may switch off."})
        return {"route": route, "tenant": route.tenant}
    if reach(request.user) is not EVERYWHERE:
        raise Problem("permission-denied", "Only a platform key switches off what is everybody's.")
    return {"connector_key": said["connector"]} if scope == "connector" else {}


def tell(request: Request, verb: str, switch: KillSwitch, *, now: datetime, **said: Any) -> None:
    audit.record(
        actor=request.user.actor,
        verb=verb,
        obj=switch,
        tenant=switch.tenant,
        request_id=request.request_id,
        ip=request.META.get("REMOTE_ADDR", ""),
        now=now,
        **said,
    )


class SwitchesView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ, "POST": WRITE}

    @says.described(
        "switches_list",
        "List what is switched off",
        {200: says.all_of(SwitchSerializer, "Switches")},
        examples={"all": {"items": [says.SWITCH]}},
    )
    def get(self, request: Request) -> Response:
        """All that is off at present, the newest first."""
        return Response({"items": SwitchSerializer(switches(request).order_by("-pk"), many=True).data})

    @says.described(
        "switches_off",
        "Switch off",
        {201: SwitchSerializer},
        problems=[*says.READING, "tenant-required", "permission-denied", "wrong-state"],
        request=OffSerializer,
        requests=[says.asking("a tenant, until it is switched on", says.SWITCHING)],
        examples={"off": says.SWITCH},
    )
    def post(self, request: Request) -> Response:
        """Switch off: nothing goes from now on. What is accepted meanwhile is held, and goes when it is on again."""
        now = clock()
        asked = OffSerializer(data=request.data, context={"now": now})
        asked.is_valid(raise_exception=True)
        said = asked.validated_data
        switch = KillSwitch(
            scope=said["scope"], reason=said["reason"], expires_at=said.get("expires_at"), **subject_of(request, said)
        )
        try:
            with transaction.atomic():
                switch_off(switch, by=None, now=now)
                after = {"off": switch.what, "until": switch.expires_at}
                tell(request, "switch.off", switch, reason=switch.reason, after=after, now=now)
        except AlreadyOff as already:
            raise Problem("wrong-state", "It is off already: switch it on first.") from already
        return Response(SwitchSerializer(switch).data, status=201, headers={"Location": address(switch)})


class SwitchView(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": READ, "DELETE": WRITE}

    @says.described(
        "switches_read",
        "Read a switch",
        {200: SwitchSerializer},
        problems=["not-found"],
        examples={"read": says.SWITCH},
    )
    def get(self, request: Request, name: str) -> Response:
        """Why it is off, since when and until when; not found: it is on."""
        return Response(SwitchSerializer(find(request, name)).data)

    @says.described("switches_on", "Switch on again", {204: None}, problems=["not-found"])
    def delete(self, request: Request, name: str) -> Response:
        """Switch on again: what was held goes out now."""
        now = clock()
        with transaction.atomic():
            switch = find(request, name)
            switch_on(switch, now=now)
            tell(request, "switch.on", switch, before={"off": switch.what}, now=now)
        return Response(status=204)
