"""Salesforce ids: 15 characters that mind case, or 18 that need not."""

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def id_of(prefix: str, number: int) -> str:
    short = f"{prefix}{number:012d}"
    return short + check(short)


def check(short: str) -> str:
    """The three letters that tell the case of the fifteen."""
    parts = (short[start : start + 5] for start in (0, 5, 10))
    return "".join(
        LETTERS[sum(letter.isupper() << place for place, letter in enumerate(part))]
        for part in parts
    )


def long(id: str) -> str:
    return id + check(id) if len(id) == 15 else id
