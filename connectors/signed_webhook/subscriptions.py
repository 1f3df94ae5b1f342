"""Webhooks of a sender unknown to us: a person registers our URL there."""

from collections.abc import Collection, Mapping

from connectors.i18n import _
from connectors.webhook_sources import Subscriptions

WEBHOOK = "webhook"


class SignedWebhookSubscriptions(Subscriptions):
    is_manual = True
    guide = (
        _("In the system that sends, add a webhook with this URL: %(url)s"),
        _("Choose JSON as the format, and the events that you need."),
        _(
            "If the system shows its own signing secret, enter it here under Settings of this "
            "connection. If it asks for one, enter the signing secret of this connection there."
        ),
        _("Send a test event. It appears in the log of incoming events."),
    )

    def list_wanted_registrations(
        self, event_types: Collection[str]
    ) -> Mapping[str, tuple[str, ...]]:
        return {WEBHOOK: tuple(sorted(event_types))} if event_types else {}
