"""The texts that the product marks for translation, read without the tools of gettext."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from django.utils.translation.template import templatize

from hub.recipes.definitions import RECIPES
from hub.recipes.definitions.recipe import Recipe

PACKAGES = ("connectors", "hub", "tenants")
TEMPLATES = Path("templates")
TRANSLATION = "django.utils.translation"
MARKS = {"_": "gettext", "gettext": "gettext", "ngettext": "ngettext", "pgettext": "pgettext"}
HAS_MARK = re.compile(r"\b_\(|gettext")
TEMPLATE_MARK = re.compile(r"\bu?[np]?(?:gettext|_)\(")

Message = tuple[str, str]  # a text, and its plural or ""


def find_marked_texts() -> dict[Message, str]:
    """Return each text with a file that marks it."""
    found = {}
    for package in PACKAGES:
        for path in Path(package).rglob("*.py"):
            found |= dict.fromkeys(find_python_texts(path.read_text()), str(path))
    for path in TEMPLATES.rglob("*.*"):
        if path.suffix in {".html", ".txt"}:
            found |= dict.fromkeys(find_template_texts(path.read_text()), str(path))
    for key, recipe in RECIPES.items():
        messages = ((text, "") for text in find_recipe_texts(recipe))
        found |= dict.fromkeys(messages, f"the recipe {key}")
    return found


def find_python_texts(source: str) -> Iterator[Message]:
    if not HAS_MARK.search(source):
        return
    tree = ast.parse(source)
    marks = MARKS | dict(find_aliases(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", "") or getattr(node.func, "attr", "")
            yield from read_call(marks.get(name, ""), node)


def find_aliases(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield each name under which a module imports a function of Django's translations."""
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module == TRANSLATION:
            for alias in node.names:
                function = alias.name.removesuffix("_lazy").removesuffix("_noop")
                if function in MARKS:
                    yield alias.asname or alias.name, function


def read_call(mark: str, call: ast.Call) -> Iterator[Message]:
    """Yield the text of a call; a call with a variable has none.

    Raises NotImplementedError for a text with a context: the tests of catalogues compare none.
    """
    if mark == "pgettext":
        raise NotImplementedError(ast.unparse(call))
    texts = [
        argument.value
        for argument in call.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    ]
    if mark and texts and texts[0]:
        yield texts[0], texts[1] if mark == "ngettext" else ""


def find_template_texts(source: str) -> Iterator[Message]:
    """Yield the texts of a template, from the form in which Django gives it to gettext."""
    code = templatize(source)
    for start in TEMPLATE_MARK.finditer(code):
        yield from find_python_texts(code[start.start() : find_end(code, start.end())])


def find_end(code: str, position: int) -> int:
    """Return the position after the call whose first argument begins at `position`."""
    quote, depth = "", 1
    while depth:
        character = code[position]
        if quote:
            position += character == "\\"
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        else:
            depth += (character == "(") - (character == ")")
        position += 1
    return position


def find_recipe_texts(recipe: Recipe) -> Iterator[str]:
    yield from (recipe.marked_title, recipe.marked_summary)
    for question in recipe.own_questions:
        yield from filter(None, (question.marked_label, question.marked_help))
        yield from (option.marked_label for option in question.options)
    yield from (job.marked_effect for job in recipe.jobs)
