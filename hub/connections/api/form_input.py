"""Convert API input to the input of forms, and results of connecting to problems."""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, TypeVar

from django.views.decorators.debug import sensitive_variables

from connectors.base import Connector
from connectors.schema import Field
from hub.connections.connecting.form_results import (
    ConnectionRefused,
    ConnectionTestFailed,
    FormInput,
)
from hub.connections.credentials import account_probe, probe_checklist
from hub.connections.forms.connection_forms import ConnectorFieldsForm, CredentialUpdateForm
from hub.connections.models import Connection, Credential
from hub.crypto.sealed import CannotOpen, fingerprint
from hub.problems import Problem

# problem codes by the reason of a refusal
PROBLEM_CODES = {
    "tenant_suspended": "tenant-suspended",
    "already_connected": "already-connected",
    "changed_meanwhile": "wrong-state",
    "other_account": "other-account",
    "secret_limit": "wrong-state",
    "link_ended": "wrong-state",
}
PART_BY_IS_SECRET = {False: "settings", True: "secrets"}  # by whether a field is secret


@sensitive_variables()
def read_new_input(connector: Connector, data: Mapping[str, Any]) -> FormInput:
    """Validate the input of a new connection. Raises Problem if it is invalid."""
    return _read_form(
        ConnectorFieldsForm(
            _flatten_input(connector, data),
            connector_fields=connector.fields,
            current_values={},
            stored_document={},
        )
    )


@sensitive_variables()
def read_changed_input(connection: Connection, data: Mapping[str, Any]) -> FormInput:
    """Validate the changes of a connection; omitted fields stay.

    Raises Problem if they are invalid.
    """
    stored_document: dict[str, Any] = {}
    with suppress(CannotOpen, Credential.DoesNotExist):  # all fields are required then
        stored_document = connection.credential.open(connection)
    current_input = {
        "settings": {**connection.settings, **data.get("settings", {})},
        "secrets": data.get("secrets", {}),
    }
    form = CredentialUpdateForm(
        _flatten_input(connection.connector, current_input),
        connector_fields=connection.connector.fields,
        current_values=connection.settings,
        stored_document=stored_document,
    )
    return _read_form(form)


@sensitive_variables()
def _flatten_input(connector: Connector, data: Mapping[str, Any]) -> dict[str, Any]:
    """Flatten settings and secrets to form data; a secret that is null is marked for deletion."""
    errors = list(_find_input_errors(connector, data))
    if errors:
        raise Problem("validation-failed", errors=errors)
    flat_input: dict[str, Any] = {}
    for field in connector.fields:
        part_values = data.get(PART_BY_IS_SECRET[field.secret], {})
        if field.secret and field.key in part_values and part_values[field.key] is None:
            flat_input[f"forget_{field.key}"] = True
        elif field.key in part_values:
            flat_input[field.key] = _serialize_value(field, part_values[field.key])
    return flat_input


def _serialize_value(field: Field, value: Any) -> Any:
    return json.dumps(value) if field.kind == "json" and isinstance(value, dict) else value


def _find_input_errors(connector: Connector, data: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """Find unknown fields, and values of the wrong kind."""
    for secret, part in PART_BY_IS_SECRET.items():
        known_fields = {field.key: field for field in connector.fields if field.secret == secret}
        for key, value in data.get(part, {}).items():
            if key not in known_fields:
                yield _format_input_error(
                    f"/{part}/{key}", f"{connector.label} has no such field.", "unknown"
                )
            elif not _is_of_field_kind(known_fields[key], value):
                yield _format_input_error(
                    f"/{part}/{key}", "This is not a value of the expected kind.", "invalid"
                )


def _is_of_field_kind(field: Field, value: Any) -> bool:
    if field.kind == "flag":
        return isinstance(value, bool)
    if field.kind == "number":
        return value is None or type(value) is int
    return (
        isinstance(value, str)
        or (value is None and field.secret)
        or (field.kind == "json" and type(value) is dict)
    )


@sensitive_variables()
def _read_form(form: ConnectorFieldsForm) -> FormInput:
    if form.is_valid():
        return FormInput.from_cleaned_data(form.cleaned_data)
    secrets = {field.key for field in form.connector_fields if field.secret}
    raise Problem(
        "validation-failed",
        errors=[
            _format_input_error(
                f"/{PART_BY_IS_SECRET[key in secrets]}/{key}",
                " ".join(field_error.messages),
                field_error.code or "invalid",
            )
            for key, field_errors in form.errors.as_data().items()
            for field_error in field_errors
        ],
    )


def _format_input_error(pointer: str, detail: str, code: str) -> dict[str, str]:
    return {"pointer": pointer, "detail": detail, "code": code}


T = TypeVar("T")


def raise_if_rejected(result: T | ConnectionTestFailed | ConnectionRefused) -> T:
    """Return the result of connecting.

    Raises Problem for a failed test and for a refusal.
    """
    if isinstance(result, ConnectionTestFailed):
        raise _build_test_problem(result.probe_result)
    if isinstance(result, ConnectionRefused):
        raise Problem(PROBLEM_CODES[result.reason], result.detail)
    return result


def _build_test_problem(probe_result: account_probe.ProbeResult) -> Problem:
    if probe_result.reason == account_probe.PROBES_BUSY:
        return build_busy_problem()
    failed_step = next(
        step for step in probe_checklist.list_probe_steps(probe_result) if step.state == "failed"
    )
    return Problem(
        "test-failed",
        f"Failed check: {failed_step.label}. {failed_step.detail}",
        errors=[_format_input_error("", failed_step.detail, probe_result.reason)],
    )


def build_busy_problem() -> Problem:
    return Problem("overloaded", headers={"Retry-After": "10"})


def fingerprint_secrets(data: Mapping[str, Any]) -> dict[str, Any]:
    """Replace the secrets of a body by a fingerprint, which is the same for the same secrets."""
    secret_values = data.get("secrets")
    return (
        {**data, "secrets": fingerprint(json.dumps(secret_values, sort_keys=True))}
        if secret_values
        else dict(data)
    )
