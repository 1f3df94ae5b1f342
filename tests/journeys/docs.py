"""What the docs take from the code, so that they cannot drift: `python -m tests.journeys.docs` writes it again."""

import ast
import os
import re
from pathlib import Path

from hub.mappings.expressions.functions import Functions

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
BLOCK = re.compile(r"(<!-- (\w+): made by [^>]*-->\n)(.*?)(<!-- end -->)", re.S)
NOT_OURS = {"to_string", "contains", "join"}  # JMESPath's own, counted
FENCED = r"<!-- run: {name} -->\n```\w+\n(.*?)```"


def problems():
    from hub.problems import CATALOGUE  # the settings are named by now

    yield "| code | status | what it tells | again? |\n|---|---|---|---|\n"
    for code, kind in CATALOGUE.items():
        yield f"| `{code}` | {kind.status} | {kind.explanation} | {'later' if kind.retryable else 'no'} |\n"


def functions():
    """The docstrings of the functions are their manual."""
    for name in vars(Functions):
        verb = name.removeprefix("_func_")
        if verb != name and verb not in NOT_OURS:
            yield f"- {told(getattr(Functions, name).__doc__)}\n"


def told(docstring):
    """Its call as code, the rest as text."""
    example, arrow, rest = " ".join(docstring.split()).partition(" → ")
    result, mark, words = re.match(
        r"(\"[^\"]*\"|\[[^\]]*\]|[\w.]+\w|\S+?)([;:,.]?)(.*)", rest
    ).groups()
    call = f"`` {example} ``" if "`" in example else f"`{example}`"
    return (
        f"{call} → {f'`{result}`' if not result[0].isalpha() else result}{mark}{words}"
        if arrow
        else call
    )


TABLES = {"problems": problems, "functions": functions}


def fresh(text):
    return BLOCK.sub(
        lambda block: block[1] + "\n" + "".join(TABLES[block[2]]()) + "\n" + block[4], text
    )


def snippet(page, name):
    """The fenced code below <!-- run: name -->."""
    return re.search(FENCED.format(name=name), (ROOT / page).read_text(), re.S)[1]


def settings_told():
    """The names and defaults of the table of settings."""
    table = (
        (DOCS / "operators.md")
        .read_text()
        .partition("<!-- settings -->")[2]
        .partition("<!-- end -->")[0]
    )
    return dict(re.findall(r"^\| `([A-Z_]+)` \| (.*?) \|", table, re.M))


def settings_read():
    """The names that the settings read, with their defaults as source code."""
    calls = [
        node
        for node in ast.walk(ast.parse((ROOT / "hub/settings.py").read_text()))
        if isinstance(node, ast.Call)
    ]
    return dict(
        named(call.args) for call in calls if any(name_of(argument) for argument in call.args)
    )


def named(arguments):
    place = next(index for index, argument in enumerate(arguments) if name_of(argument))
    return name_of(arguments[place]), arguments[place + 1] if len(arguments) > place + 1 else None


def name_of(node):
    text = node.value if isinstance(node, ast.Constant) else None
    return (
        text if isinstance(text, str) and re.fullmatch(r"HUB_[A-Z_]+|DATABASE_URL", text) else None
    )


if __name__ == "__main__":
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "hub.settings",
        "HUB_SECRET_KEY": "docs",
        "HUB_FIELD_KEYS": "=".rjust(44, "A"),
    }
    for page in DOCS.glob("*.md"):
        page.write_text(fresh(page.read_text()))
