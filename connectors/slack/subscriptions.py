"""The registration at Slack: one for the app, entered by staff. No API reports if it is enabled."""

from collections.abc import Collection, Mapping

from connectors.i18n import _
from connectors.webhook_sources import Subscriptions

APP = "app"


class SlackSubscriptions(Subscriptions):
    is_manual = True
    guide = (
        _(
            "Open api.slack.com/apps and select the app. The quickest way is App Manifest: paste "
            "the manifest that the page of the connector app shows, and save."
        ),
        _(
            "Or by hand: Event Subscriptions, turn on Enable Events, and enter as Request URL: "
            "%(url)s. Slack checks it at once and shows Verified."
        ),
        _(
            "Under Subscribe to bot events, add app_mention, message.im, app_uninstalled and "
            "tokens_revoked, and save."
        ),
        _("Interactivity & Shortcuts: turn it on, and enter the same URL as Request URL."),
        _("Slash Commands: create each command with the same URL as Request URL."),
        _(
            "Slack turns events off for the whole app if more than 95 %% of them fail within an "
            "hour, and only says so by mail to the app's owner. If no events arrive, look at "
            "Event Subscriptions and turn them on again."
        ),
        _(
            "Workspaces that installed the app earlier authorize it again, to grant the new "
            "permissions. Until then they keep receiving your messages."
        ),
    )

    def list_wanted_registrations(
        self, event_types: Collection[str]
    ) -> Mapping[str, tuple[str, ...]]:
        return {APP: tuple(sorted(event_types))} if event_types else {}
