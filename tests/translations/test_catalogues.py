"""Each language of the hub has a catalogue, compiled from the file that translators edit."""

import ast
import gettext
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import translation

from hub.portal.navigation import SECTIONS
from tests.translations.marked_texts import (
    find_marked_texts,
    find_python_texts,
    find_template_texts,
)

LANGUAGES = [code for code, _label in settings.LANGUAGES if code != "en"]
ENTRY = re.compile(r'^msgid (".*")\n(?:msgid_plural (".*")\n)?((?:msgstr.* ".*"\n)+)', re.M)
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%%|%[sd]|\{\w+\}")


def catalogue_of(language):
    return Path(settings.LOCALE_PATHS[0]) / language / "LC_MESSAGES" / "django.po"


def read_messages(path):
    """Yield each source text, its plural or an empty text, and the translations."""
    for singular, plural, translated in ENTRY.findall(path.read_text() + "\n"):
        texts = [ast.literal_eval(line.split(" ", 1)[1]) for line in translated.splitlines()]
        if source := ast.literal_eval(singular):
            yield source, ast.literal_eval(plural or '""'), texts


def entries(path):
    """Return the source texts with their translations."""
    return ((source, texts) for source, _plural, texts in read_messages(path))


def find_untranslated_texts(marked, path):
    """Return the texts that have no entry; a text with a plural needs one of its own."""
    singulars, plurals = set(), set()
    for source, plural, texts in read_messages(path):
        assert all(texts), source
        singulars.add(source)
        plurals.add((source, plural))
    return {
        message: file
        for message, file in marked.items()
        if (message not in plurals if message[1] else message[0] not in singulars)
    }


@pytest.fixture(scope="module")
def marked_texts():
    return find_marked_texts()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_that_the_product_marks_has_a_translation(language, marked_texts):
    untranslated = find_untranslated_texts(marked_texts, catalogue_of(language))
    assert untranslated == {}, f"add them to {catalogue_of(language)}, then compile it"
    assert len(marked_texts) > 3000


def test_a_text_without_a_translation_is_found_wherever_it_is_marked():
    template = '{% translate "Page not seen" %}{% blocktranslate count n=n with who=x %}'
    template += "{{ who }} saw {{ n }} of 5 %{% plural %}They saw {{ n }}{% endblocktranslate %}"
    code = 'from django.utils.translation import gettext_noop as mark\nmark("A text" " (of two)")'
    marked = dict.fromkeys(find_template_texts(template), "")
    marked |= dict.fromkeys(find_python_texts(code), "")
    assert set(find_untranslated_texts(marked, catalogue_of("de"))) == {
        ("Page not seen", ""),
        ("%(who)s saw %(n)s of 5 %%", "They saw %(n)s"),
        ("A text (of two)", ""),
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_has_the_placeholders_of_its_text(language):
    for source, plural, texts in read_messages(catalogue_of(language)):
        for form, text in zip((source, plural), texts, strict=False):
            assert sorted(PLACEHOLDER.findall(text)) == sorted(PLACEHOLDER.findall(form)), text


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
