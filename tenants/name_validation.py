"""Validation of names of users, API keys and organisations: one line without an address."""

import re
import unicodedata

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

WEB_ADDRESS = re.compile(r"://|\bwww\.", re.IGNORECASE)
# categories: controls, direction marks, ends of lines, lone surrogates
HIDDEN_CATEGORIES = {"Cc", "Cf", "Zl", "Zp", "Cs"}
JOINERS = "\u200c\u200d"  # within emoji, and letters of some scripts


def validate_name(value: str) -> None:
    """Raise ValidationError if the name could look like a line or link of ours in a mail."""
    if any(
        unicodedata.category(character) in HIDDEN_CATEGORIES and character not in JOINERS
        for character in value
    ):
        raise ValidationError(
            _("A name is one line of text, without control characters."), code="invalid"
        )
    if WEB_ADDRESS.search(value):
        raise ValidationError(_("A name cannot contain a web address."), code="invalid")
