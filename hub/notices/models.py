"""Notices, and the mail preferences of members."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q
from django.utils import translation

from hub.notices.kinds import CONNECTION_PAGE, NOTICE_KINDS
from hub.notices.messages import translate_notice
from hub.notices.quiet_hours import find_next_occurrence, find_quiet_end
from tenants.models import Membership, Tenant, validate_time_zone
from tenants.scoping import Scoped

# age at which a notice enters a daily mail, so that running transactions have ended
DIGEST_DELAY = timedelta(minutes=1)


class Notice(Scoped):
    """A notice of an automatic action, done or announced: a kind, a message and its parameters."""

    # kind and occurrence; a second notice with the same key is ignored
    key = models.CharField(max_length=120, unique=True, editable=False)
    tenant = models.ForeignKey(
        Tenant,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        editable=False,
        related_name="notices",
    )
    connection = models.ForeignKey(
        "connections.Connection",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        editable=False,
        related_name="notices",
    )
    kind = models.CharField(max_length=40, editable=False)
    message = models.CharField(  # of hub.notices.messages.NOTICE_MESSAGES
        max_length=40, blank=True, default="", db_default="", editable=False
    )
    parameters = models.JSONField(default=dict, editable=False)  # parameters of the message
    stored_sentence = models.CharField(  # English; only in notices without a message
        max_length=500, blank=True, default="", editable=False
    )
    # a reason code
    reason = models.CharField(max_length=60, blank=True, default="", db_default="", editable=False)
    seen_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(editable=False)
    # when its cause was resolved
    resolved_at = models.DateTimeField(null=True, blank=True, editable=False)
    # when mails are sent next; empty: never
    next_mail_at = models.DateTimeField(null=True, blank=True, editable=False)
    # the number of the next mail; 0 is the first
    reminder_number = models.PositiveSmallIntegerField(default=0, db_default=0, editable=False)
    # the event for our application is not published yet
    event_pending = models.BooleanField(default=False, db_default=False, editable=False)

    class Meta(Scoped.Meta):
        indexes = (
            models.Index(fields=("-id",), condition=Q(seen_at=None), name="notices_unseen"),
            models.Index(
                fields=("next_mail_at",),
                condition=Q(next_mail_at__isnull=False),
                name="notices_to_tell",
            ),
            models.Index(
                fields=("id",), condition=Q(event_pending=True), name="notices_to_publish"
            ),
        )

    def __str__(self) -> str:
        return self.sentence

    @property
    def sentence(self) -> str:
        """Return what happened, in the active language.

        Falls back to the kind's label if the sentence cannot be rendered, as an error would also
        delay the mails and events of other notices.
        """
        if not self.message:
            return self.stored_sentence
        try:
            return translate_notice(self.message, self.parameters, reason=self.reason)
        except (LookupError, TypeError, ValueError):  # of another version, or a faulty translation
            kind = NOTICE_KINDS.get(self.kind)
            return self.stored_sentence or (str(kind.label) if kind else self.kind)

    @property
    def english_sentence(self) -> str:
        """Return what happened in English, for the API and for events."""
        with translation.override("en"):
            return self.sentence

    @property
    def path(self) -> str:
        """Return the path of the tenant's page on which a reader does what the kind asks for."""
        if self.tenant is None or self.connection is None:
            return ""
        kind, (_, occurrence, *_again) = NOTICE_KINDS.get(self.kind), f"{self.key}:".split(":")
        page = (kind.page if kind else CONNECTION_PAGE).format(
            connection=self.connection.public_id, occurrence=occurrence
        )
        return f"/t/{self.tenant.reference}/{page}"

    @property
    def mail_reference(self) -> str:
        """Return the reference by which the notice's mails are withdrawn."""
        return f"notice:{self.pk}"


class MailPreference(Scoped):
    """The choice of a member to receive mails of one kind, or not; the default is the kind's."""

    TENANT = "membership__tenant"

    membership = models.ForeignKey(
        Membership, on_delete=models.CASCADE, related_name="mail_preferences"
    )
    kind = models.CharField(max_length=40)  # of hub.notices.kinds.NOTICE_KINDS
    enabled = models.BooleanField()

    class Meta(Scoped.Meta):
        constraints = (
            models.UniqueConstraint(fields=("membership", "kind"), name="one_choice_a_kind"),
        )

    def __str__(self) -> str:
        return f"{self.membership}: {self.kind} {'by e-mail' if self.enabled else 'not by e-mail'}"


class ConnectionMailPreference(Scoped):
    """The choice of a member to receive mails of one kind about one connection, or not.

    Without a row the member's choice for all connections applies.
    """

    TENANT = "membership__tenant"

    membership = models.ForeignKey(
        Membership, on_delete=models.CASCADE, related_name="connection_mail_preferences"
    )
    connection = models.ForeignKey(
        "connections.Connection", on_delete=models.CASCADE, related_name="mail_preferences"
    )
    kind = models.CharField(max_length=40)  # of hub.notices.kinds.NOTICE_KINDS
    enabled = models.BooleanField()

    class Meta(Scoped.Meta):
        constraints = (
            models.UniqueConstraint(
                fields=("membership", "connection", "kind"), name="one_choice_a_connection"
            ),
        )

    def __str__(self) -> str:
        return f"{self.membership}: {self.kind} of {self.connection}"


class QuietHours(Scoped):
    """The times of a member's mails that can wait: outside quiet hours, or once a day."""

    TENANT = "membership__tenant"

    membership = models.OneToOneField(
        Membership, on_delete=models.CASCADE, related_name="quiet_hours"
    )
    # empty: the tenant's time zone
    time_zone = models.CharField(max_length=64, blank=True, validators=[validate_time_zone])
    quiet_from = models.TimeField(null=True, blank=True)
    quiet_until = models.TimeField(null=True, blank=True)
    # empty: the hub's language
    language = models.CharField(max_length=10, blank=True, default="", db_default="")
    digest = models.BooleanField(default=False)
    away_until = models.DateField(null=True, blank=True)  # the first day that the member is back
    digest_hour = models.PositiveSmallIntegerField(default=8, validators=[MaxValueValidator(23)])
    digest_at = models.DateTimeField(null=True, editable=False)  # the time of the next daily mail
    # the daily mails include notices created before
    digested_at = models.DateTimeField(null=True, editable=False)

    class Meta(Scoped.Meta):
        verbose_name_plural = "quiet hours"
        indexes = (
            models.Index(
                fields=("digest_at",), condition=Q(digest_at__isnull=False), name="digests_to_tell"
            ),
        )

    def __str__(self) -> str:
        return f"{self.membership}: when mails go"

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone or self.membership.tenant.time_zone)

    def quiet_end(self, *, now: datetime) -> datetime | None:
        """Return when a mail that can wait may be sent; None: immediately."""
        return find_quiet_end(self.quiet_from, self.quiet_until, self.zone, now=now)

    def next_digest(self, *, now: datetime) -> datetime | None:
        return (
            find_next_occurrence(time(self.digest_hour), self.zone, now=now)
            if self.digest
            else None
        )
