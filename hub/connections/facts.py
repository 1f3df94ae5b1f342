"""What is set at a connection, in words: settings as they are, of a secret only whether there is one."""

from typing import NamedTuple

from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from connectors.parts import Field
from hub.connections.models import Connection, Credential
from hub.secrets import CannotOpen
from hub.words import said


class Fact(NamedTuple):
    label: str
    text: str
    literal: bool = False  # as it was filled in, to be copied


@sensitive_variables()
def facts(connection: Connection) -> list[Fact]:
    """What nobody filled in and nothing needs is left out."""
    try:
        stored = set(connection.credential.open(connection))
    except (CannotOpen, Credential.DoesNotExist):
        stored = set()
    told = (
        secret(field, stored) if field.secret else setting(field, connection) for field in connection.connector.fields
    )
    return [fact for fact in told if fact]


def secret(field: Field, stored: set[str]) -> Fact | None:
    if field.key in stored:
        return Fact(said(field.label), _("stored, and never shown"))
    return Fact(said(field.label), _("not filled in")) if field.required else None


def setting(field: Field, connection: Connection) -> Fact | None:
    value = connection.settings.get(field.key)
    if field.kind == "flag":
        return Fact(said(field.label), _("yes") if value else _("no"))
    if value in (None, ""):
        return None
    if field.kind == "choice":
        return Fact(said(field.label), said(dict(field.choices).get(value, value)))
    return Fact(said(field.label), str(value), literal=field.kind in ("url", "text"))
