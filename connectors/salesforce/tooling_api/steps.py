"""The steps to a message that is as wanted, and to an active flow that sends it."""

from collections.abc import Mapping
from typing import Any

from connectors.salesforce.tooling_api.requests import (
    FLOW,
    MESSAGE,
    build_activation,
    build_create,
    build_describe,
    build_flow,
    build_flow_query,
    build_identity,
    build_message,
    build_read,
    build_user_query,
)
from connectors.salesforce.webhook_types import OBJECT_NAMES
from connectors.schema import Credential
from connectors.webhook_sources import Step, WantedSubscription

ACTIVATE = "activate"  # the step that an organisation may leave to a person


def build_metadata(target: WantedSubscription, ids: Mapping[str, str]) -> Mapping[str, Any]:
    fields = ids["fields"].split(",")
    return build_message(target.key, target.url, ids["username"], fields)


def find_preparation_step(credential: Credential, key: str, ids: Mapping[str, str]) -> Step | None:
    """Return the next call that finds the fields of a message, and the user as whom it is sent."""
    if "fields" not in ids:
        object = OBJECT_NAMES[key.partition(".")[0]]
        return Step("describe", build_describe(credential, object))
    if "user_id" not in ids:
        return Step("identity", build_identity(credential))
    if "username" not in ids:
        return Step("user", build_user_query(credential, ids["user_id"]))
    return None


def find_new_version_step(
    credential: Credential, key: str, message: str, done: Mapping[str, str]
) -> Step | None:
    """Return the next call that replaces the active version of a flow; None at the end.

    A newer version that is not active is ours, which could not be activated, or a person's draft:
    it is activated, and what it does is read at the next check.
    """
    if "find" not in done:
        return Step("find", build_flow_query(credential, message))
    if done["newest_active"] and "name" not in done:
        return Step("read", build_read(credential, MESSAGE, message))
    if done["newest_active"] and "flow" not in done:
        body = build_flow(key, done["name"], message)
        return Step("flow", build_create(credential, FLOW, body))
    if "flow" in done and "find again" not in done:
        return Step("find again", build_flow_query(credential, message))
    if ACTIVATE in done:
        return None
    request = build_activation(credential, done["definition"], int(done["version"]))
    return Step(ACTIVATE, request)


def find_flow_step(
    credential: Credential, key: str, message: str, ids: Mapping[str, str]
) -> Step | None:
    """Return the next call on the way to an active flow for a message; None if it is active.

    The flow is created as a draft: if the organisation does not allow us to activate it, a person
    activates the draft.
    """
    if "definition" not in ids:
        return Step("find", build_flow_query(credential, message))
    if not ids["definition"] and "name" not in ids:
        return Step("read", build_read(credential, MESSAGE, message))
    if not ids["definition"] and "flow" not in ids:
        body = build_flow(key, ids["name"], message)
        return Step("flow", build_create(credential, FLOW, body))
    if not ids["definition"]:
        return Step("find again", build_flow_query(credential, message))
    if ids["active"]:
        return None
    version = int(ids["version"])
    return Step(ACTIVATE, build_activation(credential, ids["definition"], version))
