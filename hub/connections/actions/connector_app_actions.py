"""Save our registration at an external system, audited; the admin calls it."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.views.decorators.debug import sensitive_variables

from hub.audit import ActorContext
from hub.connections.credentials.signing_secrets import merge_overlapping_secrets
from hub.connections.models import ConnectorApp
from hub.crypto.sealed import CannotOpen
from hub.hooks import Hook
from hub.queue import wake_up

APP_WEBHOOK_URL: Hook[Callable[[str], str]] = (
    Hook()
)  # the URL of a connector's webhooks, by its key


@transaction.atomic
@sensitive_variables()
def save_connector_app(
    app: ConnectorApp,
    document: Mapping[str, Any],
    actor: ActorContext,
    *,
    urls: Mapping[str, str],
    hosts: Collection[str],
    ends_overlap: bool = False,
    now: datetime,
) -> None:
    """Store the base URLs, the allowed hosts and the sealed document, with client id and secret.

    A replaced signing secret is valid for another 24 hours, unless `ends_overlap`. The audit row
    names the keys of the document, not its values. Raises TooManySigningSecrets.
    """
    is_new = app.pk is None
    before = None if is_new else {"urls": app.urls, "hosts": app.hosts}
    app.urls, app.hosts = dict(urls), list(hosts)
    app.seal(_merge_signing_secrets(app, document, ends_overlap=ends_overlap, now=now))
    app.save()
    after = {"urls": app.urls, "hosts": app.hosts, "filled_in": sorted(document)}
    if ends_overlap:
        after["overlap_ended"] = True
    verb = f"connectorapp.{'create' if is_new else 'change'}"
    actor.audit(verb, app, before=before, after=after, now=now)
    wake_up("drain", now=now)


@sensitive_variables()
def _merge_signing_secrets(
    app: ConnectorApp, document: Mapping[str, Any], *, ends_overlap: bool, now: datetime
) -> dict[str, Any]:
    """Return the document with the former signing secrets still valid; none if it does not open."""
    try:
        stored = {} if ends_overlap else app.open()
    except CannotOpen:
        stored = {}
    return merge_overlapping_secrets(stored, document, now=now)
