"""Blocks of the docs that are made of the code; `python -m tests.journeys.docs` rewrites them."""

import ast
import configparser
import os
import re
from pathlib import Path

from hub.mappings.expressions.functions import Functions

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
BLOCK = re.compile(r"(<!-- (\w+): made by [^>]*-->\n)(.*?)(<!-- end -->)", re.S)
# JMESPath's own: their work is counted, or their numbers are decimals
BUILT_IN_FUNCTIONS = {"to_string", "contains", "join", "sum", "avg", "to_number", "type"}
FENCED = r"<!-- run: {name} -->\n```\w+\n(.*?)```"
CONTRACT = "importlinter:contract:"


def problem_rows():
    from hub.problems import CATALOGUE  # the settings are named by now

    yield "| code | status | explanation | again? |\n|---|---|---|---|\n"
    for code, kind in CATALOGUE.items():
        again = "later" if kind.retryable else "no"
        yield f"| `{code}` | {kind.status} | {kind.explanation} | {again} |\n"


def function_lines():
    """The docstrings of the functions are their manual."""
    for name in vars(Functions):
        function = name.removeprefix("_func_")
        if function != name and function not in BUILT_IN_FUNCTIONS:
            yield f"- {format_function(getattr(Functions, name).__doc__)}\n"


def format_function(docstring):
    """Return the call as code, the rest as text."""
    example, arrow, rest = " ".join(docstring.split()).partition(" → ")
    result, mark, words = re.match(
        r"(\"[^\"]*\"|\[[^\]]*\]|[\w.]+\w|\S+?)([;:,.]?)(.*)", rest
    ).groups()
    call = f"`` {example} ``" if "`" in example else f"`{example}`"
    shown_result = f"`{result}`" if not result[0].isalpha() else result
    return f"{call} → {shown_result}{mark}{words}" if arrow else call


def layer_rows():
    """One row for each contract of `.importlinter`, its layers from the top down."""
    parser = configparser.ConfigParser()
    parser.read_string((ROOT / ".importlinter").read_text())
    contracts = [parser[name] for name in parser.sections() if name.startswith(CONTRACT)]
    yield "| contract | layers, from the top down |\n|---|---|\n"
    for contract in contracts:
        if contract["type"] == "layers":
            yield f"| {contract['name']} | {format_layers(contract['layers'])} |\n"
    others = (contract["name"] for contract in contracts if contract["type"] != "layers")
    yield f"\nFurther contracts: {'; '.join(others)}.\n"


def format_layers(text):
    """Layers are divided by `>`, the modules of one layer by commas."""
    layers = [re.findall(r"[\w.]+", line) for line in text.split("\n") if line.strip()]
    return " > ".join(", ".join(f"`{module}`" for module in layer) for layer in layers)


TABLES = {"problems": problem_rows, "functions": function_lines, "layers": layer_rows}


def refresh_blocks(text):
    return BLOCK.sub(
        lambda block: block[1] + "\n" + "".join(TABLES[block[2]]()) + "\n" + block[4], text
    )


def find_snippet(page, name):
    """Return the fenced code below <!-- run: name -->."""
    return re.search(FENCED.format(name=name), (ROOT / page).read_text(), re.S)[1]


def documented_settings():
    """Return names and defaults of the table of settings."""
    operators = (DOCS / "operators.md").read_text()
    table = operators.partition("<!-- settings -->")[2].partition("<!-- end -->")[0]
    return dict(re.findall(r"^\| `([A-Z_]+)` \| (.*?) \|", table, re.M))


def read_settings():
    """Return the names that the settings read, with their defaults as source code."""
    calls = [
        node
        for node in ast.walk(ast.parse((ROOT / "hub/settings.py").read_text()))
        if isinstance(node, ast.Call)
    ]
    return dict(
        name_and_default(call.args)
        for call in calls
        if any(setting_name(argument) for argument in call.args)
    )


def name_and_default(arguments):
    index = next(index for index, argument in enumerate(arguments) if setting_name(argument))
    default = arguments[index + 1] if len(arguments) > index + 1 else None
    return setting_name(arguments[index]), default


def setting_name(node):
    text = node.value if isinstance(node, ast.Constant) else None
    is_name = isinstance(text, str) and re.fullmatch(r"HUB_[A-Z_]+|DATABASE_URL", text)
    return text if is_name else None


if __name__ == "__main__":
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "hub.settings",
        "HUB_SECRET_KEY": "docs",
        "HUB_FIELD_KEYS": "=".rjust(44, "A"),
    }
    for page in DOCS.glob("*.md"):
        page.write_text(refresh_blocks(page.read_text()))
