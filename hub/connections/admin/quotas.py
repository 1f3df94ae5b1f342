"""Quotas as gauges: what is spent, what is allowed, when the next call may go, and who spends it."""

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string

from connectors.registry import CONNECTORS
from hub import staff
from hub.clock import clock
from hub.connections.gauges import gauge_of, with_calls_in_flight
from hub.connections.models import Connection, QuotaQueue
from hub.queue import ring
from hub.throttle.admin import ConnectorFilter
from hub.throttle.models import QuotaState
from hub.throttle.pace import ABSURD, usable
from hub.throttle.stated import quota_of
from tenants.scoping import ScopedAdminMixin

SPENDERS_SHOWN = 20


def spenders(scope: QuotaState) -> QuerySet[Connection]:
    """The connections whose calls spend it, those that were served last first."""
    rows = Connection.unscoped.select_related("tenant", "lane").order_by("-lane__virtual_time", "pk")
    if scope.connector_key:
        rows = rows.filter(connector_key=scope.connector_key)
    if scope.whose.startswith("#"):
        return rows.filter(pk=scope.whose[1:]) if scope.whose[1:].isdigit() else rows.none()
    return rows.filter(account=scope.whose) if scope.whose else rows


class QuotaForm(forms.ModelForm):
    class Meta:
        model = QuotaState
        fields = ("limit",)

    def clean_limit(self) -> int | None:
        limit, quota = self.cleaned_data["limit"], quota_of(self.instance)
        if limit is None:
            return None
        if quota is None:
            raise ValidationError("Nothing is stated for this, so there is nothing that a limit would change.")
        if not usable(limit, quota):
            raise ValidationError(f"From 1 to {quota.limit * ABSURD:,}; to stop all calls, pause the connection.")
        return int(limit)


@admin.register(QuotaState)
class ScopeAdmin(ScopedAdminMixin, staff.ModelAdmin):
    form = QuotaForm
    list_display = ("system", "what", "whose", "bar", "allows", "next_free", "limit")
    list_filter = (ConnectorFilter,)
    search_fields = ("^key",)
    search_help_text = "The beginning of the key, such as slack|method|T123."
    ordering = ("connector_key", "kind", "key")
    fields = ("limit",)
    verbs = ("forget_pause",)
    audited_as = "scope"
    change_form_outer_before_template = "console/quota.html"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # the pump makes them

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[QuotaState]:
        return with_calls_in_flight(super().get_queryset(request), now=clock())

    def around(self, request: HttpRequest, scope: QuotaState) -> dict[str, Any]:
        return {
            "scope": scope,
            "gauge": gauge_of(scope, now=clock()),
            "system": self.system(scope),
            "what": self.what(scope),
            "whose": self.whose(scope),
            "spenders": spenders(scope)[:SPENDERS_SHOWN],
        }

    @staff.display(description="system", ordering="connector_key")
    def system(self, scope: QuotaState) -> str:
        known = CONNECTORS.get(scope.connector_key)
        return known.label if known else scope.connector_key or "the hub itself"

    @staff.display(description="quota of")
    def what(self, scope: QuotaState) -> str:
        return f"{scope.kind} {scope.name}".strip()

    @staff.display(description="whose")
    def whose(self, scope: QuotaState) -> str:
        return scope.whose or "everybody's"

    @staff.display(description="spent")
    def bar(self, scope: QuotaState) -> str:
        return render_to_string("console/gauge.html", {"gauge": gauge_of(scope, now=clock())})

    @staff.display(description="allowed")
    def allows(self, scope: QuotaState) -> str:
        return gauge_of(scope, now=clock()).label

    @staff.display(description="next call")
    def next_free(self, scope: QuotaState) -> str:
        return render_to_string("console/next_call.html", {"gauge": gauge_of(scope, now=clock())})

    @staff.verb(
        "Forget the pause",
        icon="play_arrow",
        when=lambda scope: scope.paused_until is not None,
        form=staff.ReasonForm,
        asks="The other system asked us to wait. Only forget that when it says that it was a mistake.",
    )
    def forget_pause(
        self, request: HttpRequest, scope: QuotaState, said: dict[str, Any], *, now: datetime
    ) -> staff.Done:
        before = {"paused_until": scope.paused_until}
        QuotaState.objects.filter(pk=scope.pk).update(paused_at=None, paused_until=None, probing=False)
        QuotaQueue.reopen([scope.key], now=now)
        ring("pump", now=now)
        return staff.Done("The pause is forgotten; the next call goes at once.", before=before)
