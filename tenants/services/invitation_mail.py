"""An invitation on its way: from the mail to the page, and through sign-up."""

from datetime import datetime

from django.http import HttpRequest
from django.urls import reverse

from hub import mail
from tenants.api_key_format import digest_token
from tenants.models import Invitation

SESSION_KEY = "invitation"  # in the session: its public id, never the token


def mail_invitation(invitation: Invitation, token: str, *, now: datetime) -> None:
    """Joins the caller's transaction; what becomes of the mail comes as news. Raises `mail.NotSetUp`."""
    context = {
        "inviter": invitation.inviter,
        "tenant": invitation.tenant.name,
        "url": mail.build_absolute_url(reverse("people:invitation", args=[token])),
        "until": invitation.expires_at,
    }
    mail.queue_mail(
        invitation.email,
        "mail/invitation.txt",
        context,
        about=invitation.digest,
        until=invitation.expires_at,
        now=now,
    )


def record_mail_result(digest: str, *, reason: str, sent_at: datetime | None) -> None:
    """What became of the mail with the newest link; `reason` says why it has not gone (yet)."""
    Invitation.unscoped.filter(digest=digest).update(sent_at=sent_at, mail_reason=reason)


def find_invitation_by_token(token: str) -> Invitation | None:
    """By the token of a link, in whatever state."""
    return Invitation.unscoped.select_related("tenant").filter(digest=digest_token(token)).first()


def remember_invitation(request: HttpRequest, invitation: Invitation) -> None:
    request.session[SESSION_KEY] = str(invitation.public_id)


def remembered_invitation(request: HttpRequest, *, now: datetime) -> Invitation | None:
    """The one that this person follows through sign-up, as long as it can be accepted."""
    if SESSION_KEY not in request.session:
        return None
    rows = Invitation.unscoped.select_related("tenant").filter(
        public_id=request.session[SESSION_KEY]
    )
    invitation = rows.first()
    return invitation if invitation and invitation.state(now) == "pending" else None
