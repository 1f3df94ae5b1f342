"""The language of a mail: the recipient's choice, or the default language of the hub."""

from collections.abc import Callable

from django.conf import settings

LanguageFinder = Callable[[str], str]

_finders: list[LanguageFinder] = []


def register_language_finder(finder: LanguageFinder) -> None:
    """Register a function that returns the language chosen by an e-mail address; "" if none."""
    if finder not in _finders:
        _finders.append(finder)


def choose_mail_language(address: str) -> str:
    """Return the language code for mails to this address, independent of the request's language."""
    available = dict(settings.LANGUAGES)
    found = (finder(address) for finder in _finders)
    return next((language for language in found if language in available), settings.LANGUAGE_CODE)
