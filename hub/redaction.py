"""Takes secrets out of what is logged, kept as evidence or shown: by their value, and by their look."""

import json
import re
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from html import escape
from urllib.parse import quote, quote_plus

from ahocorasick_rs import AhoCorasick, Implementation

MASK = "***"
SHORTEST = 6  # characters; what is shorter stands in innocent words too
PLAIN = re.compile(r"[A-Za-z0-9]+")  # what looks the same in most forms of a secret
SIGN = 8  # characters; a short one is found sooner

NAMES = (
    r"(?:access|refresh|id|api|auth|session)_?token|(?:client|signing|webhook)_?secret|api_?key|password"
    r"|code_verifier|assertion"
)
LAST = ("token", "secret", "key", "password", "verifier", "assertion")  # how the names end

# What must stand in the text (in lower case) for the pattern to be worth a try; the pattern; what stays.
LOOKS: tuple[tuple[tuple[str, ...], re.Pattern[str], str], ...] = (
    (("xox", "xapp-"), re.compile(r"\b(xox[abeprs]|xapp)[-.][\w.-]{6,}"), rf"\1-{MASK}"),
    (("00d",), re.compile(r"\b00D\w{9,15}(?:!|%21)[\w.]{8,}"), f"00D!{MASK}"),
    (("bearer",), re.compile(r"\b(bearer)(\s+|%20|\+)[\w.~+/=%-]{8,}", re.I), rf"\1 {MASK}"),
    (("basic",), re.compile(r"\b((?i:basic))(\s+|%20|\+)(?=\S*[A-Z0-9=])[\w+/=%-]{8,}"), rf"\1 {MASK}"),
    (("splunk",), re.compile(r"\b(splunk)\s+[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.I), rf"\1 {MASK}"),
    (("whsec_",), re.compile(r"\bwhsec_[\w+/=%-]{6,}"), f"whsec_{MASK}"),
    (("hub_",), re.compile(r"\b(hub_(?:live|test)_(?:[0-9A-Za-z]{8}_)?)\w{6,}"), rf"\1{MASK}"),
    (("eyj",), re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]+)*"), MASK),
    (("private key",), re.compile(r"(-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----)[^-]*"), rf"\1{MASK}"),
    (("://",), re.compile(r"(://[^/\s:@\"]{0,200}:)[^/\s@\"]{1,200}(?=@)"), rf"\1{MASK}"),
    (tuple(f"{last}=" for last in LAST), re.compile(rf"((?<![a-z])(?:{NAMES})=)[^&\s\"'#<>;]+", re.I), rf"\1{MASK}"),
    (
        ("key=", "token=", "code=", "secret=", "sig=", "signature="),
        re.compile(r"([?&](?:key|token|code|secret|sig|signature)=)[^&\s\"'#<>]+", re.I),
        rf"\1{MASK}",
    ),
    (tuple(f'{last}"' for last in LAST), re.compile(rf'("(?:{NAMES})"\s*:\s*")(?:[^"\\]|\\.)*', re.I), rf"\1{MASK}"),
)
TRIES = [(mark, pattern, stays) for marks, pattern, stays in LOOKS for mark in marks]
MARKS = AhoCorasick([mark for mark, _, _ in TRIES], implementation=Implementation.DFA)  # all of them in one look

SCHEMES = {"bearer", "basic", "splunk", "digest", "token"}
SECRET_HEADER = re.compile(r"authorization|cookie|token|secret|password|api-?key|session", re.I)


def redact_text(text: str, secrets: Iterable[str] = ()) -> str:
    known = tuple(secrets)
    if any(sign in text for sign in signs(known)):
        for form in every_form(known):
            text = text.replace(form, MASK)
    for _, pattern, stays in marked(text):
        text = pattern.sub(stays, text)
    return text


def marked(text: str) -> list[tuple[str, re.Pattern[str], str]]:
    """What is worth a try; mostly nothing."""
    folded = text.casefold()
    try:
        found = MARKS.find_matches_as_indexes(folded, overlapping=True)
    except UnicodeEncodeError:  # half of a surrogate pair: no mark has one
        found = MARKS.find_matches_as_indexes(folded.encode(errors="replace").decode(), overlapping=True)
    return [TRIES[number] for number in sorted({number for number, _, _ in found})]


def mask_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """A header that is a secret keeps its scheme only; a signature is none, and stays. Both may hold others yet."""
    return {name: masked(value) if is_secret(name) else value for name, value in headers.items()}


def redact_all(texts: Sequence[str], secrets: Iterable[str] = ()) -> Sequence[str]:
    known, together = tuple(secrets), "\n".join(texts)
    if redact_text(together, known) == together:  # nearly always, and one look instead of many
        return texts
    return [redact_text(text, known) for text in texts]


@lru_cache(maxsize=1024)
def is_secret(header: str) -> bool:
    return SECRET_HEADER.search(header) is not None


def masked(value: str) -> str:
    scheme, space, _ = value.partition(" ")
    return f"{scheme} {MASK}" if space and scheme.lower() in SCHEMES else MASK


def short(text: str, most: int) -> str:
    """At most so many characters, and none that moves a terminal's cursor, ends a line or turns the reading."""
    text = text[: most + 1]
    if not text.isprintable():
        text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return text if len(text) <= most else text[: most - 1] + "…"


@lru_cache(maxsize=4096)
def every_form(secrets: tuple[str, ...]) -> tuple[str, ...]:
    """The longest first, so that no rest remains."""
    every = {form for secret in secrets if len(secret) >= SHORTEST for form in forms(secret)}
    return tuple(sorted(every, key=len, reverse=True))


@lru_cache(maxsize=4096)
def signs(secrets: tuple[str, ...]) -> frozenset[str]:
    """What must stand in a text that holds any form of these: a few short pieces, which many forms have in common."""
    return frozenset(max(PLAIN.findall(form), key=len, default=form)[:SIGN] for form in every_form(secrets))


def forms(secret: str) -> set[str]:
    """How it may be written in a URL, a form, JSON, HTML or base64."""
    quoted = {quote(secret, safe=""), quote(secret), quote_plus(secret)}
    lower = {re.sub("%[0-9A-F]{2}", lambda code: code[0].lower(), form) for form in quoted}
    written = {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    slashed = {form.replace("/", "\\/") for form in written}
    return {secret, escape(secret)} | quoted | lower | written | slashed | encoded(secret.encode())


def encoded(secret: bytes) -> set[str]:
    """The part of its base64 that is the same whatever stands around it, as in `user:secret`."""
    cores = set()
    for before in range(3):  # bytes of something else in the same group of three
        first, end = -(-before * 8 // 6), (before + len(secret)) * 8 // 6
        core = b64encode(bytes(before) + secret).decode()[first:end]
        cores |= {core, core.replace("+", "-").replace("/", "_"), quote(core, safe="")}
    return cores
