"""An invitation on its way: from the mail to the page, and through sign-up."""

from datetime import datetime

from django.http import HttpRequest
from django.urls import reverse

from hub import mail
from tenants.keys import digest_of
from tenants.models import Invitation

REMEMBERED = "invitation"  # in the session: its public id, never the token


def post(invitation: Invitation, token: str, *, now: datetime) -> None:
    """Joins the caller's transaction; what becomes of the mail comes as news. Raises `mail.NotSetUp`."""
    context = {
        "inviter": invitation.inviter,
        "tenant": invitation.tenant.name,
        "url": mail.link(reverse("people:invitation", args=[token])),
        "until": invitation.expires_at,
    }
    told = {"about": invitation.digest, "until": invitation.expires_at, "now": now}
    mail.send(invitation.email, "mail/invitation.txt", context, **told)


def news(digest: str, *, reason: str, sent_at: datetime | None) -> None:
    """What became of the mail with the newest link; `reason` says why it has not gone (yet)."""
    Invitation.unscoped.filter(digest=digest).update(sent_at=sent_at, mail_reason=reason)


def named(token: str) -> Invitation | None:
    """By the token of a link, in whatever state."""
    return Invitation.unscoped.select_related("tenant").filter(digest=digest_of(token)).first()


def remember(request: HttpRequest, invitation: Invitation) -> None:
    request.session[REMEMBERED] = str(invitation.public_id)


def invitation_of(request: HttpRequest, *, now: datetime) -> Invitation | None:
    """The one that this person follows through sign-up, as long as it can be accepted."""
    if REMEMBERED not in request.session:
        return None
    rows = Invitation.unscoped.select_related("tenant").filter(public_id=request.session[REMEMBERED])
    invitation = rows.first()
    return invitation if invitation and invitation.state(now) == "pending" else None
