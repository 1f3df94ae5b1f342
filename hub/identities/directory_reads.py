"""Read directories page by page, in the background and through the throttle.

A read survives kills: each page is stored with the cursor behind it, in one transaction.
"""

from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from connectors.directories import Directory, PeoplePage
from connectors.outcomes import Outcome, clean_text, later
from connectors.registry import CONNECTORS
from hub.audit import ActorContext
from hub.connections.credentials.connector_context import (
    collect_secrets,
    find_connector_app,
    open_credential,
)
from hub.connections.credentials.provider_call import (
    NOT_SENT_REASONS,
    Call,
    Patience,
    call_provider,
)
from hub.connections.models import Connection
from hub.crypto.sealed import CannotOpen
from hub.identities.models import DirectoryRead
from hub.identities.people_store import (
    deactivate_unlisted_entries,
    deactivate_unlisted_users,
    select_directory_entries,
    select_local_users,
    store_directory_entries,
    store_local_users,
)
from hub.identities.safety_valve import count_deactivations
from hub.incoming.processing.attribution import find_hold_reason
from hub.queue import wake_up
from tenants.models import Tenant

PAGES_MAX = 5_000
PAGE_LEASE = timedelta(minutes=2)  # after which another task reads a page again
RETRY_DELAY = timedelta(seconds=30)
FAILURES_MAX = 8  # of one page, in a row
DETAIL_LENGTH, REASON_LENGTH = 300, 60
State = DirectoryRead.State


def refresh_directory(
    connection: Connection, actor: ActorContext, *, now: datetime
) -> DirectoryRead:
    """Begin to read the users of a connection's system; a read in progress continues.

    Raises ValidationError if the system has no directory, or is not connected.
    """
    if connection.connector.directory is None or connection.tenant is None:
        raise ValidationError({"connection": _("This system has no list of users that is read.")})
    if reason := find_hold_reason(connection):
        raise ValidationError({"connection": _describe_hold(reason)})
    return _begin_read(connection.tenant, connection, actor, now=now)


def refresh_local_users(tenant: Tenant, actor: ActorContext, *, now: datetime) -> DirectoryRead:
    """Begin to read the tenant's users from our own application.

    Raises ValidationError if the application is not connected.
    """
    if _find_own_application() is None:
        raise ValidationError({"tenant": _("Our own application is not connected.")})
    return _begin_read(tenant, None, actor, now=now)


def find_directory_read(tenant: Tenant, connection: Connection | None) -> DirectoryRead | None:
    """Return the last read of a connection's directory, or of our users without a connection."""
    return DirectoryRead.unscoped.filter(tenant=tenant, connection=connection).first()


def _describe_hold(reason: str) -> str:
    return _("This connection is not used at the moment (%(reason)s). Resume it first.") % {
        "reason": reason.replace("_", " ")
    }


def _find_own_application() -> Connection | None:
    platform = [
        key for key, entry in CONNECTORS.items() if entry.is_for_platform and entry.directory
    ]
    connections = Connection.unscoped.filter(tenant=None, connector_key__in=platform)
    return connections.select_related("credential", "lane").order_by("pk").first()


@transaction.atomic
def _begin_read(
    tenant: Tenant, connection: Connection | None, actor: ActorContext, *, now: datetime
) -> DirectoryRead:
    read, is_new = DirectoryRead.unscoped.select_for_update().get_or_create(
        tenant=tenant, connection=connection, defaults={"started_at": now, "next_page_at": now}
    )
    if read.is_reading and not is_new:
        wake_up(f"directory:{read.pk}", now=now)
        return read
    read.state, read.reason, read.detail, read.cursor = State.READING, "", "", ""
    read.page_count = read.people_count = read.failure_count = read.stopped_count = 0
    read.started_at, read.next_page_at, read.finished_at = now, now, None
    read.suggested_at = None
    read.save()
    wake_up(f"directory:{read.pk}", now=now)
    subject = connection or tenant
    verb = "connection.read_directory" if connection else "tenant.read_users"
    actor.audit(verb, subject, now=now)
    return read


# --- the pages ------------------------------------------------------------------------------------


def find_due_reads(*, now: datetime) -> QuerySet[DirectoryRead]:
    return DirectoryRead.unscoped.filter(state=State.READING, next_page_at__lte=now)


def wake_up_due_directories(*, now: datetime) -> None:
    """Wake the reads whose next page or suggestions are due; a step of the sweep."""
    ended = DirectoryRead.unscoped.filter(state=State.COMPLETE, suggested_at=None)
    for pk in (find_due_reads(now=now) | ended).values_list("pk", flat=True):
        wake_up(f"directory:{pk}", now=now)


def read_next_page(
    read_id: int, *, call: Call, now: datetime, patience: Patience | None = None
) -> bool:
    """Read and store the next page of a read, if it is due; return whether another one is due now.

    Of two tasks at once only one reads the page. `patience`: how long a spent quota is waited for.
    """
    reads = find_due_reads(now=now).filter(pk=read_id)
    if not reads.update(next_page_at=now + PAGE_LEASE):
        return False
    read = DirectoryRead.unscoped.select_related(
        "tenant", "connection__credential", "connection__lane", "connection__tenant"
    ).get(pk=read_id)
    connection = read.connection or _find_own_application()
    page = _request_page(read, connection, call=call, now=now, patience=patience)
    with transaction.atomic():
        locked = DirectoryRead.unscoped.select_for_update(no_key=True).filter(
            pk=read_id, state=State.READING, cursor=read.cursor, started_at=read.started_at
        )
        if not locked.exists():  # it was ended, or begun again meanwhile
            return False
        if isinstance(page, Outcome):
            _handle_refusal(read, connection, page, now=now)
        else:
            _store_page(read, page, now=now)
        read.save()
    return read.is_reading and not isinstance(page, Outcome)


@sensitive_variables("credential")
def _request_page(
    read: DirectoryRead,
    connection: Connection | None,
    *,
    call: Call,
    now: datetime,
    patience: Patience | None,
) -> PeoplePage | Outcome:
    directory = connection.connector.directory if connection else None
    if connection is None or directory is None:
        return Outcome("never", "not_connected", "the system is not connected")
    if read.connection and (reason := find_hold_reason(connection)):
        return Outcome("never", reason, "the connection is not used")
    try:
        credential = open_credential(connection, find_connector_app(connection.connector_key))
    except CannotOpen as error:
        return later("credential_unreadable", str(error))
    tenant = read.tenant.reference if directory.by_tenant else ""
    build = partial(directory.page_request, credential, at=now, cursor=read.cursor, tenant=tenant)
    return call_provider(
        connection,
        build,
        partial(directory.parse_people, tenant=tenant),
        call=call,
        now=now,
        secrets=collect_secrets(credential),
        build_unreadable=later,
        low_priority=True,
        patience=patience,
    )


def _store_page(read: DirectoryRead, page: PeoplePage, *, now: datetime) -> None:
    if read.connection:
        kind = _find_directory(read.connection).kind
        store_directory_entries(read.connection, page.people, kind=kind, now=now)
    else:
        store_local_users(read.tenant, page.people, now=now)
    read.page_count += 1
    read.people_count += len(page.people)
    read.failure_count = 0
    if not page.is_complete and not read.reason:
        read.reason = "incomplete"
    if page.cursor == read.cursor and page.cursor:
        read.reason = read.reason or "cursor_repeated"
        _end_read(read, now=now)
    elif not page.cursor or read.page_count >= PAGES_MAX:
        read.reason = read.reason or ("too_many_pages" if page.cursor else "")
        _end_read(read, now=now)
    else:
        read.cursor, read.next_page_at = page.cursor, now


def _end_read(read: DirectoryRead, *, now: datetime) -> None:
    """End a read; a complete one deactivates people who are missing, if the safety valve allows."""
    read.next_page_at, read.finished_at, read.cursor = None, now, ""
    deactivations = count_deactivations(select_people(read), since=read.started_at)
    if deactivations.exceeds_limits and not read.reason:
        read.reason, read.detail = "safety_valve", str(deactivations)
        read.stopped_count = deactivations.count
    if read.reason:
        read.state = State.INCOMPLETE
    else:
        complete_read(read)


def complete_read(read: DirectoryRead) -> int:
    """Deactivate the people whom the list did not name; return how many."""
    read.state, read.complete_at = State.COMPLETE, read.finished_at
    if read.connection:
        kind = _find_directory(read.connection).kind
        return deactivate_unlisted_entries(read.connection, kind, since=read.started_at)
    return deactivate_unlisted_users(read.tenant, since=read.started_at)


def select_people(read: DirectoryRead) -> QuerySet[Any]:
    """Select the people of the list that is read."""
    if read.connection:
        return select_directory_entries(read.connection, _find_directory(read.connection).kind)
    return select_local_users(read.tenant)


def _find_directory(connection: Connection) -> Directory:
    directory = connection.connector.directory
    if directory is None:  # it was read a moment ago
        raise LookupError(f"{connection.connector_key} has no directory")
    return directory


def _handle_refusal(
    read: DirectoryRead, connection: Connection | None, outcome: Outcome, *, now: datetime
) -> None:
    """Schedule the page again, or end the read; the pages that were stored before are kept."""
    read.detail = clean_text(outcome.detail, DETAIL_LENGTH)
    read.failure_count += 0 if outcome.reason in NOT_SENT_REASONS else 1
    if outcome.kind == "refresh" and connection and connection.connector.refreshes_tokens:
        credential = connection.credential
        if credential.await_refresh(used=credential.version, now=now):
            wake_up(f"refresh:{connection.pk}", now=now)
    is_temporary = outcome.kind in ("later", "refresh", "unknown")
    if is_temporary and read.failure_count < FAILURES_MAX:
        wait = timedelta(seconds=outcome.after) if outcome.after else RETRY_DELAY
        read.next_page_at = now + max(wait, timedelta(seconds=1))
        return
    read.reason = clean_text(outcome.reason or outcome.kind, REASON_LENGTH)
    read.state, read.next_page_at, read.finished_at = State.FAILED, None, now
