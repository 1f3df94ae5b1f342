"""The changelog tells a user of a release what is new, and is short enough to be read."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
CHANGELOG = (ROOT / "CHANGELOG.md").read_text()


def test_the_newest_section_is_of_the_version_of_the_product():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert re.search(r"^## (\S+)", CHANGELOG, re.MULTILINE)[1] == version


def test_it_has_at_most_two_hundred_lines_and_says_nothing_twice():
    lines = [line for line in CHANGELOG.splitlines() if line.startswith("- ")]
    assert len(CHANGELOG.splitlines()) <= 200
    assert sorted({line for line in lines if lines.count(line) > 1}) == []
