"""How templates are laid out: short lines, and the formatter has nothing to change."""

import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
TEMPLATES = [
    path for path in sorted((ROOT / "templates").rglob("*")) if path.suffix in (".html", ".txt")
]
MAX_LINE_LENGTH = 120


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_line_of_a_template_is_longer_than_120_characters(path):
    long_lines = [
        number
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if len(line) > MAX_LINE_LENGTH
    ]

    assert long_lines == []


def test_templates_are_formatted():
    djade = Path(sys.executable).parent / "djade"

    result = subprocess.run(
        [str(djade), "--check", *map(str, TEMPLATES)], cwd=ROOT, capture_output=True, text=True
    )

    assert result.returncode == 0, result.stderr
