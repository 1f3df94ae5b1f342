"""Save our registration at an external system, audited; the admin calls it."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.views.decorators.debug import sensitive_variables

from hub.audit import ActorContext
from hub.connections.models import ConnectorApp
from hub.queue import wake_up


@transaction.atomic
@sensitive_variables()
def save_connector_app(
    app: ConnectorApp,
    document: Mapping[str, Any],
    actor: ActorContext,
    *,
    urls: Mapping[str, str],
    hosts: Collection[str],
    now: datetime,
) -> None:
    """Store the base URLs, the allowed hosts and the sealed document, with client id and secret.

    The audit row names the keys of the document, not its values.
    """
    is_new = app.pk is None
    before = None if is_new else {"urls": app.urls, "hosts": app.hosts}
    app.urls, app.hosts = dict(urls), list(hosts)
    app.seal(dict(document))
    app.save()
    after = {"urls": app.urls, "hosts": app.hosts, "filled_in": sorted(document)}
    verb = f"connectorapp.{'create' if is_new else 'change'}"
    actor.audit(verb, app, before=before, after=after, now=now)
    wake_up("drain", now=now)
