"""Mails of invitations: queue them, show their state, and remember them during sign-up."""

from datetime import datetime

from django.http import HttpRequest
from django.urls import reverse

from hub import mail
from tenants.api_key_format import digest_token
from tenants.models import Invitation

SESSION_KEY = "invitation"  # in the session: its public id, never the token


def mail_invitation(invitation: Invitation, token: str, *, now: datetime) -> None:
    """Queue the mail with the link, in this transaction; see `record_mail_result`.

    Raises `mail.MailNotConfigured` when the hub has no mail server.
    """
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
    """Store the result of the mail with the newest link; `reason`: why it was not sent (yet)."""
    Invitation.unscoped.filter(digest=digest).update(sent_at=sent_at, mail_reason=reason)


def find_invitation_by_token(token: str) -> Invitation | None:
    """Return the invitation with this token, in any state; None if there is none."""
    return Invitation.unscoped.select_related("tenant").filter(digest=digest_token(token)).first()


def remember_invitation(request: HttpRequest, invitation: Invitation) -> None:
    request.session[SESSION_KEY] = str(invitation.public_id)


def remembered_invitation(request: HttpRequest, *, now: datetime) -> Invitation | None:
    """Return the invitation that this person follows during sign-up, while it can be accepted."""
    if SESSION_KEY not in request.session:
        return None
    rows = Invitation.unscoped.select_related("tenant").filter(
        public_id=request.session[SESSION_KEY]
    )
    invitation = rows.first()
    return invitation if invitation and invitation.state(now) == "pending" else None
