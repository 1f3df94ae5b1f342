"""What staff can do with a queued mail."""

from datetime import datetime

from hub.actions import FOR_STAFF, Action, declare_actions
from hub.audit import ActorContext
from hub.db.clock import clock
from hub.mail.models import Mail


def send_mail_again(mail: Mail, actor: ActorContext, *, now: datetime) -> None:
    """Send a mail that failed, audited. Raises InvalidTransition."""
    before = {"state": mail.state, "reason": mail.reason}
    mail.send_again(now=now)
    actor.audit("mail.send_again", mail, before=before, now=now)


MAIL_ACTIONS = declare_actions(
    Action[Mail](
        name="send_again",
        label="Send now",
        question="A worker sends it again.",
        success="A worker sends it shortly.",
        run=send_mail_again,
        is_available=lambda mail: mail.can_send_again(now=clock()),
        icon="send",
        tone="primary",
        withheld=FOR_STAFF,
    ),
)
