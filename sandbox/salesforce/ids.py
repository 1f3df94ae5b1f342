"""Salesforce ids: 15 characters, case-sensitive, or 18 characters, which compare without case."""

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def id_of(prefix: str, number: int) -> str:
    short = f"{prefix}{number:012d}"
    return short + check(short)


def check(short: str) -> str:
    """Return the three characters that encode the case of the first fifteen."""
    parts = (short[start : start + 5] for start in (0, 5, 10))
    return "".join(
        LETTERS[sum(letter.isupper() << place for place, letter in enumerate(part))]
        for part in parts
    )


def long(id: str) -> str:
    return id + check(id) if len(id) == 15 else id
