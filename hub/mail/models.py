"""Queued mails.

A text may contain a sign-in link, so it is stored sealed and deleted once it is sent.
"""

from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import Q

from hub.crypto.sealed import SealedField
from hub.db.ids import uuid7
from hub.db.state_machine import StateMachine
from hub.queue import wake_up


class Mail(StateMachine):
    """A mail of the platform, to any address: it need not belong to a user."""

    class State(models.TextChoices):
        WAITING = "waiting"
        SENT = "sent"
        FAILED = "failed"

    TRANSITIONS = {"waiting": {"sent", "failed", "waiting"}, "failed": {"waiting"}}

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    to = models.CharField(max_length=320, db_index=True)
    kind = models.CharField(max_length=80)  # its template
    # the reference by which withdraw_mails finds it
    about = models.CharField(max_length=80, blank=True, db_index=True)
    sealed = SealedField(null=True)  # subject and text; None: it was sent or has expired
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    reason = models.CharField(max_length=60, blank=True)  # the reason code of a failure
    attempt_count = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField()  # or when it may go first, which quiet hours put off
    due_at = models.DateTimeField(null=True)
    until = models.DateTimeField()  # it is not sent later
    sent_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (
            models.Index(
                fields=("due_at", "id"), condition=Q(state="waiting"), name="mails_waiting"
            ),
            models.Index(fields=("id",), condition=Q(state="failed"), name="mails_failed"),
        )

    def __str__(self) -> str:
        return f"{self.kind_label} to {self.to}"

    @property
    def kind_label(self) -> str:
        """Return the template's name as text, such as "password reset key"."""
        return self.kind.rpartition("/")[2].removesuffix(".txt").replace("_", " ")

    @property
    def binding(self) -> str:
        return f"mail:{self.public_id}"

    def open(self) -> dict[str, Any]:
        return self.sealed.open(self.binding)

    # --- transitions ---

    def mark_sent(self, *, now: datetime) -> None:
        self.transition_to("sent", sealed=None, reason="", due_at=None, sent_at=now)

    def mark_dead(self, reason: str) -> None:
        self.transition_to("failed", reason=reason, due_at=None)

    def mark_expired(self) -> None:
        self.transition_to("failed", sealed=None, reason="mail_expired", due_at=None)

    def can_send_again(self, *, now: datetime) -> bool:
        return bool(self.reason) and self.sealed is not None and self.until > now

    def send_again(self, *, now: datetime) -> None:
        self.transition_to("waiting", reason="", attempt_count=0, due_at=now)
        wake_up("mail", now=now)
