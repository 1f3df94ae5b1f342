"""Every path, dotted name, identifier and command of the docs exists in the code of today."""

import re
import subprocess
from functools import cache
from importlib import import_module
from importlib.util import find_spec

import pytest
from django.core.management import get_commands, load_command_class

from tests.journeys.docs import DOCS, ROOT

PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "SECURITY.md",
    *sorted(set(DOCS.glob("*.md")) - {DOCS / "style.md"}),  # its names are examples
]
FENCE = re.compile(r"```.*?```", re.S)
CODE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
PATH = re.compile(r"(?:[\w.-]+/)+[\w.-]*|[\w-]+\.(?:py|md)")
DOTTED = re.compile(r"(?:hub|tenants|connectors|sandbox|bench|tests)(?:\.\w+)+")
MODULE = re.compile(r"-m ((?:hub|tenants|connectors|sandbox|bench|tests)(?:\.\w+)*)")
LABEL = re.compile(r"(?<![*\w])\*([A-Z][^*]+)\*(?!\*)")  # pages are quoted in italics
MIGRATION = re.compile(r"`(\w+)\.(\d{4})(?:_\w+)?`")
IDENTIFIER = re.compile(r"\w+(?:\.\w+)*(?:\(\))?")
COMMAND = re.compile(r"manage\.py (\w+)([^|`#\n]*)")
PACKAGES = {"hub", "tenants", "connectors", "sandbox", "bench", "tests", "script", "docs"}
OTHER_NAME = re.compile(r"[\w.]+\.(?:\d{4}|com|md|service)")  # migrations, hosts, files
NOT_OURS = {"django_q_task", "qcluster", "limit_conn", "limit_req", "LimitNOFILE", "hub.test"}
EXAMPLES = ("acme", "var/", "migrations/")  # files that a reader makes

parametrize_pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


@parametrize_pages
def test_every_path_exists(page):
    paths = {name for name in code_spans(page) if PATH.fullmatch(name)}
    ours = {path for path in paths if path.split("/")[0] in PACKAGES or path.endswith(".py")}
    assert [path for path in sorted(ours) if not is_path(path)] == []


@parametrize_pages
def test_every_dotted_name_can_be_imported(page):
    names = {name for name in code_spans(page) if DOTTED.fullmatch(name)}
    modules = set(MODULE.findall(page.read_text()))
    wrong = [name for name in sorted(names | modules) if not can_import(name)]
    assert [name for name in wrong if not is_other_name(name)] == []


def is_other_name(name):
    """Return whether a dotted name is none of a module: a migration, which has a test of its own, a
    host or a file.
    """
    return name in NOT_OURS or OTHER_NAME.fullmatch(name) is not None


@parametrize_pages
def test_every_migration_exists(page):
    names = MIGRATION.findall(page.read_text())
    assert [name for name in names if not list(ROOT.glob(migration_pattern(*name)))] == []


@parametrize_pages
def test_every_identifier_occurs_in_the_code(page):
    names = {name for name in code_spans(page) if IDENTIFIER.fullmatch(name)}
    ours = {name for name in names if not is_other_name(name)}
    assert [name for name in sorted(ours) if not is_known(name)] == []


@parametrize_pages
def test_every_command_takes_the_options_that_are_shown(page):
    assert [line for line in COMMAND.findall(page.read_text()) if not is_command(*line)] == []


@pytest.mark.parametrize("name", ["customers.md", "operators.md", "partners.md"])
def test_every_label_of_a_page_exists(name):
    text = FENCE.sub("", (DOCS / name).read_text()).replace("\n", " ")
    assert [label for label in LABEL.findall(text) if label not in text_of_pages()] == []


def is_known(name):
    """Whether each word occurs in the code; Prometheus adds `_total` to a counter."""
    return set(re.findall(r"\w+", name.removesuffix("_total"))) <= words_of_code()


def code_spans(page):
    text = FENCE.sub("", page.read_text())
    return CODE.findall(text)


@cache
def tracked_files():
    """Return the paths of all files that Git knows, and of new ones that it does not ignore."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [name for name in names.splitlines() if (ROOT / name).is_file()]


@cache
def words_of_code():
    """Return every word of code, templates and scripts; docs and old databases do not count."""
    files = [
        name
        for name in tracked_files()
        if not name.endswith((".md", ".sql", ".png")) and not name.startswith("tests/upgrade/fix")
    ]
    words = set()
    for name in files:
        words |= set(re.findall(r"\w+", (ROOT / name).read_text(errors="replace")))
        words |= set(re.findall(r"\w+", name))
    return words


def migration_pattern(app, number):
    return f"**/{app}/migrations/{number}_*.py"


@cache
def text_of_pages():
    """Return templates and code as one text, in which strings over several lines are joined."""
    folders = ("templates/", "hub/", "tenants/", "connectors/")
    files = [name for name in tracked_files() if name.startswith(folders)]
    text = "".join((ROOT / name).read_text(errors="replace") for name in files)
    return re.sub(r"\s+", " ", re.sub(r'"\s*\n\s*"', "", text))


def is_path(path):
    if any(example in path for example in EXAMPLES):
        return True
    return any(f"/{name}".find(f"/{path}") >= 0 for name in tracked_files())


def can_import(name):
    """Whether the name is a module, or an attribute of one."""
    module, _, attribute = name.rpartition(".")
    if is_module(name):
        return True
    return bool(module) and is_module(module) and hasattr(import_module(module), attribute)


def is_module(name):
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:  # what is above it is no package
        return False


def is_command(name, rest):
    if name not in get_commands():
        return False
    parser = load_command_class(get_commands()[name], name).create_parser("manage.py", name)
    known = {option for action in parser._actions for option in action.option_strings}
    return set(re.findall(r"(?<!\S)--[\w-]+", rest)) <= known
