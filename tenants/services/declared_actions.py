"""What people can do with members and invitations of a tenant."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from hub.actions import Action, ActionForm, declare_actions
from tenants.models import Invitation, Membership, Tenant
from tenants.services.membership_actions import (
    change_member_role,
    invite_member,
    remove_member,
    resend_invitation,
    revoke_invitation,
)

ROLES = [
    (Membership.Role.MEMBER, gettext_lazy("member: reads")),
    (Membership.Role.ADMIN, gettext_lazy("Admin: connects systems and retries deliveries")),
    (Membership.Role.OWNER, gettext_lazy("Owner: also manages members")),
]
IN_TENANT_FORM = "Staff change the members in the form of the tenant's own page."
BY_OWNERS = "Owners do this on the page of members; staff can invite the person again."


class RoleForm(ActionForm):
    """Asks for the role of the member `obj`."""

    role = forms.ChoiceField(label=gettext_lazy("Role"), choices=ROLES)

    def __init__(self, *args: Any, obj: Membership | None = None, **options: Any) -> None:
        super().__init__(*args, obj=obj, **options)
        if obj:
            self.initial["role"] = obj.role


class InviteForm(ActionForm):
    """Asks whom to invite to the tenant `obj`; the first one should be an owner."""

    email = forms.EmailField(
        label=gettext_lazy("E-mail address"), widget=forms.EmailInput({"autocomplete": "off"})
    )
    role = forms.ChoiceField(label=gettext_lazy("Role"), choices=ROLES)

    def __init__(self, *args: Any, obj: Tenant | None = None, **options: Any) -> None:
        super().__init__(*args, obj=obj, **options)
        if obj and not Membership.objects.of(obj).exists():
            self.initial["role"] = Membership.Role.OWNER


def _describe_sent(invitation: Invitation) -> str:
    return _("An invitation is being sent to %(who)s.") % {"who": invitation.email}


INVITE_ACTIONS = declare_actions(
    Action[Tenant](
        name="invite",
        label=gettext_lazy("Invite"),
        question=gettext_lazy(
            "An e-mail with a link that is valid for seven days is sent to this address. Owners "
            "can invite other people."
        ),
        run=invite_member,
        describe_result=_describe_sent,
        form=InviteForm,
        makes_token=True,
        recent_login_at=("portal",),  # a session left open cannot add an owner
        icon="mail",
        withheld={"rest": "Programs POST to `invitations`."},
    ),
)
MEMBER_ACTIONS = declare_actions(
    Action[Membership](
        name="change_role",
        label=gettext_lazy("Change the role"),
        question=gettext_lazy("What this person may do here changes immediately."),
        run=change_member_role,
        describe_result=lambda membership: (
            _("The role of %(who)s has been changed.") % {"who": membership.user}
        ),
        form=RoleForm,
        recent_login_at=("portal",),
        withheld={
            "staff": IN_TENANT_FORM,
            "rest": "Programs change `role` with a PATCH of the member.",
        },
    ),
    Action[Membership](
        name="remove",
        label=gettext_lazy("Remove from this organisation"),
        question=gettext_lazy(
            "This person loses access to this organisation immediately. Their connections stay "
            "connected, and their account is kept."
        ),
        run=remove_member,
        describe_result=lambda membership: (
            _("%(who)s has been removed.") % {"who": membership.user}
        ),
        recent_login_at=("portal",),
        tone="danger",
        withheld={
            "staff": IN_TENANT_FORM,
            "rest": "Programs send DELETE to the URL of the member.",
        },
    ),
)
INVITATION_ACTIONS = declare_actions(
    Action[Invitation](
        name="send_again",
        label=gettext_lazy("Send again"),
        question=gettext_lazy(
            "Send another mail with a new link, valid for seven days; the earlier one ends."
        ),
        summary="Send an invitation again",
        run=resend_invitation,
        describe_result=_describe_sent,
        makes_token=True,
        scope="members:write",
        withheld={"staff": BY_OWNERS},
    ),
    Action[Invitation](
        name="revoke",
        label=gettext_lazy("Revoke"),
        question=gettext_lazy("The link of the invitation is then no longer valid."),
        run=revoke_invitation,
        describe_result=lambda invitation: (
            _("The invitation of %(who)s has been revoked.") % {"who": invitation.email}
        ),
        withheld={
            "staff": BY_OWNERS,
            "rest": "Programs send DELETE to the URL of the invitation.",
        },
    ),
)
