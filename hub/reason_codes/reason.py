"""A reason code's sentence, and the action that resolves the cause."""

from collections.abc import Mapping
from typing import NamedTuple

from django.utils.translation import gettext


class Reason(NamedTuple):
    """The sentence of a reason code, and the action that resolves it (empty: none)."""

    marked_sentence: str
    marked_action: str = ""
    names: Mapping[str, str] = {}  # values that are known only when the reason occurs

    @property
    def sentence(self) -> str:
        return translate_text(self.marked_sentence, self.names)

    @property
    def action(self) -> str:
        return translate_text(self.marked_action, self.names)


def translate_text(text: str, names: Mapping[str, str] = {}) -> str:
    translated = gettext(text) if text else ""
    return translated % names if names else translated
