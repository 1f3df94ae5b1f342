"""What a program fills in, read by the same forms as on the pages, and tested before anything is kept."""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, ClassVar

from django.views.decorators.debug import sensitive_variables
from rest_framework.views import APIView

from connectors.base import Connector
from connectors.parts import Field
from hub import egress
from hub.connections import checks, probe
from hub.connections.forms import MendForm, Stated
from hub.connections.models import Connection, Credential
from hub.problems import Problem
from hub.secrets import CannotOpen, fingerprint

PARTS = {False: "settings", True: "secrets"}  # by whether a field is secret


class CallingView(APIView):
    """It asks another system before it answers."""

    call: ClassVar[probe.Call] = staticmethod(egress.outward)  # the way to the network


@sensitive_variables()
def new(connector: Connector, said: Mapping[str, Any]) -> dict[str, Any]:
    """`settings`, and the `document` to be sealed."""
    return read(Stated(values(connector, said), stated=connector.fields, known={}, kept={}))


@sensitive_variables()
def changed(connection: Connection, said: Mapping[str, Any]) -> dict[str, Any]:
    """The same for a connection that is there: what is left out stays."""
    kept: dict[str, Any] = {}
    with suppress(CannotOpen, Credential.DoesNotExist):  # then all of it is filled in again
        kept = connection.credential.open(connection)
    known = {"settings": {**connection.settings, **said.get("settings", {})}, "secrets": said.get("secrets", {})}
    form = MendForm(
        values(connection.connector, known), stated=connection.connector.fields, known=connection.settings, kept=kept
    )
    return read(form)


@sensitive_variables()
def values(connector: Connector, said: Mapping[str, Any]) -> dict[str, Any]:
    """As a form takes them: flat, and a secret that is null is to be forgotten."""
    errors = list(strange(connector, said))
    if errors:
        raise Problem("validation-failed", errors=errors)
    found: dict[str, Any] = {}
    for field in connector.fields:
        given = said.get(PARTS[field.secret], {})
        if field.secret and field.key in given and given[field.key] is None:
            found[f"forget_{field.key}"] = True
        elif field.key in given:
            found[field.key] = text(field, given[field.key])
    return found


def text(field: Field, value: Any) -> Any:
    return json.dumps(value) if field.kind == "json" and isinstance(value, dict) else value


def strange(connector: Connector, said: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """What its connector does not know, and what is not of its kind."""
    for secret, part in PARTS.items():
        stated = {field.key: field for field in connector.fields if field.secret == secret}
        for key, value in said.get(part, {}).items():
            if key not in stated:
                yield error(f"/{part}/{key}", f"{connector.label} has no such field.", "unknown")
            elif not fits(stated[key], value):
                yield error(f"/{part}/{key}", "This is not the kind of value that is meant here.", "invalid")


def fits(field: Field, value: Any) -> bool:
    if field.kind == "flag":
        return isinstance(value, bool)
    if field.kind == "number":
        return value is None or type(value) is int
    return isinstance(value, str) or (value is None and field.secret) or (field.kind == "json" and type(value) is dict)


@sensitive_variables()
def read(form: Stated) -> dict[str, Any]:
    if form.is_valid():
        return form.cleaned_data
    secrets = {field.key for field in form.stated if field.secret}
    raise Problem(
        "validation-failed",
        errors=[
            error(f"/{PARTS[key in secrets]}/{key}", " ".join(wrong.messages), wrong.code or "invalid")
            for key, found in form.errors.as_data().items()
            for wrong in found
        ],
    )


def error(pointer: str, detail: str, code: str) -> dict[str, str]:
    return {"pointer": pointer, "detail": detail, "code": code}


@sensitive_variables()
def tested(row: Connection, document: Mapping[str, Any], *, call: probe.Call, now: datetime) -> probe.Finding:
    """One that passed. No transaction is open while the other system is asked."""
    finding = probe.probe(row, document, call=call, now=now)
    if finding.reason == probe.BUSY:
        raise too_many_tests()
    if not finding.lives:
        failed = next(step for step in checks.steps(finding) if step.state == "failed")
        detail = f"Not passed: {failed.label}. {failed.detail}"
        raise Problem("test-failed", detail, errors=[error("", failed.detail, finding.reason)])
    return finding


def too_many_tests() -> Problem:
    return Problem("overloaded", headers={"Retry-After": "10"})


def without_secrets(said: Mapping[str, Any]) -> dict[str, Any]:
    """Of a body: the same for the same secrets, and it tells none."""
    told = said.get("secrets")
    return {**said, "secrets": fingerprint(json.dumps(told, sort_keys=True))} if told else dict(said)
