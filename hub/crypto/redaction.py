"""Redaction: mask secrets in what is logged, stored or shown, by their value and form."""

import json
import re
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from html import escape
from urllib.parse import quote, quote_plus

from ahocorasick_rs import AhoCorasick, Implementation

MASK = "***"
MAX_SECRET_LENGTH = 4096  # characters of a secret that an excerpt may cut
MIN_SECRET_LENGTH = 6  # characters; what is shorter occurs in harmless words too
PLAIN_TEXT = re.compile(r"[A-Za-z0-9]+")  # what looks the same in most forms of a secret
FRAGMENT_LENGTH = 8  # characters; a short one is found sooner

NAME_ENDINGS = ("token", "secret", "key", "password", "verifier", "assertion")  # how the names end
# The names by their first letter: where it does not fit, nothing else is compared.
SECRET_NAMES = (
    r"(?:[Aa](?ai:(?:ccess|pi|uth)_?token|pi_?key|ssertion)|[Rr](?ai:efresh_?token)"
    r"|[Ii](?ai:d_?token)|[Ss](?ai:ession_?token|igning_?secret)"
    r"|[Cc](?ai:lient_?secret|ode_verifier)|[Ww](?ai:ebhook_?secret)"
    r"|[Hh](?ai:ttp_auth_password)|[Pp](?ai:assword))"
)
FIRST_LETTERS = "[AaCcHhIiPpRrSsWw]"  # letters of the names

Replacement = Callable[[re.Match[str]], str]


def mask_after(separator: str = "") -> Replacement:
    """Return a replacement function for `re.sub` that keeps the first group and masks the rest.

    A function, as a replacement template takes three times as long for each match.
    """
    return lambda match: f"{match[1]}{separator}{MASK}"


def mask_complete_token(match: re.Match[str]) -> str:
    return MASK if match[1] else match[0]


# Each entry: marks (the pattern is tried only on a text that contains one, in lower case), the
# pattern, and what replaces a match.
# The texts are strangers' and Python holds its lock while it matches, so each pattern takes time in
# proportion to the text, whatever its content: parts of any length are matched possessively (`++`),
# look-aheads are bounded, and where a failing match would have read far (a token of JSON), the
# match succeeds and its replacement leaves the text as it is.
SECRET_PATTERNS: tuple[tuple[tuple[str, ...], re.Pattern[str], Replacement], ...] = (
    (("xox", "xapp-"), re.compile(r"\b(xox[abeprs]|xapp)[-.][\w.-]{6,}"), mask_after("-")),
    (("00d",), re.compile(r"\b(00D)\w{9,15}(?:!|%21)[\w.]{8,}"), mask_after("!")),
    (
        ("bearer",),
        re.compile(r"\b([Bb](?ai:earer))(\s++|%20|\+)[\w.~+/=%-]{8,}"),
        mask_after(" "),
    ),
    (  # base64; words in lower case after "basic" are text
        ("basic",),
        re.compile(r"\b([Bb](?ai:asic))(\s++|%20|\+)(?=[a-z_+/%-]{0,16}+[A-Z0-9=])[\w+/=%-]{8,}"),
        mask_after(" "),
    ),
    (
        ("splunk",),
        re.compile(r"\b([Ss](?ai:plunk))\s++(?ai:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"),
        mask_after(" "),
    ),
    (("whsec_",), re.compile(r"\b(whsec_)[\w+/=%-]{6,}"), mask_after()),
    (
        ("hub_",),
        re.compile(r"\b(hub_(?:live|test)_(?:[0-9A-Za-z]{8}_)?)\w{6,}"),
        mask_after(),
    ),
    (
        ("eyj",),
        re.compile(r"\beyJ[\w-]{8,}+(\.[\w-]{8,}+(?:\.[\w-]++)*+)?"),
        mask_complete_token,
    ),
    (
        ("private key",),
        re.compile(r"(-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----)[^-]*"),
        mask_after(),
    ),
    (("://",), re.compile(r"(://[^/\s:@\"]{0,200}:)[^/\s@\"]{1,200}(?=@)"), mask_after()),
    (
        tuple(f"{last}=" for last in NAME_ENDINGS),
        re.compile(rf"((?={FIRST_LETTERS})(?<![A-Za-z]){SECRET_NAMES}=)[^&\s\"'#<>;]+"),
        mask_after(),
    ),
    (
        ("key=", "token=", "code=", "secret=", "sig=", "signature="),
        re.compile(r"([?&](?ai:key|token|code|secret|sig|signature)=)[^&\s\"'#<>]+"),
        mask_after(),
    ),
    (
        tuple(f'{last}"' for last in NAME_ENDINGS),
        re.compile(rf'("(?={FIRST_LETTERS}){SECRET_NAMES}"\s*+:\s*+")[^"\\]*+(?:\\.[^"\\]*+)*+'),
        mask_after(),
    ),
)
PATTERNS_BY_MARK: dict[str, list[int]] = {}  # the numbers of the patterns of each mark
for number, secret_pattern in enumerate(SECRET_PATTERNS):
    for mark in secret_pattern[0]:
        PATTERNS_BY_MARK.setdefault(mark, []).append(number)
MARKS = list(PATTERNS_BY_MARK)
AUTOMATON = AhoCorasick(MARKS, implementation=Implementation.DFA)  # finds all marks in one pass
# characters; beyond, a text may hold so many marks that each is searched for by itself
MANY_MARKS_LENGTH = 16 * 1024

AUTH_SCHEMES = {"bearer", "basic", "splunk", "digest", "token"}
SECRET_HEADER = re.compile(r"authorization|cookie|token|secret|password|api-?key|session", re.I)


def redact_text(text: str, secrets: Iterable[str] = ()) -> str:
    known_secrets = tuple(secrets)
    if any(fragment in text for fragment in _secret_fragments(known_secrets)):
        for form in _all_secret_forms(known_secrets):
            text = text.replace(form, MASK)
    for pattern, replacement in find_likely_patterns(text):
        text = pattern.sub(replacement, text)
    return text


def redact_excerpt(text: str, length: int, secrets: Iterable[str] = ()) -> str:
    """Return the first `length` characters of a text, redacted.

    Reads MAX_SECRET_LENGTH characters beyond them, so that a secret that begins within the excerpt
    is recognised.
    """
    return redact_text(text[: length + MAX_SECRET_LENGTH], secrets)[:length]


def find_likely_patterns(text: str) -> list[tuple[re.Pattern[str], Replacement]]:
    """Return the patterns whose marker occurs in the text; most texts contain none."""
    folded = text.casefold()
    marks = (
        (mark for mark in MARKS if mark in folded)
        if len(folded) > MANY_MARKS_LENGTH
        else _find_marks(folded)
    )
    numbers = sorted({number for mark in marks for number in PATTERNS_BY_MARK[mark]})
    return [SECRET_PATTERNS[number][1:] for number in numbers]


def _find_marks(folded: str) -> set[str]:
    try:
        matches = AUTOMATON.find_matches_as_indexes(folded, overlapping=True)
    except UnicodeEncodeError:  # half of a surrogate pair, which no mark contains
        matches = AUTOMATON.find_matches_as_indexes(
            folded.encode(errors="replace").decode(), overlapping=True
        )
    return {MARKS[index] for index, _, _ in matches}


def mask_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers with secrets masked; an authentication scheme stays readable.

    Signatures are not masked, as they are no secrets. A value may still contain secrets inside its
    text: see `redact_text`.
    """
    return {
        name: mask_value(value) if _is_secret_header(name) else value
        for name, value in headers.items()
    }


def redact_all(texts: Sequence[str], secrets: Iterable[str] = ()) -> Sequence[str]:
    known_secrets, joined_text = tuple(secrets), "\n".join(texts)
    # nearly always, by one pass instead of many
    if redact_text(joined_text, known_secrets) == joined_text:
        return texts
    return [redact_text(text, known_secrets) for text in texts]


@lru_cache(maxsize=1024)
def _is_secret_header(header: str) -> bool:
    return SECRET_HEADER.search(header) is not None


def mask_value(value: str) -> str:
    scheme, space, _ = value.partition(" ")
    return f"{scheme} {MASK}" if space and scheme.lower() in AUTH_SCHEMES else MASK


def shorten(text: str, max_length: int) -> str:
    """Return at most `max_length` characters, with unprintable ones escaped.

    These include characters that end a line, move a terminal's cursor or change the direction of
    reading.
    """
    text = text[: max_length + 1]
    if not text.isprintable():
        text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return text if len(text) <= max_length else text[: max_length - 1] + "…"


@lru_cache(maxsize=4096)
def _all_secret_forms(secrets: tuple[str, ...]) -> tuple[str, ...]:
    """Return all written forms of the secrets, the longest first, so that they are masked whole."""
    written_forms = {
        form
        for secret in secrets
        if len(secret) >= MIN_SECRET_LENGTH
        for form in secret_forms(secret)
    }
    return tuple(sorted(written_forms, key=len, reverse=True))


@lru_cache(maxsize=4096)
def _secret_fragments(secrets: tuple[str, ...]) -> frozenset[str]:
    """Return short fragments, at least one of which occurs in any text that contains a secret."""
    return frozenset(
        max(PLAIN_TEXT.findall(form), key=len, default=form)[:FRAGMENT_LENGTH]
        for form in _all_secret_forms(secrets)
    )


def secret_forms(secret: str) -> set[str]:
    """Return a secret's written forms: plain, and as in a URL, a form, JSON, HTML or base64."""
    quoted_forms = {quote(secret, safe=""), quote(secret), quote_plus(secret)}
    lower_forms = {
        re.sub("%[0-9A-F]{2}", lambda escape_match: escape_match[0].lower(), form)
        for form in quoted_forms
    }
    json_forms = {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    slash_forms = {form.replace("/", "\\/") for form in json_forms}
    return (
        {secret, escape(secret)}
        | quoted_forms
        | lower_forms
        | json_forms
        | slash_forms
        | _base64_cores(secret.encode())
    )


def _base64_cores(secret: bytes) -> set[str]:
    """Return the parts of its base64 that no text around it changes, as in `user:secret`."""
    cores = set()
    for offset in range(3):  # bytes of something else in the same group of three
        start, end = -(-offset * 8 // 6), (offset + len(secret)) * 8 // 6
        core = b64encode(bytes(offset) + secret).decode()[start:end]
        cores |= {core, core.replace("+", "-").replace("/", "_"), quote(core, safe="")}
    return cores
