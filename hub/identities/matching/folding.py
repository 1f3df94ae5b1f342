"""Fold texts of many scripts, so that spellings of one name compare equal."""

import re
import unicodedata

# letters that no decomposition turns into a basic one
LETTERS = str.maketrans({
    "ß": "ss", "ø": "o", "æ": "a", "œ": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i",
    "ŋ": "n", "ħ": "h", "ə": "a", "ĸ": "k", "ŧ": "t",
})  # fmt: skip
CYRILLIC = dict(zip(
    "абвгдезийклмнопрстуфыэіґ",
    "abvgdeziyklmnoprstufyeig",
    strict=True,
)) | {
    "ё": "yo", "ж": "zh", "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "shch", "ъ": "",
    "ь": "", "ю": "yu", "я": "ya", "є": "ye", "ї": "yi", "ў": "u", "ј": "j", "љ": "lj",
    "њ": "nj", "ђ": "dj", "ћ": "c", "џ": "dz",
}  # fmt: skip
GREEK = dict(zip("αβγδεζηικλμνοπρστυφω", "avgdeziiklmnoprstyfo", strict=True)) | {
    "θ": "th", "ξ": "x", "ς": "s", "χ": "ch", "ψ": "ps",
}  # fmt: skip
OTHER_SCRIPTS = str.maketrans(CYRILLIC | GREEK)
# how letters with two dots, rings and strokes are written without them: ae is ä, and so a
DIGRAPHS = re.compile(r"ae|oe|ue|aa")
DIGRAPH_LETTERS = {"ae": "a", "oe": "o", "ue": "u", "aa": "a"}


def fold_text(text: str) -> str:
    """Return the text in lower case, of basic letters as far as possible."""
    folded = unicodedata.normalize("NFKC", text).casefold().translate(LETTERS)
    composed = unicodedata.normalize("NFC", folded).translate(OTHER_SCRIPTS)
    decomposed = unicodedata.normalize("NFD", composed)
    plain = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return plain.translate(OTHER_SCRIPTS)


def fold_name(text: str) -> str:
    """Fold one word of a name: Müller, Mueller and Muller become the same."""
    return DIGRAPHS.sub(lambda match: DIGRAPH_LETTERS[match[0]], fold_text(text))
