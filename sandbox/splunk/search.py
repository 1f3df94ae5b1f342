"""A search over events: words, "phrases", key=value and NOT, all of which must hold."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

TERM = re.compile(
    r'(?P<not>NOT\s+)?(?:(?P<key>[\w.]+)(?P<sign>!?=))?(?:"(?P<phrase>[^"]*)"|(?P<word>[^\s"]+))'
)
META = ("index", "source", "sourcetype", "host")
Event = dict[str, Any]


def search(events: Iterable[Event], query: str) -> Iterator[Event]:
    terms = [match.groupdict() for match in TERM.finditer(query) if match["word"] != "*"]
    return (event for event in events if all(has_term(event, term) for term in terms))


def has_term(event: Event, term: dict[str, str | None]) -> bool:
    pattern_text = (term["phrase"] if term["phrase"] is not None else term["word"] or "").lower()
    if term["key"]:
        is_match = any(
            matches(value, pattern_text) for name, value in fields(event) if name == term["key"]
        )
    else:
        is_match = pattern_text in f"{raw(event)} {json.dumps(event['fields'])}".lower()
    return is_match != bool(term["not"] or term["sign"] == "!=")


def matches(value: str, pattern_text: str) -> bool:
    pattern = ".*".join(re.escape(part) for part in pattern_text.split("*"))
    return re.fullmatch(pattern, value.lower(), re.S) is not None


def fields(event: Event) -> Iterator[tuple[str, str]]:
    """Metadata, indexed fields, and what the event itself holds, as name and text."""
    yield from ((name, str(event[name])) for name in META)
    yield from flat("", event["fields"])
    yield from flat("", event["event"])


def flat(path: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, one in value.items():
            yield from flat(f"{path}.{key}" if path else key, one)
    elif isinstance(value, list):
        for one in value:
            yield from flat(f"{path}{{}}", one)
    elif path:
        yield path, value if isinstance(value, str) else json.dumps(value)


def raw(event: Event) -> str:
    return event["event"] if isinstance(event["event"], str) else json.dumps(event["event"])
