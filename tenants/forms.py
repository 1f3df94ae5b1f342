"""Forms of staff for users, API keys and limits, and the field by which forms name a tenant."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest

from hub import staff
from tenants.api_scopes import SCOPES
from tenants.models import ApiKey, Tenant, User
from tenants.scoping import ALL_TENANTS, accessible_tenants, visible_rows
from tenants.services import membership_actions

SUGGESTED_TENANTS_LIMIT = 500  # tenants in the browser's list; others can be typed
KEY_LIFETIMES = {"30": "30 days", "90": "90 days", "365": "one year", "": "never"}


def list_suggested_tenants(user: User | AnonymousUser) -> list[tuple[str, str]]:
    return list(
        visible_rows(Tenant, user)
        .order_by("name")
        .values_list("reference", "name")[:SUGGESTED_TENANTS_LIMIT]
    )


class TenantField(forms.CharField):
    """A tenant, entered by its reference, as a select of thousands of tenants would be unusable."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            widget=forms.TextInput(attrs={"list": "tenants", "autocomplete": "off"}), **kwargs
        )
        self.user: User | AnonymousUser | None = None

    def clean(self, value: Any) -> Tenant | None:
        reference: str = super().clean(value)
        if not reference:
            return None
        tenant: Tenant | None = visible_rows(Tenant, self.user).filter(reference=reference).first()
        if tenant is None:
            raise forms.ValidationError("No tenant has this reference.")
        return tenant

    def for_user(self, user: User | AnonymousUser, help_text: str) -> None:
        """Require the tenant, unless the user may create rows of the platform."""
        self.user = user
        if accessible_tenants(user) is ALL_TENANTS:
            self.help_text = help_text
        else:
            self.required = True


class IssueKeyForm(staff.ActionForm):
    """Form that issues an API key; `key` is its row after that."""

    key: ApiKey

    name = forms.CharField(
        max_length=100, help_text="The program that uses the key, such as shop or nightly export."
    )
    tenant = forms.ModelChoiceField(Tenant.objects.none(), required=False)
    scopes = forms.MultipleChoiceField(
        label="Scopes",
        widget=forms.CheckboxSelectMultiple,
        choices=[
            (
                name,
                f"{scope.meaning} ({name})" + (" – platform only" if scope.platform_only else ""),
            )
            for name, scope in SCOPES.items()
        ],
    )
    lifetime = forms.ChoiceField(
        label="Expires after", choices=list(KEY_LIFETIMES.items()), required=False, initial="365"
    )

    def __init__(self, *args: Any, request: HttpRequest, site: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        is_platform_staff = accessible_tenants(request.user) is ALL_TENANTS
        self.fields["tenant"] = staff.build_related_field(
            ApiKey._meta.get_field("tenant"),
            site,
            visible_rows(Tenant, request.user),
            required=not is_platform_staff,
            help_text="Leave empty for a platform key, which works for all tenants."
            if is_platform_staff
            else "",
        )

    def key_fields(self, *, now: datetime) -> dict[str, Any]:
        data = self.cleaned_data
        days = data["lifetime"]
        expires_at = now + timedelta(days=int(days)) if days else None
        return {
            "name": data["name"],
            "tenant": data["tenant"],
            "scopes": data["scopes"],
            "expires_at": expires_at,
        }


class SupportVisitForm(staff.ActionForm):
    """Why a member of staff opens a tenant's pages."""

    reason = forms.CharField(max_length=300, help_text="The customer sees it.")
    ticket = forms.CharField(
        max_length=100, required=False, help_text="The support ticket, if there is one."
    )


class UserForm(staff.UserChangeForm):
    class Meta(staff.UserChangeForm.Meta):
        model = User
        fields = ("email", "name", "is_active", "is_staff", "is_superuser", "user_permissions")

    def clean_is_active(self) -> bool:
        """Reject deactivating the only owner of a tenant, as an inactive user cannot sign in."""
        is_active: bool = self.cleaned_data["is_active"]
        if not is_active and self.instance.is_active:
            try:
                membership_actions.lock_tenants_and_require_other_owner(self.instance)
            except membership_actions.MembershipRejected as refused:
                raise forms.ValidationError(str(refused)) from refused
        return is_active


class NewUserForm(staff.UserCreationForm):
    class Meta:
        model = User
        fields = ("email", "name", "is_staff")


class PasswordForm(staff.AdminPasswordChangeForm):
    pass
