"""The form of a recipe's questions, with the lists of an account that were read."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from hub.connections.models import Connection
from hub.portal.offered_choices import OTHER_RECORD_LABEL, OfferedChoices
from hub.recipes.answers import MAX_TEXT_LENGTH, InvalidAnswers
from hub.recipes.definitions import CONNECTION, Question, Recipe
from hub.recipes.running import format_hour

OTHER_SUFFIX = "_other"  # ends the name of the field for a record that is not listed


class AnswerForm(forms.Form):
    """The questions of a recipe. The account is asked for if there are several to choose from."""

    def __init__(
        self,
        *args: Any,
        recipe: Recipe,
        connections: Mapping[str, Sequence[Connection]],
        choices: Mapping[str, OfferedChoices],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.recipe, self.choices = recipe, choices
        # another account has another list, which is shown after sending
        self.use_required_attribute = all(len(usable) < 2 for usable in connections.values())
        for question in recipe.questions:
            if question.kind == CONNECTION:
                self._add_account_field(question, connections[question.key])
            elif question.kind == "choice":
                self._add_choice_field(question, choices[question.key])
            else:
                self.fields[question.key] = build_field(question)

    def _add_account_field(self, question: Question, connections: Sequence[Connection]) -> None:
        if len(connections) > 1:
            rows = [(str(connection.public_id), str(connection)) for connection in connections]
            self.fields[question.key] = forms.ChoiceField(label=question.label, choices=rows)

    def _add_choice_field(self, question: Question, offered: OfferedChoices) -> None:
        """Add a list to choose from, and a field for the id of a record that is not listed."""
        is_whole_list = bool(offered.rows) and offered.is_complete
        if offered.rows:
            rows = [("", _("Choose one")), *offered.rows]
            self.fields[question.key] = forms.ChoiceField(
                label=question.label,
                help_text=question.help,
                choices=rows,
                required=question.is_required and is_whole_list,
            )
        if not is_whole_list:
            self.fields[question.key + OTHER_SUFFIX] = forms.CharField(
                label=str(OTHER_RECORD_LABEL) if offered.rows else question.label,
                help_text="" if offered.rows else question.help,
                max_length=MAX_TEXT_LENGTH,
                required=question.is_required and not offered.rows,
            )
        if self.initial.get(question.key) in dict(offered.rows):
            self.initial.pop(question.key + OTHER_SUFFIX, None)

    @property
    def alternatives(self) -> set[str]:
        """Return the names of fields that come in pairs.

        One of each pair must be filled in, so neither is marked as optional.
        """
        required = {question.key for question in self.recipe.questions if question.is_required}
        pairs = [(key, key + OTHER_SUFFIX) for key in self.choices if key in required]
        return {name for pair in pairs if self.fields.keys() >= set(pair) for name in pair}

    @property
    def answers(self) -> dict[str, Any]:
        """The answers of a valid form; an entered id takes precedence over a chosen record."""
        data = self.cleaned_data
        answers = {key: data[key] for key in self.fields if not key.endswith(OTHER_SUFFIX)}
        for key in self.choices:
            answers[key] = data.get(key + OTHER_SUFFIX) or data.get(key, "")
        return answers

    @property
    def names(self) -> dict[str, str]:
        """The names of the chosen records, to show them later."""
        answers = self.answers
        return {key: dict(self.choices[key].rows).get(answers[key], "") for key in self.choices}

    def add_answer_errors(self, invalid: InvalidAnswers) -> None:
        """Add the errors of the answers to their fields."""
        for key, error in invalid.errors.items():
            known_names = [name for name in (key, key + OTHER_SUFFIX) if name in self.fields]
            self.add_error(known_names[0] if known_names else None, error)


def build_field(question: Question) -> forms.Field:
    options: dict[str, Any] = {
        "label": question.label,
        "help_text": question.help,
        "initial": question.default,
        "required": question.is_required,
    }
    if question.kind == "hour":
        hours = [(str(hour), format_hour(hour)) for hour in range(24)]
        return forms.ChoiceField(choices=hours, **options)
    if question.kind == "select":
        rows = [(option.value, option.label) for option in question.options]
        return forms.ChoiceField(choices=rows, **options)
    return forms.CharField(max_length=MAX_TEXT_LENGTH, **options)


def build_initial(answers: Mapping[str, Any]) -> dict[str, str]:
    """Return the initial values of the fields for answers that are stored."""
    values = {key: str(value) for key, value in answers.items()}
    return values | {key + OTHER_SUFFIX: value for key, value in values.items()}
