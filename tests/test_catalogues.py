"""Each language of the hub has a catalogue, compiled from the file that translators edit."""

import ast
import gettext
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import translation

from hub.portal.navigation import SECTIONS

LANGUAGES = [code for code, _label in settings.LANGUAGES if code != "en"]
ENTRY = re.compile(r'^msgid (".*")\n(?:msgid_plural (".*")\n)?((?:msgstr.* ".*"\n)+)', re.M)


def catalogue_of(language):
    return Path(settings.LOCALE_PATHS[0]) / language / "LC_MESSAGES" / "django.po"


def entries(path):
    """Return the source texts with their translations."""
    for singular, _plural, translated in ENTRY.findall(path.read_text() + "\n"):
        texts = [ast.literal_eval(line.split(" ", 1)[1]) for line in translated.splitlines()]
        if source := ast.literal_eval(singular):
            yield source, texts


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_compiled_catalogue_has_the_texts_of_its_source(language):
    path = catalogue_of(language)
    with path.with_suffix(".mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    found = dict(entries(path))
    assert len(found) > 300
    for source, texts in found.items():
        shown = compiled.gettext(source) if len(texts) == 1 else compiled.ngettext(source, "", 1)
        assert shown == texts[0]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_main_navigation_is_translated(language):
    untranslated = [str(section.label) for section in SECTIONS]
    with translation.override(language):
        assert all(str(section.label) not in untranslated for section in SECTIONS)
