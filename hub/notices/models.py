"""What a person is told once, by page and mail, and who wants which mails."""

from django.db import models
from django.db.models import Q

from tenants.models import Membership, Tenant
from tenants.scoping import Scoped


class Notice(Scoped):
    """One thing that the hub did or will do by itself, in a sentence."""

    key = models.CharField(max_length=120, unique=True, editable=False)  # the same again is not told again
    tenant = models.ForeignKey(
        Tenant, on_delete=models.CASCADE, null=True, blank=True, editable=False, related_name="notices"
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
    sentence = models.CharField(max_length=500, editable=False)
    reason = models.CharField(max_length=60, blank=True, default="", db_default="", editable=False)  # a code
    seen_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(editable=False)
    resolved_at = models.DateTimeField(null=True, blank=True, editable=False)  # its cause is gone
    tell_at = models.DateTimeField(null=True, blank=True, editable=False)  # when mails go next; empty: no more
    turn = models.PositiveSmallIntegerField(default=0, db_default=0, editable=False)  # of the mails; 0 is the first
    to_publish = models.BooleanField(default=False, db_default=False, editable=False)  # our application is told next

    class Meta(Scoped.Meta):
        indexes = (
            models.Index(fields=("-id",), condition=Q(seen_at=None), name="notices_unseen"),
            models.Index(fields=("tell_at",), condition=Q(tell_at__isnull=False), name="notices_to_tell"),
            models.Index(fields=("id",), condition=Q(to_publish=True), name="notices_to_publish"),
        )

    def __str__(self) -> str:
        return self.sentence

    @property
    def path(self) -> str:
        """The page where the person mends it."""
        return f"/t/{self.tenant.reference}/connections/{self.connection.public_id}/"

    @property
    def mailed_as(self) -> str:
        """What its mails are about."""
        return f"notice:{self.pk}"


class MailChoice(Scoped):
    """Whether a member of a tenant wants mails of one kind; where there is no row, the kind says."""

    TENANT = "membership__tenant"

    membership = models.ForeignKey(Membership, on_delete=models.CASCADE, related_name="mail_choices")
    kind = models.CharField(max_length=40)  # of hub.words.NOTICES
    wanted = models.BooleanField()

    class Meta(Scoped.Meta):
        constraints = (models.UniqueConstraint(fields=("membership", "kind"), name="one_choice_a_kind"),)

    def __str__(self) -> str:
        return f"{self.membership}: {self.kind} {'by mail' if self.wanted else 'not by mail'}"
