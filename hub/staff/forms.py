"""Forms of the staff pages, styled as the pages around them."""

from typing import Any

from django import forms
from django.contrib.admin.widgets import AutocompleteSelect
from django.db import models
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import (
    CHECKBOX_CLASSES,
    INPUT_CLASSES,
    RADIO_CLASSES,
    SELECT_CLASSES,
    TEXTAREA_CLASSES,
)

from hub import actions

__all__ = [
    "AdminPasswordChangeForm",
    "ActionForm",
    "UserChangeForm",
    "UserCreationForm",
    "WriteOnlyInput",
    "build_related_field",
    "apply_admin_style",
    "build_staff_form",
]

WIDGET_CLASSES = (
    (forms.CheckboxSelectMultiple, ()),
    (forms.RadioSelect, RADIO_CLASSES),
    (forms.CheckboxInput, CHECKBOX_CLASSES),
    (forms.Select, SELECT_CLASSES),
    (forms.Textarea, TEXTAREA_CLASSES),
    (forms.Widget, INPUT_CLASSES),
)


class WriteOnlyInput(forms.PasswordInput):
    """An input for a secret: its value is never rendered, not even after an error."""

    def __init__(self) -> None:
        super().__init__(
            attrs={"autocomplete": "new-password", "spellcheck": "false"}, render_value=False
        )


def apply_admin_style(field: forms.Field) -> forms.Field:
    """Style the field's widget as in the admin; return the field."""
    classes = next(
        classes for widget_type, classes in WIDGET_CLASSES if isinstance(field.widget, widget_type)
    )
    field.widget.attrs["class"] = " ".join(classes)
    return field


class ActionForm(actions.ActionForm):
    """The form that asks staff for an action's data."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            apply_admin_style(field)


class AuditReasonForm(ActionForm):
    """Asks for the reason of an action."""

    reason = forms.CharField(max_length=300, help_text="Kept in the audit log.")


def build_staff_form(
    form_class: type[actions.ActionForm], *args: Any, **kwargs: Any
) -> actions.ActionForm:
    """Return a form of customers in the style of the staff pages; staff have to give a reason."""
    form = form_class(*args, **kwargs)
    for field in form.fields.values():
        apply_admin_style(field)
    if "reason" in form.fields:
        form.fields["reason"].required = True
    return form


def build_related_field(
    column: Any, site: Any, rows: models.QuerySet, **options: Any
) -> forms.ModelChoiceField:
    """Build a field that selects a related row by search; `column` is its foreign key."""
    widget = AutocompleteSelect(column, site, attrs={"class": "unfold-admin-autocomplete"})
    return forms.ModelChoiceField(rows, widget=widget, **options)
