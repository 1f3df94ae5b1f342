"""What staff fill in about people and keys."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.http import HttpRequest

from hub import staff
from hub.limits.catalogue import LIMITS, default_quota
from tenants import people
from tenants.models import ApiKey, Membership, Tenant, User
from tenants.scopes import SCOPES
from tenants.scoping import EVERYWHERE, reach, visible_to

QUOTA_MOST = 10**12
LIFETIMES = {"30": "30 days", "90": "90 days", "365": "one year", "": "never"}


class IssueForm(staff.Form):
    """`key` is the row once it was issued."""

    key: ApiKey

    name = forms.CharField(max_length=100, help_text="Which program uses it, such as: shop, nightly export.")
    tenant = forms.ModelChoiceField(Tenant.objects.none(), required=False)
    scopes = forms.MultipleChoiceField(
        label="May",
        widget=forms.CheckboxSelectMultiple,
        choices=[
            (name, f"{scope.meaning} ({name})" + (" – platform only" if scope.platform_only else ""))
            for name, scope in SCOPES.items()
        ],
    )
    lifetime = forms.ChoiceField(label="Ends after", choices=list(LIFETIMES.items()), required=False, initial="365")

    def __init__(self, *args: Any, request: HttpRequest, site: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        everywhere = reach(request.user) is EVERYWHERE
        self.fields["tenant"] = staff.related_field(
            ApiKey._meta.get_field("tenant"),
            site,
            visible_to(Tenant, request.user),
            required=not everywhere,
            help_text="Empty: a platform key, for every tenant." if everywhere else "",
        )

    def wanted(self, *, now: datetime) -> dict[str, Any]:
        said = self.cleaned_data
        days = said["lifetime"]
        ends = now + timedelta(days=int(days)) if days else None
        return {"name": said["name"], "tenant": said["tenant"], "scopes": said["scopes"], "expires_at": ends}


class InviteForm(staff.Form):
    email = forms.EmailField(label="E-mail address")
    role = forms.ChoiceField(label="May", choices=Membership.Role.choices, initial=Membership.Role.OWNER)


class LimitsForm(staff.Form):
    """A quota for each limit; empty: the default."""

    def __init__(self, *args: Any, obj: Tenant, **kwargs: Any) -> None:
        super().__init__(*args, obj=obj, initial=obj.limits, **kwargs)
        for name, limit in LIMITS.items():
            default = default_quota(name)
            field = forms.IntegerField(
                label=limit.label,
                min_value=1,
                max_value=QUOTA_MOST,
                required=False,
                help_text=f"The default is {default:,}." if default else "Not limited by default.",
            )
            self.fields[name] = staff.styled(field)


class UserForm(staff.UserChangeForm):
    class Meta(staff.UserChangeForm.Meta):
        model = User
        fields = ("email", "name", "is_active", "is_staff", "is_superuser", "user_permissions")

    def clean_is_active(self) -> bool:
        """Whoever is inactive cannot sign in: a tenant keeps an owner who can."""
        is_active: bool = self.cleaned_data["is_active"]
        if not is_active and self.instance.is_active:
            try:
                people.refuse_only_owner(self.instance)
            except people.Refused as refused:
                raise forms.ValidationError(str(refused)) from refused
        return is_active


class NewUserForm(staff.UserCreationForm):
    class Meta:
        model = User
        fields = ("email", "name", "is_staff")


class PasswordForm(staff.AdminPasswordChangeForm):
    pass
