"""Texts that people read are marked where they are stated; whoever shows them says them in the reader's language."""


def _(text: str) -> str:
    """The mark that collectors of translations look for."""
    return text
