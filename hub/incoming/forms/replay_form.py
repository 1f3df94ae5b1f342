"""Form of staff that plans the replay of items: which items, and the reason."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError

from connectors.registry import CONNECTORS
from hub.incoming.models import InboundItem
from hub.mappings.forms import TenantField
from hub.outgoing.models import EVENT_TYPE
from hub.outgoing.operations.filters import serialize_filter
from hub.staff import ActionForm
from tenants.models import User
from tenants.scoping import ALL_TENANTS, accessible_tenants

ANY_CHOICE = [("", "any")]
SELECTED_LIMIT = 1000  # items that are selected one by one


class ItemIdsField(forms.CharField):
    """The public ids of selected items, separated by spaces."""

    widget = forms.HiddenInput

    def clean(self, value: Any) -> list[str]:
        try:
            ids = [str(UUID(id)) for id in super().clean(value).split()]
        except ValueError:
            raise ValidationError("This is not a list of items.") from None
        if len(ids) > SELECTED_LIMIT:
            raise ValidationError(f"At most {SELECTED_LIMIT:,} items can be selected individually.")
        return ids


class ReplayPlanForm(ActionForm):
    items = ItemIdsField(required=False)
    state = forms.ChoiceField(choices=[*ANY_CHOICE, *InboundItem.State.choices], required=False)
    connector = forms.ChoiceField(
        choices=[*ANY_CHOICE, *((entry.key, entry.label) for entry in CONNECTORS.values())],
        required=False,
    )
    type = forms.CharField(
        max_length=120, required=False, label="Event type", validators=[EVENT_TYPE]
    )
    since = forms.DateTimeField(
        required=False, label="Received since", help_text="UTC, such as 2026-11-25 12:00."
    )
    tenant = TenantField(
        required=False, help_text="The tenant's reference. Leave empty for all tenants."
    )
    audit_reason = forms.CharField(
        max_length=300, label="Reason for this replay", help_text="Kept in the audit log."
    )

    FILTER_FIELDS = ("state", "connector", "type", "since", "items")

    def __init__(self, *args: Any, user: User | AnonymousUser, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        tenant = self.fields["tenant"]
        assert isinstance(tenant, TenantField)
        tenant.user = user
        if self.selected_count:  # selected items are not filtered further
            for name in self.FILTER_FIELDS[:-1]:
                del self.fields[name]

    @property
    def selected_count(self) -> int:
        """Number of items that were selected one by one."""
        ids = self.data.get("items") if self.is_bound else self.initial.get("items")
        return len(str(ids or "").split())

    @property
    def filter(self) -> dict[str, Any]:
        """The filter in the form in which an operation stores it."""
        return serialize_filter({name: self.cleaned_data.get(name) for name in self.FILTER_FIELDS})

    def clean(self) -> dict[str, Any]:
        super().clean()
        if "items" in self.errors:  # a hidden field shows no errors of its own
            raise ValidationError(self.errors["items"].as_data())
        if self.errors:
            return self.cleaned_data
        if not self.filter:
            raise ValidationError("Set a filter. Without one, all items would be replayed.")
        is_limited = accessible_tenants(self.user) is not ALL_TENANTS
        if is_limited and not self.cleaned_data.get("tenant"):
            raise ValidationError({"tenant": "Enter the tenant. A replay covers one tenant."})
        return self.cleaned_data
