"""Declared maintenance: when nothing is sent to a system or to one connection, why, and who said so."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from connectors.registry import CONNECTORS
from hub import staff
from hub.clock import clock
from hub.connections import maintenance
from hub.connections.models import MaintenanceWindow
from hub.queue import ring
from hub.throttle.admin import ConnectorFilter
from tenants.scoping import ScopedAdminMixin

LENGTH_MOST = timedelta(days=30)


def systems() -> list[tuple[str, str]]:
    return [("", "–"), *((key, connector.label) for key, connector in CONNECTORS.items())]


class WindowForm(forms.ModelForm):
    connector_key = forms.ChoiceField(
        label="System", choices=lambda: [(key, code.label) for key, code in CONNECTORS.items()]
    )

    class Meta:
        model = MaintenanceWindow
        fields = ("connector_key", "connection", "starts_at", "ends_at", "reason")
        help_texts = {"starts_at": "In UTC.", "ends_at": "In UTC; what waited goes out then."}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "connector_key" in self.fields:
            staff.styled(self.fields["connector_key"])

    def clean(self) -> dict[str, Any]:
        said = super().clean() or self.cleaned_data
        connection, begin, end = said.get("connection"), said.get("starts_at"), said.get("ends_at")
        if connection and connection.connector_key != said.get("connector_key"):
            self.add_error("connection", "This connection is of another system.")
        if begin and end and not begin < end <= begin + LENGTH_MOST:
            self.add_error("ends_at", f"After the start, at most {LENGTH_MOST.days} days; for longer, pause it.")
        return said


@admin.register(MaintenanceWindow)
class MaintenanceWindowAdmin(ScopedAdminMixin, staff.ModelAdmin):
    form = WindowForm
    list_display = ("meant", "condition", "begins", "ends", "reason", "declared_by")
    list_filter = (ConnectorFilter,)
    list_select_related = ("connection", "declared_by")
    autocomplete_fields = ("connection",)
    ordering = ("-ends_at",)
    fields = ("connector_key", "connection", "starts_at", "ends_at", "reason")
    verbs = ("end_now",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # it is ended instead, and stays told

    def save_model(self, request: HttpRequest, obj: MaintenanceWindow, form: Any, change: bool) -> None:
        if not change:
            obj.declared_by = request.user
        super().save_model(request, obj, form, change)
        self.take_effect(now=clock())

    def take_effect(self, *, now: datetime) -> None:
        maintenance.keep(now=now)
        ring("pump", now=now)

    @staff.display(description="maintenance of")
    def meant(self, window: MaintenanceWindow) -> str:
        known = CONNECTORS.get(window.connector_key)
        return str(window.connection or (known.label if known else window.connector_key))

    @staff.display(description="state")
    def condition(self, window: MaintenanceWindow) -> str:
        if window.ends_at <= clock():
            return staff.badge("skipped", "over")
        return staff.badge("held", "on") if window.starts_at <= clock() else staff.badge("waiting", "planned")

    @staff.display(description="begins", ordering="starts_at")
    def begins(self, window: MaintenanceWindow) -> str:
        return staff.moment(window.starts_at)

    @staff.display(description="ends", ordering="ends_at")
    def ends(self, window: MaintenanceWindow) -> str:
        return staff.moment(window.ends_at)

    @staff.verb(
        "End it now",
        icon="play_arrow",
        when=lambda window: window.starts_at < clock() < window.ends_at,
        form=staff.ReasonForm,
        asks="What waited goes out at once.",
    )
    def end_now(
        self, request: HttpRequest, window: MaintenanceWindow, said: dict[str, Any], *, now: datetime
    ) -> staff.Done:
        before = {"ends_at": window.ends_at}
        MaintenanceWindow.unscoped.filter(pk=window.pk).update(ends_at=now)
        self.take_effect(now=now)
        return staff.Done("The maintenance is over: what waited goes out now.", before=before, after={"ends_at": now})
