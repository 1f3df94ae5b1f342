"""Forms of owners for members and invitations."""

from django import forms
from django.utils.translation import gettext_lazy as _

from tenants.models import Membership

ROLES = [
    (Membership.Role.MEMBER, _("member: reads")),
    (Membership.Role.ADMIN, _("Admin: connects systems and retries deliveries")),
    (Membership.Role.OWNER, _("Owner: also manages members")),
]


class RoleForm(forms.Form):
    role = forms.ChoiceField(label=_("Role"), choices=ROLES)


class InviteForm(RoleForm):
    email = forms.EmailField(
        label=_("E-mail address"), widget=forms.EmailInput({"autocomplete": "off"})
    )

    field_order = ("email", "role")
