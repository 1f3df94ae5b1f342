"""Staff pages of kill switches: list them, activate one, end one."""

from typing import Any, cast

from django import forms
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from connectors.registry import CONNECTORS
from hub import staff
from hub.audit import ActorContext
from hub.connections.actions.declared_actions import PAUSE_LENGTHS, compute_pause_end
from hub.connections.actions.kill_switches import (
    SWITCH_ACTIONS,
    build_switch_key,
    switch_off,
)
from hub.connections.models import KillSwitch
from hub.db.clock import clock
from tenants.models import User
from tenants.scoping import ALL_TENANTS, ScopedAdminMixin, accessible_tenants, changeable_rows

# by scope, the field that names it
SUBJECTS = {"tenant": "tenant", "connector": "connector_key", "route": "route"}


class SwitchForm(forms.ModelForm):
    user: User | None = None  # the person who activates the switch; set by the page

    connector_key = forms.ChoiceField(
        label="System",
        required=False,
        choices=[("", "–"), *((key, code.label) for key, code in CONNECTORS.items())],
    )
    length = forms.ChoiceField(
        label="Duration", choices=list(PAUSE_LENGTHS.items()), required=False
    )

    class Meta:
        model = KillSwitch
        fields = ("scope", *SUBJECTS.values(), "reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            return
        self.fields[
            "reason"
        ].help_text = "Shown to customers on the pages of the affected connections."
        for name in ("connector_key", "length"):
            staff.apply_admin_style(self.fields[name])
        if accessible_tenants(self.user) is not ALL_TENANTS:
            allowed_scopes = [
                choice for choice in KillSwitch.Level.choices if choice[0] in ("tenant", "route")
            ]
            scopes = cast(forms.ChoiceField, self.fields["scope"])
            scopes.choices = [("", "–"), *allowed_scopes]
        self.fields["tenant"].required = False  # that depends on the scope

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        scope, route = data.get("scope"), data.get("route")
        subject = SUBJECTS.get(scope or "")
        if subject and not data.get(subject) and subject not in self.errors:
            self.add_error(subject, "Select one.")
        data |= {
            name: "" if name == "connector_key" else None
            for name in SUBJECTS.values()
            if name != subject
        }
        if scope == "route" and route:
            data["tenant"] = route.tenant
            if not changeable_rows(type(route), self.user).filter(pk=route.pk).exists():
                self.add_error("route", "This is a platform route. It applies to all tenants.")
        return data

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]  # of Django, not in its stubs
        if (
            not self.errors
            and KillSwitch.unscoped.filter(key=build_switch_key(self.instance)).exists()
        ):
            self.add_error(None, "It is switched off already.")


@admin.register(KillSwitch)
class SwitchAdmin(ScopedAdminMixin, staff.ModelAdmin):
    list_title = "Off switches"
    empty_text = (
        "Nothing is switched off. A switch stops the platform, a system, a tenant or a route "
        "at once, until you end it."
    )
    empty_step = staff.EmptyStep(
        "Switch something off", "admin:connections_killswitch_add", "connections.add_killswitch"
    )
    form = SwitchForm
    list_display = ("subject", "tenant_link", "reason", "activated_by", "off_since", "off_until")
    list_select_related = ("tenant", "route", "activated_by")
    ordering = ("-activated_at",)
    autocomplete_fields = ("tenant", "route")
    declared_actions = SWITCH_ACTIONS

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related(*self.list_select_related)

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        return type(form.__name__, (form,), {"user": request.user})

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return self.list_display if obj else ("scope", *SUBJECTS.values(), "reason", "length")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return self.list_display if obj else ()

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # a switch is ended, not changed

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_switch_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:
        switch, now = cast(KillSwitch, obj), clock()
        switch.expires_at = compute_pause_end(form.cleaned_data, now)
        switch_off(switch, ActorContext.of_request(request), now=now)

    @staff.display(description="target")
    def subject(self, switch: KillSwitch) -> str:
        return staff.render_badge("disabled", switch.subject)

    @staff.display(description="tenant")
    def tenant_link(self, switch: KillSwitch) -> str:
        return staff.render_page_link(switch.tenant) if switch.tenant else "all tenants"

    @staff.display(description="since")
    def off_since(self, switch: KillSwitch) -> str:
        return staff.render_full_time(switch.activated_at)

    @staff.display(description="until")
    def off_until(self, switch: KillSwitch) -> str:
        return (
            staff.render_full_time(switch.expires_at)
            if switch.expires_at
            else "until it is switched on again"
        )
