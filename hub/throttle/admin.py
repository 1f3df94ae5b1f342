"""Quotas as gauges: what is spent, what is allowed, and when the next call may go."""

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.template.loader import render_to_string

from connectors import wire
from connectors.registry import CONNECTORS
from hub import staff
from hub.clock import clock
from hub.queue import ring
from hub.throttle.gauge import Gauge, gauge
from hub.throttle.models import Scope
from hub.throttle.reserve import standing_of
from tenants.scoping import ScopedAdminMixin


def gauge_of(scope: Scope, *, now: datetime) -> Gauge:
    connector = CONNECTORS.get(scope.connector)
    name = scope.key.split("|", 3)[-1]
    quota = connector.quota(wire.Scope(scope.kind, name)) if connector else None
    return gauge(quota, standing_of(scope), now=now)


class ConnectorFilter(staff.Filter):
    title = "system"
    parameter_name = "connector"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(key, connector.label) for key, connector in CONNECTORS.items()]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(connector=self.value()) if self.value() else queryset


@admin.register(Scope)
class ScopeAdmin(ScopedAdminMixin, staff.ModelAdmin):
    list_display = ("system", "what", "whose", "bar", "allows", "next_free", "limit")
    list_filter = (ConnectorFilter,)
    search_fields = ("^key",)
    search_help_text = "The beginning of the key, such as slack|method|T123."
    ordering = ("connector", "kind", "key")
    fields = ("key", "bar", "allows", "next_free", "limit")
    readonly_fields = fields[:-1]
    verbs = ("forget_pause",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # the pump makes them

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @staff.display(description="system", ordering="connector")
    def system(self, scope: Scope) -> str:
        return CONNECTORS[scope.connector].label if scope.connector in CONNECTORS else scope.connector

    @staff.display(description="quota of")
    def what(self, scope: Scope) -> str:
        name = scope.key.split("|", 3)[-1]
        return f"{scope.kind} {name}" if name else scope.kind

    @staff.display(description="whose")
    def whose(self, scope: Scope) -> str:
        return (scope.key.split("|") + ["", ""])[2] or "everybody's"

    @staff.display(description="spent")
    def bar(self, scope: Scope) -> str:
        return render_to_string("console/gauge.html", {"gauge": gauge_of(scope, now=clock())})

    @staff.display(description="allowed")
    def allows(self, scope: Scope) -> str:
        return gauge_of(scope, now=clock()).label

    @staff.display(description="next call")
    def next_free(self, scope: Scope) -> str:
        told = gauge_of(scope, now=clock())
        return (
            staff.badge("paused", f"paused, {told.paused_until:%H:%M:%S} UTC")
            if told.paused_until
            else (staff.moment(told.free_at) if told.free_at else "at once")
        )

    @staff.verb(
        "Forget the pause",
        icon="play_arrow",
        when=lambda scope: scope.paused_until is not None,
        form=staff.ReasonForm,
        asks="The other system asked us to wait. Only forget that when it says that it was a mistake.",
    )
    def forget_pause(self, request: HttpRequest, scope: Scope, said: dict[str, Any], *, now: datetime) -> staff.Done:
        before = {"paused_until": scope.paused_until}
        Scope.objects.filter(pk=scope.pk).update(paused_until=None, probing=False)
        ring("pump", now=now)
        return staff.Done("The pause is forgotten; the next call goes at once.", before=before)
