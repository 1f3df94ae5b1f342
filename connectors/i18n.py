"""Mark texts for translation where they are declared; pages translate them when shown."""


def _(text: str) -> str:
    """Return the text unchanged: the name is the mark that makemessages collects."""
    return text
