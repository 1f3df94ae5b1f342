"""Apply the result of a refresh: store the grant, retry later, or end the authorization."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.db import InterfaceError, OperationalError, transaction
from django.db import connection as database
from django.db.models import F, QuerySet

from connectors.base import Grant
from connectors.outcomes import Outcome
from hub.connections import token_lifetimes
from hub.connections.credentials.provider_call import NOT_SENT_REASONS
from hub.connections.credentials.revocation_schedule import keep_late_grant, schedule_revocation
from hub.connections.models import REFRESHING, Connection, Credential, CredentialEvent, Lane
from hub.connections.token_lifetimes import MAIN_PREFIX, Random, Token
from hub.crypto.sealed import seal
from hub.db.state_machine import InvalidTransition

T = TypeVar("T")
Sleep = Callable[[float], None]

RETRY_DELAY, RETRY_DELAY_MAX = timedelta(seconds=10), timedelta(minutes=10)  # doubling
FAILURES_TOLERATED = 3  # failed refreshes before *degraded*, for a token whose expiry is unknown
# seconds between attempts to store a token; their sum is less than REFRESH_CLAIM
STORE_DELAYS = (0.0, 0.2, 0.5, 1.0, 2.0, 4.0, 8.0)
# new access tokens that were refused in a row, before the connection is degraded
REFUSALS_TOLERATED = 2
REFUSED_AGAIN = "refused_again"
TOKEN_KEYS = ("access_token", "refresh_token")
# the user may not sign in now or from our address; the authorization is still valid
LOGIN_RESTRICTED = "login_restricted"
REFRESH_FAILING, REFRESH_LOST = "refresh_failing", "refresh_lost"
FURTHER_TOKEN_ENDED = "further_token_ended"
# ended reasons after which the access token may still be valid
ACCESS_TOKEN_ENDS = {"no_refresh_token", "refused_after_refresh"}
ENDED_BY_A_PERSON = ("revoked", "replaced")  # kinds of credential events
# ended reasons of which the response was received
REASONS_WITH_RESPONSE = {
    "other_account",
    "no_access_token",
    "no_refresh_token",
    "refused_after_refresh",
}


@dataclass(frozen=True, slots=True)
class TokenRefresh:
    """One refresh of the token with this prefix, in this version of the credential."""

    connection: Connection
    credential: Credential
    prefix: str
    now: datetime

    def query_unchanged_credential(self) -> QuerySet[Credential]:
        """Select the credential if its version is unchanged."""
        return Credential.unscoped.filter(pk=self.credential.pk, version=self.credential.version)

    def record_event(self, kind: str, detail: str = "") -> None:
        CredentialEvent.record_event(
            self.connection, kind, detail, version=self.credential.version, now=self.now
        )

    # --- a grant ---

    def store_grant(self, grant: Grant, *, random: Random, sleep: Sleep) -> bool:
        """Store the new tokens as the next version; other parts of the document stay.

        Failed writes are retried while the claim lasts, as the old token may be revoked already.
        """
        document, columns = self._build_renewed_document(grant, random=random)
        if not _retry_database_write(
            lambda: self._replace_document(document, columns), sleep=sleep
        ):
            _retry_database_write(
                lambda: self._keep_or_revoke_late_grant(document, columns), sleep=sleep
            )
            return False
        _retry_database_write(lambda: self._finish_stored_grant(grant), sleep=sleep)
        return True

    def _replace_document(self, document: Mapping[str, Any], columns: Mapping[str, Any]) -> bool:
        """Store the document; return whether the stored document is this one."""
        sealed = seal(document, Credential.binding(self.connection))
        if self.query_unchanged_credential().update(
            sealed=sealed, version=F("version") + 1, updated_at=self.now, **columns
        ):
            return True
        # an earlier attempt may have been committed without an answer
        stored_credential = Credential.unscoped.get(pk=self.credential.pk)
        return (
            stored_credential.version == self.credential.version + 1
            and stored_credential.open(self.connection) == document
        )

    def _build_renewed_document(
        self, grant: Grant, *, random: Random
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the document with the new tokens, and the columns of their lifetimes."""
        before = self.credential.open(self.connection)
        new_tokens = {
            self.prefix + key: grant.secret[key] for key in TOKEN_KEYS if grant.secret.get(key)
        }
        document = {**before, **(grant.secret if self.prefix == MAIN_PREFIX else {}), **new_tokens}
        refresh_token = f"{self.prefix}refresh_token"
        token = token_lifetimes.build_token(
            self.connection.connector,
            grant.expires_in,
            refreshable=bool(document.get(refresh_token)),
            rotates=document.get(refresh_token) != before.get(refresh_token),
            now=self.now,
            random=random,
        )
        columns = token_lifetimes.build_token_columns(
            {**self._read_other_tokens(), self.prefix: token},
            self.connection.connector,
            now=self.now,
        )
        return document, {**columns, **token_lifetimes.CLEARED_REFRESH_STATE}

    @transaction.atomic
    def _keep_or_revoke_late_grant(
        self, document: Mapping[str, Any], columns: Mapping[str, Any]
    ) -> None:
        """Revoke a grant whose authorization was ended or replaced by a person meanwhile.

        While the disconnect can be undone, the grant is stored for the undo instead.
        """
        connection = self.connection
        if keep_late_grant(connection, self.credential.version, document, columns):
            return
        ending_kinds = (
            [*ENDED_BY_A_PERSON, "reconnected"]
            if connection.connector.has_separate_grants
            else ENDED_BY_A_PERSON
        )
        since = connection.credential_events.filter(version__gt=self.credential.version)
        if connection.tenant and since.filter(kind__in=ending_kinds).exists():
            details = {"settings": connection.settings, "account": connection.account}
            schedule_revocation(
                connection.tenant,
                connection.connector_key,
                document,
                **details,
                connection=connection,
                now=self.now,
            )

    def _read_other_tokens(self) -> dict[str, Token]:
        stored_tokens = self.credential.token_lifetimes.items()
        return {
            prefix: Token.from_json(token_data)
            for prefix, token_data in stored_tokens
            if prefix != self.prefix
        }

    @transaction.atomic
    def _finish_stored_grant(self, grant: Grant) -> None:
        connection = self.connection
        Lane.lock(connection.pk)
        connection.refresh_from_db(
            fields=["state", "reason", "settings"],
            from_queryset=Connection.unscoped.select_for_update(no_key=True),
        )
        if grant.settings:  # such as an organisation that moved to another host
            Connection.unscoped.filter(pk=connection.pk).update(
                settings={**connection.settings, **grant.settings}
            )
        CredentialEvent.record_event(
            connection, "refreshed", version=self.credential.version + 1, now=self.now
        )
        self._release_lane()
        if (connection.state, connection.reason) in (
            ("degraded", REFRESH_FAILING),
            ("needs_reconnect", REFRESH_LOST),
        ):
            connection.mark_healthy(now=self.now)

    def _release_lane(self) -> None:
        Lane.unscoped.filter(connection=self.connection, hold_reason=REFRESHING).update(
            hold_reason="", due_at=self.now
        )

    # --- no grant ---

    def apply_failure(self, outcome: Outcome) -> None:
        if outcome.kind != "reconnect":
            self._schedule_retry(outcome)
        elif self.prefix == MAIN_PREFIX:
            self._end_authorization(outcome)
        else:
            self._drop_secondary_token(outcome)

    @transaction.atomic
    def _schedule_retry(self, outcome: Outcome) -> None:
        """Schedule another attempt, which the sweep makes after `refresh_lease_until`."""
        credential, detail = self.credential, outcome.detail or outcome.reason
        sent = outcome.reason not in NOT_SENT_REASONS
        failures = credential.refresh_failures + sent
        again = self.now + _compute_refresh_delay(outcome, failures)
        unknown_since = credential.refresh_outcome_unknown_since or (
            self.now if outcome.kind == "unknown" else None
        )
        is_unchanged = self.query_unchanged_credential().update(
            refresh_started_at=None,
            refresh_lease_until=again,
            refresh_failures=failures,
            refresh_outcome_unknown_since=unknown_since,
        )
        if is_unchanged and sent:
            self.record_event("refresh_failed", detail)
            if outcome.reason == LOGIN_RESTRICTED or _is_about_to_expire(
                credential, failures, then=again
            ):
                self.degrade(REFRESH_FAILING, detail)

    @transaction.atomic
    def _end_authorization(self, outcome: Outcome) -> None:
        """Record that the authorization has ended: a person must reconnect.

        The state needs_reconnect holds the lane.
        """
        if not self.query_unchanged_credential().update(
            **{**token_lifetimes.CLEARED_REFRESH_STATE, "refresh_due_at": None}
        ):
            return
        lost = (
            self.credential.refresh_outcome_unknown_since
            and outcome.reason not in REASONS_WITH_RESPONSE
        )
        self.record_event("ended", outcome.detail or outcome.reason)
        try:
            self.connection.mark_needs_reconnect(
                REFRESH_LOST if lost else outcome.reason, outcome.detail, now=self.now
            )
        except InvalidTransition:
            self._release_lane()

    @transaction.atomic
    def _drop_secondary_token(self, outcome: Outcome) -> None:
        """Delete a secondary token (unused by deliveries), and mark the connection degraded."""
        remaining_columns: dict[str, Any] = token_lifetimes.build_token_columns(
            self._read_other_tokens(), self.connection.connector, now=self.now
        )
        if self.query_unchanged_credential().update(
            **remaining_columns | {"grant_expires_at": self.credential.grant_expires_at},
            **token_lifetimes.CLEARED_REFRESH_STATE,
        ):
            self.record_event(
                "ended", f"{self.prefix}access_token: {outcome.detail or outcome.reason}"
            )
            self.degrade(FURTHER_TOKEN_ENDED, outcome.detail or outcome.reason)

    def degrade(self, reason: str, detail: str) -> None:
        self.connection.refresh_from_db(fields=["state"])
        if self.connection.state == "healthy":
            self.connection.mark_degraded(reason, detail, now=self.now)


def _retry_database_write(write: Callable[[], T], *, sleep: Sleep) -> T:
    """Retry a database write that failed, while the claim of the refresh lasts."""
    for seconds in STORE_DELAYS:
        try:
            return write()
        except (OperationalError, InterfaceError):
            database.close_if_unusable_or_obsolete()
            sleep(seconds)
    return write()


def is_state_from_refresh(connection: Connection) -> bool:
    """Return whether a refresh caused the connection's state.

    A valid access token does not resolve such a state.
    """
    if connection.reason in (REFRESH_FAILING, FURTHER_TOKEN_ENDED, REFUSED_AGAIN):
        return True
    last = connection.credential_events.order_by("-id").first()
    return last is not None and last.kind == "ended" and connection.reason not in ACCESS_TOKEN_ENDS


def _compute_refresh_delay(outcome: Outcome, failures: int) -> timedelta:
    if outcome.after:
        return timedelta(seconds=outcome.after)
    doublings = min(max(failures - 1, 0), 10)
    return min(RETRY_DELAY * (1 << doublings), RETRY_DELAY_MAX)


def _is_about_to_expire(credential: Credential, failures: int, *, then: datetime) -> bool:
    """Return whether the access token will have expired at the next attempt."""
    if credential.expires_at and not credential.rejected_at:
        return then >= credential.expires_at
    return failures >= FAILURES_TOLERATED
