"""Base of the forms by which staff plan an operation on many rows: which rows, and the reason."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError

from hub.operations.operation_actions import serialize_filter
from hub.staff import ActionForm
from tenants.forms import TenantField
from tenants.models import Tenant, User
from tenants.scoping import ALL_TENANTS, accessible_tenants

ANY_CHOICE = [("", "any")]


class SelectedIdsField(forms.CharField):
    """The public ids of rows that were selected one by one, separated by spaces.

    `rows`: the plural noun for the rows; `limit`: the maximal number.
    """

    widget = forms.HiddenInput

    def __init__(self, rows: str, limit: int) -> None:
        super().__init__(required=False)
        self.rows, self.limit = rows, limit

    def clean(self, value: Any) -> list[str]:
        try:
            ids = [str(UUID(id)) for id in super().clean(value).split()]
        except ValueError:
            raise ValidationError(f"This is not a list of {self.rows}.") from None
        if len(ids) > self.limit:
            raise ValidationError(
                f"At most {self.limit:,} {self.rows} can be selected individually."
            )
        return ids


class SelectionPlanForm(ActionForm):
    """Subclasses add the fields of the filter, of which the last is a SelectedIdsField."""

    tenant = TenantField(
        required=False, help_text="The tenant's reference. Leave empty for all tenants."
    )
    audit_reason = forms.CharField(max_length=300, help_text="Kept in the audit log.")

    filter_fields: tuple[str, ...]
    no_filter_error: str
    no_tenant_error: str
    reason_label = "Reason for this action"

    def __init__(self, *args: Any, user: User | AnonymousUser, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        tenant = self.fields["tenant"]
        assert isinstance(tenant, TenantField)
        tenant.user = user
        self.fields["audit_reason"].label = self.reason_label
        *others, self.ids_field = self.filter_fields
        if self.selected_count:  # selected rows are not filtered further
            for name in others:
                del self.fields[name]
        last = ("tenant", "audit_reason")
        self.order_fields([*(name for name in self.fields if name not in last), *last])

    @property
    def selected_count(self) -> int:
        """Number of rows that were selected one by one."""
        values = self.data if self.is_bound else self.initial
        return len(str(values.get(self.ids_field) or "").split())

    @property
    def filter(self) -> dict[str, Any]:
        """The filter in the form in which an operation stores it."""
        return serialize_filter({name: self.cleaned_data.get(name) for name in self.filter_fields})

    def clean(self) -> dict[str, Any]:
        super().clean()
        data = self.cleaned_data
        if self.ids_field in self.errors:  # a hidden field shows no errors of its own
            raise ValidationError(self.errors[self.ids_field].as_data())
        if self.errors:
            return data
        if not self.filter:
            raise ValidationError(self.no_filter_error)
        data["tenant"] = data.get("tenant") or self.find_only_tenant()
        return data

    def find_only_tenant(self) -> Tenant | None:
        """Return the only tenant that is possible; None (all tenants) for a user who reaches all.

        Raises ValidationError when the user is limited to some tenants and more than one is
        possible.
        """
        if accessible_tenants(self.user) is ALL_TENANTS:
            return None
        raise ValidationError({"tenant": self.no_tenant_error})
