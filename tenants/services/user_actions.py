"""Actions of staff on a user account."""

from datetime import datetime

from allauth.mfa.models import Authenticator
from django.db import transaction

from hub.actions import FOR_STAFF, Action, always, declare_actions
from hub.audit import ActorContext
from tenants.models import User


@transaction.atomic
def reset_second_factor(user: User, actor: ActorContext, *, reason: str, now: datetime) -> None:
    """Delete the user's second factors: they sign in by password and set up a new one."""
    Authenticator.objects.filter(user=user).delete()
    actor.audit("user.reset_factor", user, reason=reason, after={"factor": "none"}, now=now)


def audit_password_change(user: User, actor: ActorContext, *, now: datetime) -> None:
    """Audit that staff set a user's password; Django's own view has stored it."""
    actor.audit("user.change_password", user, now=now)


USER_ACTIONS = declare_actions(
    Action[User](
        name="reset_factor",
        label="Remove the second factor",
        question=(
            "For a person who lost both their phone and their recovery codes. Verify their "
            "identity first: afterwards, the password and a link to their address are sufficient "
            "to set up a new factor."
        ),
        success=(
            "The second factor has been removed. The person can sign in with their password and "
            "set up a new one."
        ),
        run=reset_second_factor,
        asks_reason=always,
        is_available=lambda user: Authenticator.objects.filter(user=user).exists(),
        recent_login_at=("staff",),
        icon="phonelink_erase",
        tone="danger",
        withheld=FOR_STAFF,
    ),
)
