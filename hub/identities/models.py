"""The people of both sides, as last read, and the reads in progress."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from connectors.directories import Person
from hub.connections.models import Connection
from hub.identities.people_search import build_letters
from tenants.models import Tenant
from tenants.scoping import Scoped

ID_LENGTH = TEXT_LENGTH = 200
EMAIL_LENGTH = 254


class PersonRow(Scoped):
    """The data of a person; `aliases` are other addresses and logins, `other_names` other names."""

    name = models.CharField(max_length=TEXT_LENGTH, blank=True, default="")
    email = models.CharField(max_length=EMAIL_LENGTH, blank=True, default="")
    login = models.CharField(max_length=TEXT_LENGTH, blank=True, default="")
    aliases = models.JSONField(default=list, blank=True)
    other_names = models.JSONField(default=list, blank=True)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    # when it was last in a list that was read or sent
    read_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(Scoped.Meta):
        abstract = True


class LocalUser(PersonRow):
    """A user of our own application, within one tenant."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="local_users")
    user_id = models.CharField(
        max_length=ID_LENGTH, help_text="The id of the user, as events name it."
    )

    class Meta(PersonRow.Meta):
        abstract = False
        constraints = (
            models.UniqueConstraint(fields=("tenant", "user_id"), name="one_local_user"),
        )
        indexes = (
            models.Index(fields=("user_id",), name="local_users_by_id"),
            models.Index(build_letters("name"), name="local_users_by_name"),
            models.Index(build_letters("email"), name="local_users_by_email"),
        )

    def __str__(self) -> str:
        return self.name or self.email or self.user_id

    def to_person(self) -> Person:
        return Person(
            self.user_id,
            self.name,
            self.email,
            self.login,
            tuple(self.aliases),
            tuple(self.other_names),
            self.is_active,
        )


class DirectoryEntry(PersonRow):
    """A user of the system of one connection."""

    TENANT = "connection__tenant"

    connection = models.ForeignKey(
        Connection, on_delete=models.CASCADE, related_name="directory_entries"
    )
    kind = models.CharField(max_length=60, default="user")
    remote_id = models.CharField(max_length=ID_LENGTH)
    # an application, or a mailbox that belongs to no single person
    is_shared = models.BooleanField(default=False)

    class Meta(PersonRow.Meta):
        abstract = False
        verbose_name_plural = "directory entries"
        constraints = (
            models.UniqueConstraint(
                fields=("connection", "kind", "remote_id"), name="one_directory_entry"
            ),
        )
        indexes = (
            models.Index(fields=("remote_id",), name="directory_by_id"),
            models.Index(build_letters("name"), name="directory_by_name"),
            models.Index(build_letters("email"), name="directory_by_email"),
        )

    def __str__(self) -> str:
        return self.name or self.email or self.remote_id

    def to_person(self) -> Person:
        return Person(
            self.remote_id,
            self.name,
            self.email,
            self.login,
            tuple(self.aliases),
            tuple(self.other_names),
            self.is_active,
            self.is_shared,
        )


class DirectoryRead(Scoped):
    """The last read of a connection's directory, or of our own users if it has no connection.

    `next_page_at` is when its next page is due, null if the read has ended. While a page is being
    read, the due time is in the future, so that another task continues after a crash.
    """

    class State(models.TextChoices):
        READING = "reading"
        COMPLETE = "complete"
        INCOMPLETE = "incomplete"  # it ended, and people may be missing
        FAILED = "failed"

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="directory_reads")
    connection = models.OneToOneField(
        Connection,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="directory_read",
    )
    state = models.CharField(max_length=20, choices=State, default=State.READING)
    reason = models.CharField(max_length=60, blank=True, default="")  # a code; why it is not whole
    detail = models.CharField(max_length=300, blank=True, default="")
    cursor = models.TextField(blank=True, default="")
    page_count = models.PositiveIntegerField(default=0)
    people_count = models.PositiveIntegerField(default=0)
    failure_count = models.PositiveIntegerField(default=0)  # of the next page, in a row
    # people whom the safety valve did not let this read deactivate
    stopped_count = models.PositiveIntegerField(default=0, db_default=0)
    started_at = models.DateTimeField()
    next_page_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    # when pairs were suggested after it; null: not yet
    suggested_at = models.DateTimeField(null=True, blank=True)
    # when a read was last complete, also if a later one is not
    complete_at = models.DateTimeField(null=True, blank=True)

    class Meta(Scoped.Meta):
        constraints = (
            models.UniqueConstraint(
                fields=("tenant",), condition=Q(connection=None), name="one_read_of_local_users"
            ),
        )
        indexes = (
            models.Index(
                fields=("next_page_at",),
                condition=Q(next_page_at__isnull=False),
                name="directory_pages_due",
            ),
        )

    def __str__(self) -> str:
        return f"users of {self.connection or self.tenant}"

    @property
    def is_reading(self) -> bool:
        return self.state == self.State.READING

    @property
    def is_stopped(self) -> bool:
        """Return whether the safety valve stopped it, so that a person has to confirm it."""
        return self.state == self.State.INCOMPLETE and self.stopped_count > 0


class SuggestionRun(Scoped):
    """The last request by a person or program for suggested pairs of a connection's people."""

    TENANT = "connection__tenant"

    class State(models.TextChoices):
        WAITING = "waiting"
        RUNNING = "running"
        FINISHED = "finished"
        FAILED = "failed"

    connection = models.OneToOneField(
        Connection, on_delete=models.CASCADE, related_name="suggestion_run"
    )
    state = models.CharField(max_length=20, choices=State, default=State.WAITING)
    # {"actor", "request_id", "ip"}: in whose name it is audited
    requested_by = models.JSONField(default=dict)
    requested_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    attempt_count = models.PositiveSmallIntegerField(default=0)

    class Meta(Scoped.Meta):
        indexes = (
            models.Index(
                fields=("state",),
                condition=Q(state__in=("waiting", "running")),
                name="suggestion_runs_open",
            ),
        )

    def __str__(self) -> str:
        return f"suggestions of {self.connection}"

    @property
    def is_open(self) -> bool:
        return self.state in (self.State.WAITING, self.State.RUNNING)
