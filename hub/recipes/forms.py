"""The staff form that switches an integration on for a tenant."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from hub.recipes.answers import InvalidAnswers
from hub.recipes.definitions import RECIPES, Recipe
from hub.staff.forms import apply_admin_style
from tenants.models import Tenant
from tenants.scoping import changeable_rows

ANSWERS_HELP = (
    "A JSON object by the key of each question. Omitted answers are the defaults; an omitted "
    "account is the oldest that the tenant has connected."
)


class StaffIntegrationForm(forms.Form):
    folded_fields: tuple[str, ...] = ()

    tenant = forms.CharField(
        max_length=100,
        help_text="Its reference.",
        widget=forms.TextInput(attrs={"list": "tenants", "autocomplete": "off"}),
    )
    recipe = forms.ChoiceField()
    answers = forms.JSONField(initial=dict, required=False, help_text=ANSWERS_HELP)

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        self.fields["recipe"] = forms.ChoiceField(
            choices=[(recipe.key, recipe.title) for recipe in RECIPES.values()]
        )
        for field in self.fields.values():
            apply_admin_style(field)

    def clean_tenant(self) -> Tenant:
        reference = self.cleaned_data["tenant"]
        tenant: Tenant | None = (
            changeable_rows(Tenant, self.user).filter(reference=reference).first()
        )
        if tenant is None:
            raise ValidationError("There is no such tenant.")
        return tenant

    def clean_recipe(self) -> Recipe:
        return RECIPES[self.cleaned_data["recipe"]]

    def clean_answers(self) -> dict[str, Any]:
        answers = self.cleaned_data["answers"] or {}
        if not isinstance(answers, dict):
            raise ValidationError("This must be a JSON object.")
        return answers

    def add_answer_errors(self, invalid: InvalidAnswers) -> None:
        for key, error in invalid.errors.items():
            self.add_error("answers", f"{key}: {error}")
