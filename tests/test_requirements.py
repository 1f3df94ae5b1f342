"""What is imported is declared, and what is declared is imported or has a reason."""

import ast
import json
import re
import runpy
import sys
from datetime import date
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
    "pytest-cov": "a plugin of pytest: which tests execute a line, for script/mutants",
    "coverage": "reads for script/mutants, which has no ending, what pytest-cov has written",
    "import-linter": "a stage of script/test",
    "pip-audit": "a stage of script/test",
    "ruff": "a stage of script/test",
    "mypy": "a stage of script/test",
    "djade": "a stage of script/test: the format of templates",
    "django-stubs": "types for mypy",
    "djangorestframework-stubs": "types for mypy",
    "types-defusedxml": "types for mypy",
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


@pytest.mark.parametrize("name", ["requirements", "requirements-dev"])
def test_the_lock_file_has_every_direct_dependency_at_its_version(name):
    locked = set(re.findall(r"^([\w.-]+==[\w.]+)", (ROOT / f"{name}.lock").read_text(), re.M))
    pins = {"==".join(pin) for pin in pinned_versions(f"{name}.txt")}
    assert pins - locked == set(), "run script/lock"


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_every_locked_package_has_a_hash(name):
    packages = re.split(r"^(?=[\w.-]+==)", (ROOT / name).read_text(), flags=re.M)[1:]
    assert packages and [text for text in packages if "--hash=sha256:" not in text] == []


SKIPPED = {"name": "a", "skip_reason": "unknown"}
AUDITED = {"name": "b", "version": "1", "vulns": []}
EXCUSED = {"a": {"until": date(2026, 12, 31), "reason": "It is new."}}


def judge(report, **options):
    vulnerabilities = runpy.run_path(str(ROOT / "script" / "vulnerabilities.py"))
    options = {"excused": {}, "today": date(2026, 12, 31), "is_ci": True} | options
    return vulnerabilities["judge"](report and json.dumps({"dependencies": report}), **options)


@pytest.mark.parametrize(
    ("report", "message", "code"),
    [
        pytest.param("", "not audited", 1, id="no index is reachable"),
        pytest.param([SKIPPED], "not audited", 1, id="no data"),
        pytest.param([AUDITED], "1 of 1", 0, id="none"),
        pytest.param([AUDITED | {"vulns": [{"id": "CVE-1"}]}], "b 1: CVE-1", 1, id="one"),
        pytest.param(
            [SKIPPED, AUDITED],
            "a: not audited",
            1,
            id="some",
            marks=pytest.mark.corrections(item="3.8"),
        ),
    ],
)
def test_a_known_vulnerability_and_a_package_that_is_not_audited_fail_the_stage(
    report, message, code
):
    shown, result = judge(report)
    assert message in shown and result == code


@pytest.mark.corrections(item="3.8")
def test_a_package_is_excused_until_a_date():
    report = [SKIPPED, AUDITED]
    assert judge(report, excused=EXCUSED) == ("1 of 2 packages audited: no known vulnerability", 0)
    assert judge(report, excused=EXCUSED, today=date(2027, 1, 1))[1] == 1


@pytest.mark.corrections(item="3.8")
def test_a_machine_without_an_index_is_excused_until_a_date():
    excused = {"*": {"until": date(2026, 12, 31), "reason": "it reaches registries only"}}
    assert judge("", excused=excused)[1] == judge([SKIPPED], excused=excused)[1] == 0
    assert judge("", excused=excused, today=date(2027, 1, 1))[1] == 1
    assert judge([SKIPPED, AUDITED], excused=excused)[1] == 1


def test_outside_of_ci_what_is_not_audited_is_only_named():
    assert judge("", is_ci=False)[1] == judge([SKIPPED], is_ci=False)[1] == 0
    assert judge([SKIPPED, AUDITED], is_ci=False) == ("a: not audited: unknown", 0)


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
    return {package for package, _ in pinned_versions(name)}


def pinned_versions(name):
    """Yield each package of a requirements file with its version."""
    for line in requirement_lines(name):
        if not line.startswith("-r "):
            package, _, version = line.partition("==")
            yield normalize(package.partition("[")[0]), version


def requirement_lines(name):
    lines = (line.partition("#")[0].strip() for line in (ROOT / name).read_text().splitlines())
    return [line for line in lines if line]


def normalize(name):
    return re.sub(r"[-_.]+", "-", name).lower()
