"""What is imported is declared, and what is declared is imported or has a reason."""

import ast
import re
import sys
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PRODUCT = ("hub", "tenants", "connectors", "sandbox", "bench", "manage.py")
NOT_IMPORTED = {  # declared in requirements.txt
    "drf-spectacular-sidecar": "a Django app of the settings: the files of /api/docs/",
    "django-htmx": "a Django app of the settings",
    "granian": "the web server, which the Procfile starts",
    "whitenoise": "middleware of the settings: static files",
}
DEVELOPMENT_TOOLS = {  # declared in requirements-dev.txt
    "pytest-django": "a plugin of pytest: databases",
    "pytest-xdist": "a plugin of pytest: several processes",
    "pytest-randomly": "a plugin of pytest: random order",
    "pytest-timeout": "a plugin of pytest: a limit for each test",
    "import-linter": "a stage of script/test",
    "ruff": "a stage of script/test",
    "mypy": "a stage of script/test",
    "djade": "a stage of script/test: the format of templates",
    "django-stubs": "types for mypy",
    "djangorestframework-stubs": "types for mypy",
    "types-requests": "types for mypy",
}


def test_everything_that_the_product_imports_is_declared():
    assert imports_of(*PRODUCT) - declared("requirements.txt") == set()


def test_everything_that_the_tests_import_is_declared():
    known = declared("requirements.txt") | declared("requirements-dev.txt")
    assert imports_of("tests", "script") - known == set()


@pytest.mark.parametrize(
    ("file", "folders", "reasons"),
    [
        ("requirements.txt", PRODUCT, NOT_IMPORTED),
        ("requirements-dev.txt", ("tests", "bench", "script"), DEVELOPMENT_TOOLS),
    ],
)
def test_everything_that_is_declared_is_imported_or_has_a_reason(file, folders, reasons):
    assert declared(file) - imports_of(*folders) - reasons.keys() == set()


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_every_direct_dependency_is_pinned(name):
    lines = [line for line in requirement_lines(name) if not line.startswith("-r ")]
    assert [line for line in lines if not re.fullmatch(r"[\w.\[\]-]+==[\w.]+", line)] == []


def imports_of(*folders):
    """Return the distributions that files of these folders import."""
    modules = set()
    for folder in folders:
        for file in python_files(ROOT / folder):
            modules |= imported_modules(file)
    foreign = modules - set(sys.stdlib_module_names)
    providers = packages_distributions()
    return {normalize(name) for module in foreign for name in providers.get(module, ())}


def python_files(place):
    if place.is_file():
        return [place]
    return [file for file in place.rglob("*.py") if "fixtures" not in file.parts]


@cache
def imported_modules(file):
    """Return the first words of all absolute imports."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names


def declared(name):
    lines = [line for line in requirement_lines(name) if not line.startswith("-r ")]
    return {normalize(re.split(r"[\[=]", line)[0]) for line in lines}


def requirement_lines(name):
    lines = (line.partition("#")[0].strip() for line in (ROOT / name).read_text().splitlines())
    return [line for line in lines if line]


def normalize(name):
    return re.sub(r"[-_.]+", "-", name).lower()
