"""Fold texts of many scripts, so that spellings of one name compare equal."""

import re
import unicodedata


def _read_letters(table: str) -> dict[int, str]:
    """Return what to translate from a table of letters, each with its spelling: `ß=ss ø=o`."""
    return str.maketrans(dict(letter.split("=") for letter in table.split()))


# letters that no decomposition turns into a basic one
LETTERS = _read_letters("ß=ss ø=o æ=a œ=o ł=l đ=d ð=d þ=th ı=i ŋ=n ħ=h ə=a ĸ=k ŧ=t")
CYRILLIC = _read_letters(
    """
    а=a б=b в=v г=g д=d е=e ж=zh з=z и=i й=y к=k л=l м=m н=n о=o п=p р=r с=s т=t у=u ф=f х=kh
    ц=ts ч=ch ш=sh щ=shch ъ= ы=y ь= э=e ю=yu я=ya ё=yo є=ye і=i ї=yi ґ=g ў=u
    ј=j љ=lj њ=nj ђ=dj ћ=c џ=dz
    """
)
GREEK = _read_letters(
    """
    α=a β=v γ=g δ=d ε=e ζ=z η=i θ=th ι=i κ=k λ=l μ=m ν=n ξ=x ο=o π=p ρ=r σ=s ς=s τ=t υ=y φ=f
    χ=ch ψ=ps ω=o
    """
)
OTHER_SCRIPTS = CYRILLIC | GREEK
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
