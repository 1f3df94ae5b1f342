"""The primary button of a connection's page, by the connection's state."""

from typing import NamedTuple

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from hub.actions import Action
from hub.connections.actions.declared_actions import CONNECTION_ACTIONS
from hub.connections.actions.queued_tests import TEST_ACTIONS
from hub.connections.models import Connection


class PrimaryAction(NamedTuple):
    """The primary button of a connection's page.

    page: a URL name below `portal:`; posts: the button submits a form instead of following a link;
    verb: the declared action that it performs.
    """

    label: str | Promise
    page: str
    icon: str
    posts: bool = False
    verb: str = ""

    def build_url(self, connection: Connection) -> str:
        assert connection.tenant is not None  # only connections of tenants have pages
        url_arguments = [self.verb] if self.verb else []
        arguments = [connection.tenant.reference, connection.public_id, *url_arguments]
        return reverse(f"portal:{self.page}", args=arguments)


def _perform(action: Action[Connection], icon: str = "play_circle") -> PrimaryAction:
    return PrimaryAction(action.label, "connection_do", icon, True, action.name)


TEST_NOW = _perform(TEST_ACTIONS["test"], "sync")
PRIMARY_ACTIONS = {
    "healthy": TEST_NOW,
    "silent": TEST_NOW,
    "degraded": TEST_NOW,
    "paused": _perform(CONNECTION_ACTIONS["resume"]),
    "switched_off": TEST_NOW,
    "disabled": _perform(CONNECTION_ACTIONS["enable"]),
    "needs_reconnect": PrimaryAction(gettext_lazy("Reconnect"), "reconnect", "sync"),
    "disconnected": PrimaryAction(gettext_lazy("Reconnect"), "reconnect", "sync"),
}

# of a connection that only receives, which cannot be tested
SHOW_SETTINGS = PrimaryAction(gettext_lazy("Settings and credential"), "reconnect", "key")


def choose_primary_action(connection: Connection, state: str) -> PrimaryAction:
    """Return the action to offer first in an effective state."""
    action = PRIMARY_ACTIONS[state]
    is_offered = action is not TEST_NOW or connection.connector.has_probe
    return action if is_offered else SHOW_SETTINGS
