"""Names of the people in a company with several offices, as `names.toml` lists them."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

_LISTS = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True)
class Names:
    """Names of one country as texts of words; `weight` is its share of the people."""

    weight: float
    women: str
    men: str
    surnames: str


COUNTRIES = {key: Names(**lists) for key, lists in _LISTS["countries"].items()}
SOUTH = COUNTRIES["south"]  # many people have two surnames
SHORT_FORMS: dict[str, str] = _LISTS["short_forms"]
