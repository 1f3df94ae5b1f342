"""Login hosts: the common login of a kind of account, or a customer's own host."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from connectors.base import Connector
from connectors.registry import CONNECTORS
from hub.connections.models import Connection, ConnectorApp
from hub.problems import Refusal
from hub.reason_codes import translate_text

# the value of the environment's choice for a login host of the customer's own
LOGIN_HOST_CHOICE = "login_host"
SHOWN_INPUT_LENGTH_MAX = 200  # characters of the entered host that are shown again


class LoginHostRefused(Refusal):
    """The login host is not allowed."""

    code, field = "validation-failed", "login_host"

    def __init__(self, sentence: str, login_host: str) -> None:
        super().__init__(sentence)
        self.login_host = login_host[:SHOWN_INPUT_LENGTH_MAX]


def read_login_host(connector: Connector, text: str, environment: str = "") -> tuple[str, str]:
    """Return the normalized host and the environment of its accounts.

    `environment`: the environment that was chosen, or "". Raises LoginHostRefused for a host that
    is not a login host of the system, or belongs to another environment.
    """
    login_host = connector.login_host
    if login_host is None:
        raise LoginHostRefused(
            _("%(system)s has no customer login hosts.") % {"system": connector.label}, text
        )
    host = text.strip(" ").lower() if text.isascii() else text
    host_environment = login_host.environment_of(host)
    if not host_environment:
        sentence = _(
            "This is not a login host of %(system)s. Enter the host alone, such as %(example)s."
        )
        raise LoginHostRefused(
            sentence % {"system": connector.label, "example": login_host.example}, text
        )
    if environment and environment != host_environment:
        kind = connector.environment(host_environment)
        sentence = _("This login host belongs to another kind of account: %(kind)s.")
        raise LoginHostRefused(
            sentence % {"kind": translate_text(kind.label) if kind else host_environment}, text
        )
    return host, host_environment


def read_offered_login_host(app: ConnectorApp, text: str, environment: str = "") -> tuple[str, str]:
    """Do the same as `read_login_host`, if the patterns of our app allow login hosts.

    Raises LoginHostRefused as `read_login_host` does, and if the patterns do not allow login hosts.
    """
    connector = CONNECTORS[app.connector_key]
    host, host_environment = read_login_host(connector, text, environment)
    if not app.has_login_hosts:
        sentence = _("The connector app of %(system)s does not allow customer login hosts.")
        raise LoginHostRefused(sentence % {"system": connector.label}, text)
    return host, host_environment


def login_host_of(connection: Connection) -> str:
    return str(connection.settings.get("login_host") or "")


def read_chosen_login(data: Mapping[str, Any]) -> dict[str, Any]:
    """Read the fields of connections/environments.html as options of `begin_authorization`."""
    environment = data.get("environment", "")
    if environment == LOGIN_HOST_CHOICE:
        return {"environment": "", "login_host": data.get("login_host", "")}
    return {"environment": environment, "login_host": None}


def build_login_choices(
    connector: Connector, *, environment: str = "", login_host: str = "", error: str = ""
) -> dict[str, Any]:
    """Build the context of connections/environments.html: choices and current value; one query."""
    app = (
        ConnectorApp.objects.filter(connector_key=connector.key).first()
        if connector.environments
        else None
    )
    offered = app.environments if app else ()
    own_login = connector.login_host if app and app.has_login_hosts else None
    at_login_host = own_login and (login_host or error)
    return {
        "environments": offered if own_login or len(offered) > 1 else (),
        "own_login": own_login,
        "chosen": LOGIN_HOST_CHOICE if at_login_host else environment,
        "login_host": login_host,
        "login_host_error": error,
    }
