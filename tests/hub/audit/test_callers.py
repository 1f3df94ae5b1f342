"""Service functions write audit rows; an entry point that renders their result writes none."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
ENTRY_POINTS = {"admin", "api", "views", "pages", "forms", "commands", "tasks"}
HELPERS = {"audit", "audit_staff_action", "record"}
FORM_OF_THE_ADMIN = "hub/staff/"  # a form's save, and a button that calls no service function


def name_called(node: ast.AST) -> str:
    function = node.func if isinstance(node, ast.Call) else None
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def is_entry_point(path: Path) -> bool:
    parts = {*path.parent.parts, path.stem}
    return bool(parts & ENTRY_POINTS)


def modules():
    for package in ("hub", "tenants"):
        for path in sorted((ROOT / package).rglob("*.py")):
            yield path.relative_to(ROOT)


@pytest.fixture(scope="module")
def writers():
    """The modules that write an audit row."""
    return {
        path.as_posix()
        for path in modules()
        if any(
            name_called(node) in HELPERS for node in ast.walk(ast.parse((ROOT / path).read_text()))
        )
    }


def test_no_entry_point_writes_an_audit_row(writers):
    found = {path for path in writers if is_entry_point(Path(path))}
    assert {path for path in found if not path.startswith(FORM_OF_THE_ADMIN)} == set()


def test_service_functions_write_them(writers):
    assert {"tenants/services/tenant_actions.py", "hub/mappings/identity_pairs.py"} <= writers
