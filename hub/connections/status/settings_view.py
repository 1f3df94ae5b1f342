"""The settings of a connection for display; for a secret only whether it is stored."""

from typing import Any, NamedTuple

from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from connectors.schema import Field
from hub.connections.models import Connection, Credential
from hub.crypto.sealed import CannotOpen
from hub.reason_codes import translate_text


class DisplayedSetting(NamedTuple):
    label: str
    text: str
    is_literal: bool = False  # shown as entered, to be copied


@sensitive_variables()
def list_displayed_settings(connection: Connection) -> list[DisplayedSetting]:
    """List the settings, without optional ones that are empty."""
    try:
        stored = set(connection.credential.open(connection))
    except (CannotOpen, Credential.DoesNotExist):
        stored = set()
    values = read_public_settings(connection)
    entries = (
        _describe_secret(field, stored)
        if field.secret
        else _describe_setting(field, values.get(field.key))
        for field in connection.connector.fields
    )
    return [entry for entry in entries if entry]


def read_public_settings(connection: Connection) -> dict[str, Any]:
    """Return the stored settings that the connector declares and that are no secrets, by key."""
    stored_settings = connection.settings
    return {
        field.key: stored_settings[field.key]
        for field in connection.connector.fields
        if not field.secret and field.key in stored_settings
    }


def _describe_secret(field: Field, stored: set[str]) -> DisplayedSetting | None:
    if field.key in stored:
        return DisplayedSetting(translate_text(field.label), _("stored, never shown"))
    return DisplayedSetting(translate_text(field.label), _("not set")) if field.required else None


def _describe_setting(field: Field, value: Any) -> DisplayedSetting | None:
    if field.kind == "flag":
        return DisplayedSetting(translate_text(field.label), _("yes") if value else _("no"))
    if value in (None, ""):
        return None
    if field.kind == "choice":
        return DisplayedSetting(
            translate_text(field.label), translate_text(dict(field.choices).get(value, value))
        )
    return DisplayedSetting(
        translate_text(field.label), str(value), is_literal=field.kind in ("url", "text")
    )
