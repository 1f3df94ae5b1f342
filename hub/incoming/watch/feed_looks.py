"""Look into what a system lists as changed: a change that no webhook reported is evidence."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from connectors.outcomes import READ_ERRORS, Outcome, never
from connectors.roles import Page
from connectors.webhook_sources import Feed, RecordChange, WebhookSource
from hub.connections.credentials.connector_context import (
    collect_secrets,
    find_connector_app,
    open_credential,
)
from hub.connections.credentials.provider_call import call_provider
from hub.connections.models import Connection
from hub.crypto.sealed import CannotOpen
from hub.incoming.gaps.reading import find_feed
from hub.incoming.models import InboundEndpoint, InboundGap, InboundSource
from hub.incoming.receiving.read_records import find_new_changes
from hub.incoming.registration.check import request_refresh_if_rejected
from hub.incoming.registration.wanted import find_wanted_types
from hub.incoming.watch.canary_calls import CanaryContext
from hub.incoming.watch.silence_watch import CHANGE_MISSED, OVERLAP, Look, mark_source_silent

LOOK_BACK_MAX = timedelta(days=1)  # beside the time in which the system sends again


def look_into_feeds(looks: Sequence[Look], context: CanaryContext) -> None:
    """Ask the systems of quiet sources what has changed since they were heard, one call for each.

    A source is silent if a change is listed that the system does not send again any more. If
    nothing is missing, that is a proof.
    """
    for look in looks:
        if context.is_late():
            return
        feed = find_feed(look.source.connection, look.source.object)
        if feed is not None and not feed.has_end:  # else its first page does not say what is new
            _look_into_feed(look, feed, context)


def _look_into_feed(look: Look, feed: Feed, context: CanaryContext) -> None:
    source, now = look.source, context.clock()
    webhooks = source.connection.connector.webhook_source
    endpoint = InboundEndpoint.unscoped.filter(connection=source.connection_id).first()
    if webhooks is None or endpoint is None:
        return
    retried_since = now - timedelta(seconds=webhooks.retry_period_seconds) - OVERLAP
    since = max(look.since, source.state_changed_at, source.read_until or look.since) - OVERLAP
    since = max(since, retried_since - LOOK_BACK_MAX).replace(microsecond=0)
    page = _read_first_page(source.connection, webhooks, feed, since, context)
    if isinstance(page, Outcome):
        request_refresh_if_rejected(source.connection, page, now=context.clock())
        return
    settled = (now - feed.settle).replace(microsecond=0)
    changes = [
        change
        for record in page.records
        for change in _list_changes(webhooks, feed, record, source.connection.account)
        if since <= change.at < settled
    ]
    wanted = set(find_wanted_types(endpoint, webhooks))
    new = find_new_changes(source.connection, changes, now=now)
    missing = [change.at for change in new if change.type in wanted]
    lost = {f"{feed.object}.{change}" for change in feed.lost_changes} & wanted
    if missing and min(missing) < retried_since:
        cause, heard_at = InboundGap.Cause.MISSED, min(look.since, *missing)
        mark_source_silent(source, cause, CHANGE_MISSED, heard_at=heard_at, now=now)
    elif not (missing or lost or page.cursor) and page.is_complete:
        older = InboundSource.unscoped.filter(pk=source.pk).exclude(read_until__gte=settled)
        older.update(read_until=settled)


def _read_first_page(
    connection: Connection,
    webhooks: WebhookSource,
    feed: Feed,
    since: datetime,
    context: CanaryContext,
) -> Page | Outcome:
    """Read the first changes since a time, the last of all calls for the connection."""
    now, collections = context.clock(), connection.connector.collections
    (collection,) = (entry for entry in collections if entry.key == feed.collection)
    try:
        credential = open_credential(connection, find_connector_app(connection.connector_key))
    except CannotOpen:
        return never("credential_unreadable")
    secrets = collect_secrets(credential)
    send = partial(call_provider, connection, call=context.call, secrets=secrets, low_priority=True)
    query = {**feed.query, "since": since.isoformat()}
    if feed.is_prepared:
        prepared: Mapping[str, str] | Outcome = send(
            lambda: webhooks.preparation_request(feed, credential),
            lambda response: webhooks.parse_preparation(feed, response),
            now=now,
        )
        if isinstance(prepared, Outcome):
            return prepared
        query |= prepared
    page: Page | Outcome = send(
        lambda: collection.page_request(credential, at=now, **query),
        collection.parse_page,
        now=context.clock(),
    )
    return page


def _list_changes(
    webhooks: WebhookSource, feed: Feed, record: Mapping[str, Any], account: str
) -> Sequence[RecordChange]:
    """Return the changes that a record shows; none of one that cannot be read."""
    try:
        return webhooks.record_changes(feed.collection, record, account=account)
    except READ_ERRORS:
        return ()
