"""Form fields of the fields of a connector, with their validators."""

import json
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from connectors.schema import LOGIN_HOST, Field
from hub import egress, staff
from hub.reason_codes import translate_text


def validate_address(value: str) -> None:
    try:
        egress.check_url(value, egress.load_rules())
    except egress.EgressRefused as refused:
        raise ValidationError(str(refused)) from None


def validate_json_object(value: str) -> None:
    try:
        parsed = json.loads(value)
    except ValueError:
        raise ValidationError(_("This is not JSON.")) from None
    if not isinstance(parsed, dict):
        raise ValidationError(_('This is not a JSON object such as {"name": "value"}.'))


def validate_address_with_login_host(value: str) -> None:
    """Validate a base URL with a placeholder for the login host."""
    if LOGIN_HOST not in value:
        raise ValidationError(
            _("Must contain %(part)s, which is replaced with each customer's own host.")
            % {"part": LOGIN_HOST}
        )
    validate_address(value.replace(LOGIN_HOST, "login-host.example.com"))


VALIDATORS = {"url": [validate_address], "json": [validate_json_object]}


def build_form_field(field: Field, *, value: Any = None, stored: bool = False) -> forms.Field:
    """Build the form field.

    `stored`: a secret is stored, which an empty field leaves unchanged.
    """
    label, help_text = translate_text(field.label), translate_text(field.help)
    if field.kind == "flag":
        return forms.BooleanField(
            label=label, help_text=help_text, required=False, initial=bool(value)
        )
    if field.kind == "choice":
        choices = [(key, translate_text(choice)) for key, choice in field.choices]
        return forms.ChoiceField(
            label=label,
            help_text=help_text,
            choices=choices,
            required=field.required,
            initial=value or field.default,
        )
    if field.kind == "number":
        return forms.IntegerField(
            label=label,
            help_text=help_text,
            required=field.required,
            initial=value,
            min_value=1,
            max_value=field.maximum,
        )
    return _build_text_field(field, value=value, stored=stored)


def _build_text_field(field: Field, *, value: Any, stored: bool) -> forms.CharField:
    """Build the form field of a text, an address, JSON or a secret."""
    validators = list(VALIDATORS.get(field.kind, []))
    if field.pattern:
        validators.append(
            RegexValidator(rf"\A(?:{field.pattern})\Z", _("This value is not allowed."))
        )
    hint = gettext("Stored, never shown. Leave empty to keep the stored value.") if stored else ""
    return forms.CharField(
        label=translate_text(field.label),
        help_text=" ".join(filter(None, (translate_text(field.help), hint))),
        required=field.required and not stored,
        validators=validators,
        widget=staff.WriteOnlyInput() if field.secret else forms.TextInput(),
        initial=None if field.secret else (value or field.default),
        max_length=10_000,
    )
