"""Forms of owners for members and invitations."""

from django import forms
from django.utils.translation import gettext_lazy as _

from tenants.models import Membership

ROLES = [
    (Membership.Role.MEMBER, _("member: reads")),
    (Membership.Role.ADMIN, _("admin: connects systems and sends again")),
    (Membership.Role.OWNER, _("owner: also says who belongs here")),
]


class RoleForm(forms.Form):
    role = forms.ChoiceField(label=_("May"), choices=ROLES)


class InviteForm(RoleForm):
    email = forms.EmailField(
        label=_("E-mail address"), widget=forms.EmailInput({"autocomplete": "off"})
    )

    field_order = ("email", "role")
