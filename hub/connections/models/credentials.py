"""The sealed credential of a connection, the lifetimes of its tokens, and its history."""

from datetime import datetime, timedelta
from typing import Any

from django.db import models
from django.utils import timezone

from hub.connections.models.connections import BREAKER, REFRESHING, Connection, Lane
from hub.connections.token_lifetimes import MAIN_PREFIX, Token
from hub.crypto.sealed import SealedField
from tenants.scoping import Scoped

# a token that is rejected so soon after its issue may be rejected again
TOKEN_FRESH_FOR = timedelta(seconds=60)
# of a connection: what may have changed since it was read
LOCKED_FIELDS = (
    "state",
    "reason",
    "detail",
    "state_changed_at",
    "paused_until",
    "keeps_events",
    "ended_reason",
    "ended_detail",
    "settings",
    "account",
    "account_name",
)
REFUSAL_DELAY, REFUSAL_DELAY_MAX = timedelta(seconds=10), timedelta(minutes=10)  # doubling


def _compute_refusal_delay(refusals: int) -> timedelta:
    """Return the wait before the next refresh after `refusals` rejected tokens in a row."""
    return (
        min(REFUSAL_DELAY * 2 ** min(refusals - 1, 10), REFUSAL_DELAY_MAX)
        if refusals
        else timedelta()
    )


class Credential(Scoped):
    """The sealed document of one connection; only `open` decrypts it."""

    TENANT = "connection__tenant"

    connection = models.OneToOneField(Connection, on_delete=models.CASCADE, primary_key=True)
    sealed = SealedField(editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)
    # of each access token, by its prefix: token_lifetimes.Token
    token_lifetimes = models.JSONField(
        default=dict, db_default=models.Value({}, models.JSONField()), editable=False
    )
    # when the first of the access tokens expires
    expires_at = models.DateTimeField(null=True, blank=True, editable=False)
    # when the authorization expires; null: unknown
    grant_expires_at = models.DateTimeField(null=True, blank=True, editable=False)
    # when the next refresh is due
    refresh_due_at = models.DateTimeField(null=True, blank=True, editable=False)
    # when a 401 rejected the access token
    rejected_at = models.DateTimeField(null=True, blank=True, editable=False)
    # when an unfinished refresh began; it runs, or its process has died
    refresh_started_at = models.DateTimeField(null=True, blank=True, editable=False)
    # until then no other process begins a refresh
    refresh_lease_until = models.DateTimeField(null=True, blank=True, editable=False)
    # since when the response to a refresh may have been lost
    refresh_outcome_unknown_since = models.DateTimeField(null=True, blank=True, editable=False)
    # refreshes that failed in a row
    refresh_failures = models.PositiveSmallIntegerField(default=0, db_default=0, editable=False)
    # new access tokens in a row that were refused within a minute
    refusals = models.PositiveSmallIntegerField(default=0, db_default=0, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(Scoped.Meta):
        indexes = (
            models.Index(
                fields=("refresh_due_at",),
                condition=models.Q(refresh_due_at__isnull=False),
                name="credentials_to_refresh",
            ),
            models.Index(
                fields=("expires_at",),
                condition=models.Q(expires_at__isnull=False),
                name="credentials_by_expiry",
            ),
            models.Index(
                fields=("updated_at",),
                condition=models.Q(refusals__gt=0),
                name="credentials_refused_again",
            ),
            models.Index(
                fields=("grant_expires_at",),
                condition=models.Q(grant_expires_at__isnull=False),
                name="credentials_by_end",
            ),
        )

    def __str__(self) -> str:
        return f"credential of connection {self.connection_id}"

    @staticmethod
    def binding(connection: Connection) -> str:
        return f"credential:{connection.public_id}"

    @classmethod
    def lock(cls, connection: Connection) -> "Credential | None":
        """Lock the credential, the lane and the connection, in this order; return the credential.

        State, account and settings of `connection` are read again as they are stored. Needs a
        transaction of the caller.
        """
        credential = (
            cls.unscoped.select_for_update(no_key=True).filter(connection=connection).first()
        )
        Lane.lock(connection.pk)
        connection.refresh_from_db(
            fields=LOCKED_FIELDS,
            from_queryset=Connection.unscoped.select_for_update(no_key=True),
        )
        return credential

    @staticmethod
    def read_version(connection: Connection) -> int | None:
        """Return the version of the credential as it was read; None if there is none."""
        credential = getattr(connection, "credential", None)
        return credential.version if credential else None

    @classmethod
    def lock_if_unchanged(cls, connection: Connection, version: int | None) -> bool:
        """Lock the connection as `lock` does; return if the credential still has this version."""
        credential = cls.lock(connection)
        return (credential.version if credential else None) == version

    def await_refresh(self, *, used: int, now: datetime) -> bool:
        """Hold the lane until the credential is newer than version `used`.

        Returns False if it is newer already. A refresh becomes due immediately, or after a growing
        delay if the token was rejected within a minute of its issue.
        """
        credentials = Credential.unscoped.filter(pk=self.pk, version=used)
        if not credentials.exists():
            return False
        refusals = self.refusals + 1 if self.is_fresh(now=now) else 0
        due = now + _compute_refusal_delay(refusals)
        credentials.filter(rejected_at=None).update(
            rejected_at=now, refresh_due_at=due, refusals=refusals
        )
        Lane.unscoped.filter(
            connection_id=self.connection_id, hold_reason__in=("", BREAKER)
        ).update(hold_reason=REFRESHING)
        return True

    def is_fresh(self, *, now: datetime) -> bool:
        """Return whether the main access token was issued less than `TOKEN_FRESH_FOR` ago."""
        token_data = self.token_lifetimes.get(MAIN_PREFIX)
        granted_at = Token.from_json(token_data).granted_at if token_data else self.updated_at
        return self.version > 1 and now - granted_at < TOKEN_FRESH_FOR

    def request_refresh(self, *, now: datetime) -> None:
        """Make a refresh due now, although no call has rejected the token."""
        Credential.unscoped.filter(pk=self.pk).update(refresh_due_at=now)

    def open(self, connection: Connection) -> dict[str, Any]:
        """Return the decrypted document.

        `connection` must be the connection for which it was sealed. Raises CannotOpen otherwise,
        and if the key is missing.
        """
        return self.sealed.open(self.binding(connection))


class CredentialEvent(Scoped):
    """An event in the history of a credential, shown on its timeline; contains no secret."""

    TENANT = "connection__tenant"

    connection = models.ForeignKey(
        Connection, on_delete=models.CASCADE, related_name="credential_events"
    )
    kind = models.CharField(max_length=20)  # hub.state_texts.CREDENTIAL_EVENTS
    at = models.DateTimeField()
    detail = models.CharField(max_length=300, blank=True)
    version = models.PositiveIntegerField()

    class Meta(Scoped.Meta):
        indexes = (models.Index(fields=("connection", "-id"), name="life_of_a_credential"),)

    def __str__(self) -> str:
        return f"{self.kind}, version {self.version}"

    @classmethod
    def record_event(
        cls, connection: Connection, kind: str, detail: str = "", *, version: int, now: datetime
    ) -> None:
        """Append an event, unless it equals the last one."""
        last = cls.unscoped.filter(connection=connection).order_by("-id").first()
        if last is None or (last.kind, last.detail, last.version) != (kind, detail[:300], version):
            cls.unscoped.create(
                connection=connection, kind=kind, at=now, detail=detail[:300], version=version
            )
