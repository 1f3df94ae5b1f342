"""The webhooks of Splunk's alerts: a person adds our URL to each alert."""

from collections.abc import Collection, Mapping

from connectors.i18n import _
from connectors.webhook_sources import Subscriptions

ALERTS = "alerts"


class SplunkWebhookSubscriptions(Subscriptions):
    is_manual = True
    guide = (
        _(
            "From Splunk Enterprise 9.0 on, an administrator allows our address first: add "
            "allowlist.hub = followed by the address to the section [webhook] of "
            "alert_actions.conf. In Splunk Cloud: Settings, Server settings, Webhook allow list."
        ),
        _("In Splunk, open Settings, then Searches, reports, and alerts, and edit an alert."),
        _(
            "Under Trigger, select Once for one event for each alert, or For each result for one "
            "for each result. Results of one search with the same content count as one."
        ),
        _("Under Trigger Actions, select Add Actions, then Webhook, and enter this URL: %(url)s"),
        _(
            "So that the hub can read alerts that it has missed, also add the action Add to "
            "Triggered Alerts, let it expire after 24 hours, and enter management URL and token "
            "in the connection."
        ),
        _(
            "The URL is the secret: whoever knows it can send alerts. If others have seen it, "
            "rotate it here and enter the new one in each alert."
        ),
    )

    def list_wanted_registrations(
        self, event_types: Collection[str]
    ) -> Mapping[str, tuple[str, ...]]:
        return {ALERTS: tuple(sorted(event_types))} if event_types else {}
