"""Actions of staff on a user account."""

from datetime import datetime

from allauth.mfa.models import Authenticator
from django.db import transaction

from hub.audit import ActorContext
from tenants.models import User


@transaction.atomic
def reset_second_factor(user: User, reason: str, actor: ActorContext, *, now: datetime) -> None:
    """Delete the user's second factors: they sign in by password and set up a new one."""
    Authenticator.objects.filter(user=user).delete()
    actor.audit("user.reset_factor", user, reason=reason, after={"factor": "none"}, now=now)


def audit_password_change(user: User, actor: ActorContext, *, now: datetime) -> None:
    """Audit that staff set a user's password; Django's own view has stored it."""
    actor.audit("user.change_password", user, now=now)
