"""Form of staff that plans an operation: the action, the deliveries, and the reason."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django import forms
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError

from connectors.registry import CONNECTORS
from hub.mappings.forms import TenantField
from hub.outgoing.models import EVENT_TYPE, Delivery
from hub.outgoing.operations.filters import serialize_filter
from hub.outgoing.operations.planning import OPERATION_KINDS, SELECTED_LIMIT
from hub.reason_codes import REASONS
from hub.staff import ActionForm
from tenants.models import Tenant, User
from tenants.scoping import ALL_TENANTS, accessible_tenants, visible_rows

ANY_CHOICE = [("", "any")]


class IdsField(forms.CharField):
    """The public ids of selected deliveries, separated by spaces."""

    widget = forms.HiddenInput

    def clean(self, value: Any) -> list[str]:
        try:
            ids = [str(UUID(id)) for id in super().clean(value).split()]
        except ValueError:
            raise ValidationError("This is not a list of deliveries.") from None
        if len(ids) > SELECTED_LIMIT:
            raise ValidationError(
                f"At most {SELECTED_LIMIT:,} deliveries can be selected individually."
            )
        return ids


class UtcField(forms.DateTimeField):
    def clean(self, value: Any) -> datetime | None:
        moment: datetime | None = super().clean(value)
        return moment.astimezone(UTC) if moment else None


class PlanForm(ActionForm):
    deliveries = IdsField(required=False)
    kind = forms.ChoiceField(choices=list(OPERATION_KINDS.items()), label="Action")
    state = forms.ChoiceField(choices=[*ANY_CHOICE, *Delivery.State.choices], required=False)
    reason = forms.ChoiceField(
        choices=[
            *ANY_CHOICE,
            *((code, code.replace("_", " ")) for code in REASONS if code != "no_route"),
        ],
        required=False,
        label="Reason code",
    )
    connector = forms.ChoiceField(
        choices=[*ANY_CHOICE, *((entry.key, entry.label) for entry in CONNECTORS.values())],
        required=False,
    )
    tenant = TenantField(
        required=False, help_text="The tenant's reference. Leave empty for all tenants."
    )
    event_type = forms.CharField(max_length=120, required=False, validators=[EVENT_TYPE])
    since = UtcField(
        required=False, label="Accepted since", help_text="UTC, such as 2026-11-25 12:00."
    )
    until = UtcField(required=False, label="Accepted before")
    stopped_since = UtcField(
        required=False,
        label="In this state since",
        help_text="In their current state since this time or later.",
    )
    audit_reason = forms.CharField(
        max_length=300, label="Reason for this action", help_text="Kept in the audit log."
    )

    FILTER_FIELDS = (
        "state",
        "reason",
        "connector",
        "event_type",
        "since",
        "until",
        "stopped_since",
        "deliveries",
    )

    def __init__(self, *args: Any, user: User | AnonymousUser, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        tenant = self.fields["tenant"]
        assert isinstance(tenant, TenantField)
        tenant.user = user
        if self.selected_count:  # selected deliveries are not filtered further
            for name in self.FILTER_FIELDS[:-1]:
                del self.fields[name]
            self.fields["tenant"].widget = forms.HiddenInput()

    @property
    def selected_count(self) -> int:
        """Number of deliveries that were selected one by one."""
        ids = self.data.get("deliveries") if self.is_bound else self.initial.get("deliveries")
        return len(str(ids or "").split())

    @property
    def filter(self) -> dict[str, Any]:
        """The filter in the form in which an operation stores it."""
        return serialize_filter({name: self.cleaned_data.get(name) for name in self.FILTER_FIELDS})

    def clean(self) -> dict[str, Any]:
        super().clean()
        data = self.cleaned_data
        if "deliveries" in self.errors:  # a hidden field shows no errors of its own
            raise ValidationError(self.errors["deliveries"].as_data())
        if self.errors:
            return data
        if not self.filter:
            raise ValidationError("Set a filter. Without one, all deliveries would be changed.")
        data["tenant"] = data.get("tenant") or self.find_only_tenant()
        return data

    def find_only_tenant(self) -> Tenant | None:
        """Return the only tenant of the selection or of the user; None (all tenants) for a user who
        reaches all.

        Raises ValidationError when the user is limited to some tenants and more than one is
        possible.
        """
        if accessible_tenants(self.user) is ALL_TENANTS:
            return None
        tenants = visible_rows(Tenant, self.user)
        if ids := self.cleaned_data.get("deliveries"):
            tenants = tenants.filter(
                pk__in=Delivery.unscoped.filter(public_id__in=ids).values("tenant")
            )
        matching: list[Tenant] = list(tenants[:2])
        if len(matching) != 1 and ids:
            raise ValidationError(
                "Your operations can only change deliveries of one tenant. Select "
                "deliveries of one tenant."
            )
        if len(matching) != 1:
            raise ValidationError(
                {
                    "tenant": (
                        "Enter the tenant. Your operations can only change deliveries of one "
                        "tenant."
                    )
                }
            )
        (tenant,) = matching
        return tenant
