"""Every connector and every action of the registry, as parameters of tests."""

import pytest

from connectors.registry import CONNECTORS
from connectors.roles import Action
from tests.connectors.recorded import message, rendered

SAYS_BY_STATUS = {"app", "webhook"}  # they answer no JSON
BACK, VERIFIER = "https://hub.test/connect/acme/callback", "v" * 43
APP = {"client_id": "id", "client_secret": "secret"}

ACTIONS = [(connector, action) for connector in CONNECTORS.values() for action in connector.actions]
each = pytest.mark.parametrize(
    "connector", CONNECTORS.values(), ids=lambda connector: connector.key
)
each_action = pytest.mark.parametrize(
    ("connector", "action"),
    ACTIONS,
    ids=[f"{connector.key}-{action.key}" for connector, action in ACTIONS],
)


def build_example_message(action, **changes):
    return message(rendered(action.example or action.default), ticket="7:1764072000", **changes)


def needs_confirmation(action):
    return type(action).confirm_request is not Action.confirm_request
