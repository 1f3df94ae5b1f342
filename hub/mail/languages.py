"""The language of a mail: the recipient's choice, or the default language of the hub."""

from collections.abc import Callable

from django.conf import settings

LanguageFinder = Callable[[str], str]

_finders: list[LanguageFinder] = []


def register_language_finder(finder: LanguageFinder) -> None:
    """Ask `finder` for the language that an e-mail address has chosen; it returns "" for none."""
    if finder not in _finders:
        _finders.append(finder)


def choose_mail_language(address: str) -> str:
    """Return the language code of mails to this address, whatever language a request has."""
    available = dict(settings.LANGUAGES)
    found = (finder(address) for finder in _finders)
    return next((language for language in found if language in available), settings.LANGUAGE_CODE)
