"""What came of one refresh: a grant that is stored first, a wait, or the end of the authorization."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.db import InterfaceError, OperationalError, transaction
from django.db import connection as database
from django.db.models import F, QuerySet

from connectors.base import Grant
from connectors.outcomes import Outcome
from hub.connections import lives
from hub.connections.lives import MAIN, Random, Token
from hub.connections.models import REFRESHING, Connection, Credential, CredentialEvent, Lane
from hub.connections.revoke import give_back
from hub.secrets import seal
from hub.states import WrongState

T = TypeVar("T")
Sleep = Callable[[float], None]

AGAIN, AGAIN_MOST = timedelta(seconds=10), timedelta(minutes=10)  # after one that did not come through, doubling
FAILS_FEW = 3  # of a token whose end nobody knows, before the connection reads as degraded
STORE_DELAYS = (0.0, 0.2, 0.5, 1.0, 2.0, 4.0, 8.0)  # seconds before a token is stored again; less than a claim lasts
REFUSALS_FEW = 2  # new access tokens that were refused in a row, before the connection reads as degraded
REFUSED_AGAIN = "refused_again"
PAIR = ("access_token", "refresh_token")
RESTRICTED = "login_restricted"  # the user may not sign in now or from here; the authorization lives
FAILING, LOST, FURTHER = "refresh_failing", "refresh_lost", "further_token_ended"
OF_THE_ACCESS_TOKEN = {"no_refresh_token", "refused_after_refresh"}  # ends that it may live through after all
ENDED_BY_A_PERSON = ("revoked", "replaced")  # by what a life line says
NOT_LOST = {"other_account", "no_access_token", "no_refresh_token", "refused_after_refresh"}  # all answers were read


@dataclass(frozen=True, slots=True)
class Renewal:
    """One side's refresh of the token with this prefix, in this version of the credential."""

    connection: Connection
    credential: Credential
    prefix: str
    now: datetime

    def rows(self) -> QuerySet[Credential]:
        """None where the version has moved: a newer one is not touched."""
        return Credential.unscoped.filter(pk=self.credential.pk, version=self.credential.version)

    def note(self, kind: str, detail: str = "") -> None:
        CredentialEvent.note(self.connection, kind, detail, version=self.credential.version, now=self.now)

    # --- a grant ---

    def store(self, grant: Grant, *, random: Random, sleep: Sleep) -> bool:
        """The new document under version + 1, before anything else; what the grant does not name stays.

        The token endpoint may have ended the old one: a database that is away is tried again while the claim lives.
        """
        document, columns = self.renewed(grant, random=random)
        if not persistently(lambda: self.replace(document, columns), sleep=sleep):
            persistently(lambda: self.hand_back(document), sleep=sleep)
            return False
        persistently(lambda: self.stored(grant), sleep=sleep)
        return True

    def replace(self, document: Mapping[str, Any], columns: Mapping[str, Any]) -> bool:
        """Whether this document is the one that is stored now."""
        sealed = seal(document, Credential.binding(self.connection))
        if self.rows().update(sealed=sealed, version=F("version") + 1, updated_at=self.now, **columns):
            return True
        kept = Credential.unscoped.get(pk=self.credential.pk)  # an earlier try may have been committed unheard
        return kept.version == self.credential.version + 1 and kept.open(self.connection) == document

    def renewed(self, grant: Grant, *, random: Random) -> tuple[dict[str, Any], dict[str, Any]]:
        """The document with the new tokens in it, and what the row says of their life."""
        before = self.credential.open(self.connection)
        given = {self.prefix + key: grant.secret[key] for key in PAIR if grant.secret.get(key)}
        document = {**before, **(grant.secret if self.prefix == MAIN else {}), **given}
        refresh_token = f"{self.prefix}refresh_token"
        begun = lives.token(
            self.connection.connector,
            grant.expires_in,
            refreshable=bool(document.get(refresh_token)),
            rotates=document.get(refresh_token) != before.get(refresh_token),
            now=self.now,
            random=random,
        )
        columns = lives.columns({**self.others(), self.prefix: begun}, self.connection.connector, now=self.now)
        return document, columns | lives.UNTROUBLED

    @transaction.atomic
    def hand_back(self, document: Mapping[str, Any]) -> None:
        """Somebody was faster. Where that was a person who ended this authorization, what came late is ended too."""
        row = self.connection
        ends = [*ENDED_BY_A_PERSON, "reconnected"] if row.connector.grants_apart else ENDED_BY_A_PERSON
        since = row.credential_events.filter(version__gt=self.credential.version)
        if row.tenant and since.filter(kind__in=ends).exists():
            known = {"settings": row.settings, "account": row.account}
            give_back(row.tenant, row.connector_key, document, **known, connection=row, now=self.now)

    def others(self) -> dict[str, Token]:
        kept = self.credential.token_lifetimes.items()
        return {prefix: Token.read(told) for prefix, told in kept if prefix != self.prefix}

    @transaction.atomic
    def stored(self, grant: Grant) -> None:
        row = self.connection
        Lane.lock(row.pk)
        if grant.settings:  # such as an organisation that moved to another host
            Connection.unscoped.filter(pk=row.pk).update(settings={**row.settings, **grant.settings})
        CredentialEvent.note(row, "refreshed", version=self.credential.version + 1, now=self.now)
        self.go_on()
        row.refresh_from_db(fields=["state", "reason"])
        if (row.state, row.reason) in (("degraded", FAILING), ("needs_reconnect", LOST)):
            row.mark_healthy(now=self.now)

    def go_on(self) -> None:
        Lane.unscoped.filter(connection=self.connection, hold_reason=REFRESHING).update(hold_reason="", due_at=self.now)

    # --- none ---

    def settle(self, outcome: Outcome) -> None:
        if outcome.kind != "reconnect":
            self.rest(outcome)
        elif self.prefix == MAIN:
            self.end(outcome)
        else:
            self.drop(outcome)

    @transaction.atomic
    def rest(self, outcome: Outcome) -> None:
        """It did not come through: the sweep asks again when `refreshing_until` has passed."""
        row, detail = self.credential, outcome.detail or outcome.reason
        sent = outcome.reason != "throttled"
        failures = row.refresh_failures + sent
        again = self.now + wait(outcome, failures)
        unsure = row.refresh_outcome_unknown_since or (self.now if outcome.kind == "unknown" else None)
        stays = self.rows().update(
            refresh_started_at=None,
            refresh_lease_until=again,
            refresh_failures=failures,
            refresh_outcome_unknown_since=unsure,
        )
        if stays and sent:
            self.note("refresh_failed", detail)
            if outcome.reason == RESTRICTED or about_to_end(row, failures, then=again):
                self.degrade(FAILING, detail)

    @transaction.atomic
    def end(self, outcome: Outcome) -> None:
        """Only a person can mend it. The lane stays held, by the connection's state now."""
        if not self.rows().update(**{**lives.UNTROUBLED, "refresh_due_at": None}):
            return
        lost = self.credential.refresh_outcome_unknown_since and outcome.reason not in NOT_LOST
        self.note("ended", outcome.detail or outcome.reason)
        try:
            self.connection.mark_needs_reconnect(LOST if lost else outcome.reason, outcome.detail, now=self.now)
        except WrongState:
            self.go_on()

    @transaction.atomic
    def drop(self, outcome: Outcome) -> None:
        """A further token ended, and deliveries do not use it: no more is asked for it, and the page says so."""
        left: dict[str, Any] = lives.columns(self.others(), self.connection.connector, now=self.now)
        if self.rows().update(**left | {"grant_expires_at": self.credential.grant_expires_at}, **lives.UNTROUBLED):
            self.note("ended", f"{self.prefix}access_token: {outcome.detail or outcome.reason}")
            self.degrade(FURTHER, outcome.detail or outcome.reason)

    def degrade(self, reason: str, detail: str) -> None:
        self.connection.refresh_from_db(fields=["state"])
        if self.connection.state == "healthy":
            self.connection.mark_degraded(reason, detail, now=self.now)


def persistently(write: Callable[[], T], *, sleep: Sleep) -> T:
    """Try a write again where the database failed, as long as the claim of a refresh lives."""
    for seconds in STORE_DELAYS:
        try:
            return write()
        except (OperationalError, InterfaceError):
            database.close_if_unusable_or_obsolete()
            sleep(seconds)
    return write()


def known_by_refresh(connection: Connection) -> bool:
    """Its state was found by a refresh: that the access token still lives does not answer that."""
    if connection.reason in (FAILING, FURTHER, REFUSED_AGAIN):
        return True
    last = connection.credential_events.order_by("-id").first()
    return last is not None and last.kind == "ended" and connection.reason not in OF_THE_ACCESS_TOKEN


def wait(outcome: Outcome, failures: int) -> timedelta:
    if outcome.after:
        return timedelta(seconds=outcome.after)
    return min(AGAIN * 2 ** min(max(failures - 1, 0), 10), AGAIN_MOST)


def about_to_end(credential: Credential, failures: int, *, then: datetime) -> bool:
    """Whether the token that still works will not, at the next try."""
    if credential.expires_at and not credential.rejected_at:
        return then >= credential.expires_at
    return failures >= FAILS_FEW
