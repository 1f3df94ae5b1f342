"""Forms of mappings and identities, and the fields that other forms use."""

import inspect
from typing import Any

from django import forms
from django.contrib.auth.models import AnonymousUser

from connectors.registry import CONNECTORS
from connectors.roles import Action
from hub.mappings.compiler_cache import compiled_filter
from hub.mappings.expressions.functions import Functions
from hub.mappings.identity_pairs import (
    Pair,
    describe_pair_conflict,
    find_owners,
    find_pair_problems,
)
from hub.mappings.models import FieldMapping, Identity
from hub.mappings.translate import MappingError
from tenants.forms import TenantField
from tenants.models import User

TARGETS = [
    (
        connector.label,
        [(f"{connector.key}.{action.key}", action.label) for action in connector.actions],
    )
    for connector in CONNECTORS.values()
    if connector.actions
]


def find_target_action(target: str) -> Action:
    """Return the action of a name such as "slack.post_message". Raises LookupError if unknown."""
    connector, _, action = target.partition(".")
    return CONNECTORS[connector].action(action)


def list_function_help() -> list[tuple[str, str]]:
    """List our own functions with their docstrings."""
    functions = {name.removeprefix("_func_"): method for name, method in vars(Functions).items()}
    help_texts = {
        name: inspect.cleandoc(method.__doc__)
        for name, method in functions.items()
        if getattr(method, "__doc__", "")
    }
    return sorted(
        (name, text) for name, text in help_texts.items() if name in Functions.FUNCTION_TABLE
    )


class TargetForm(forms.ModelForm):
    """A form of a row for one action of a connector, of one tenant or of all."""

    ALL_TENANTS_HELP = "Leave empty for all tenants."

    user: User | AnonymousUser  # set by the page

    tenant = TenantField(required=False)
    target = forms.ChoiceField(label="Action", choices=[("", "Choose an action"), *TARGETS])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "tenant" in self.fields:
            tenant = self.fields["tenant"]
            assert isinstance(tenant, TenantField)
            tenant.for_user(self.user, self.ALL_TENANTS_HELP)
        if self.instance.pk:
            owner = self.instance.tenant
            self.initial["tenant"] = owner.reference if owner else ""
            self.initial["target"] = build_target(self.instance)

    def clean(self) -> dict[str, Any]:
        super().clean()
        if target := self.cleaned_data.get("target"):
            self.instance.connector_key, _, self.instance.action = target.partition(".")
        return self.cleaned_data


def build_target(mapping_or_route: Any) -> str:
    return f"{mapping_or_route.connector_key}.{mapping_or_route.action}"


class MappingForm(TargetForm):
    """Whose a new mapping is and for which action, which never change: routes depend on them."""

    class Meta:
        model = FieldMapping
        fields = ("tenant",)

    def __init__(self, *args: Any, user: User | AnonymousUser, **kwargs: Any) -> None:
        self.user = user
        super().__init__(*args, **kwargs)


class IdentityForm(forms.ModelForm):
    class Meta:
        model = Identity
        fields = ("connection", "kind", "local_id", "remote_id", "name")

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if data.keys() >= {"connection", "kind", "local_id", "remote_id"}:
            pair = Pair(data["kind"], data["local_id"], data["remote_id"], data.get("name", ""))
            for field, problem in find_pair_problems(data["connection"], pair).items():
                self.add_error(field, problem)
            for owner in find_owners(data["connection"], [pair]).values():
                if owner != self.initial.get("local_id"):
                    self.add_error("remote_id", describe_pair_conflict(owner))
        return data


class FilterField(forms.CharField):
    """A JMESPath expression, cleaned to its text; it is invalid if it does not compile."""

    noun = "filter"

    widget = forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "data-code": ""})

    def clean(self, value: Any) -> str:
        text: str = super().clean(value)
        try:
            if text:
                compiled_filter(text)
        except MappingError as error:
            raise forms.ValidationError(f"The {self.noun} {error.message}.") from None
        return text


class OrderKeyField(FilterField):
    noun = "order key"
