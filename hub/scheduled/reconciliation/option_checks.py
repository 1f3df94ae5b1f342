"""Check a reconciliation's options strictly, with one error for each JSON path."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.registry import CONNECTORS
from connectors.roles import Collection
from hub.mappings.expressions.budget import ExpressionRefused
from hub.mappings.expressions.language import parse_expression
from hub.scheduled.reading.condition_checks import find_condition_errors
from hub.scheduled.reading.requests import PAGE_REQUEST_ARGUMENTS
from tenants.models import available_time_zones

FIELD_TYPES = (
    "text",
    "integer",
    "decimal",
    "boolean",
    "datetime",
    "date",
    "picklist",
    "reference",
)
LOCAL_CONNECTOR_KEY = "app"
OWNERS = ("ours", "theirs", "newer", "report")
REPAIR_MODES = ("propose", "apply")
READ_MODES = ("full", "incremental")
MISSING_RECORD_ACTIONS = ("report", "create")
DELETED_RECORD_ACTIONS = ("report", "delete")
FIELDS_MAX = 100
NAME_LENGTH_MAX = 80  # characters
OVERLAP_MINUTES_MAX = 7 * 24 * 60  # minutes
VALUES_MAX = 1000
KNOWN_NAMES = {
    "": {
        "local",
        "remote",
        "match",
        "fields",
        "mode",
        "read",
        "overlap_minutes",
        "missing",
        "deleted",
        "limits",
        "repair",
    },
    "side": {"collection", "query", "conditions"},
    "match": {"local", "remote", "identity"},
    "field": {
        "name",
        "local",
        "remote",
        "type",
        "owner",
        "zone",
        "values",
        "ignore_case",
        "identity",
    },
    "missing": {"here", "there"},
    "deleted": {"here", "there"},
    "limits": {"share", "count"},
    "repair": {"local_action", "remote_action"},
}


@dataclass
class OptionErrors:
    """The errors by JSON path; only the first error of a path is kept."""

    by_path: dict[str, str] = field(default_factory=dict)

    def add(self, path: str, message: str) -> None:
        self.by_path.setdefault(path, message)

    def add_all(self, messages: Mapping[str, str]) -> None:
        self.by_path = dict(messages) | self.by_path

    def check_object(self, value: Any, path: str, known: str) -> Mapping[str, Any]:
        """Return the object at a path after checking its keys; {} if it is not an object."""
        if not isinstance(value, Mapping):
            self.add(path or "options", "must be an object")
            return {}
        for name in value:
            if name not in KNOWN_NAMES[known]:
                self.add(f"{path}.{name}" if path else str(name), "is not known")
        return value

    def check_choice(self, value: Any, path: str, choices: tuple[str, ...]) -> None:
        if value not in choices:
            self.add(path, f"must be one of {', '.join(choices)}")

    def check_text(self, value: Any, path: str, *, maximum: int = 500) -> bool:
        if not isinstance(value, str) or not value.strip() or len(value) > maximum:
            self.add(path, f"must be text of at most {maximum} characters")
            return False
        return True

    def check_expression(self, value: Any, path: str) -> None:
        if self.check_text(value, path):
            try:
                parse_expression(value)
            except ExpressionRefused as refused:
                self.add(path, refused.message)

    def check_number(
        self, value: Any, path: str, *, minimum: float, maximum: float, is_integer: bool = False
    ) -> None:
        kinds = (int,) if is_integer else (int, float)
        if (
            isinstance(value, bool)
            or not isinstance(value, kinds)
            or not minimum <= value <= maximum
        ):
            self.add(path, f"must be a number from {minimum:g} to {maximum:g}")


def find_option_errors(options: Any, connector_key: str) -> dict[str, str]:
    errors = OptionErrors()
    known = errors.check_object(options, "", "")
    if not known:
        return errors.by_path or {"options": "must not be empty"}
    for name in ("local", "remote", "match", "fields"):
        if name not in known:
            errors.add(name, "is missing")
    _check_side(errors, known.get("local"), "local", "app")
    _check_side(errors, known.get("remote"), "remote", connector_key)
    _check_match(errors, known.get("match"))
    _check_fields(errors, known.get("fields"))
    _check_modes(errors, known)
    _check_repair(errors, known, connector_key)
    return errors.by_path


# set by each run
READ_PARAMETERS = PAGE_REQUEST_ARGUMENTS | {"since", "until", "ids", "page_size", "conditions"}


def _check_side(errors: OptionErrors, value: Any, path: str, connector_key: str) -> None:
    if value is None:
        return
    side = errors.check_object(value, path, "side")
    collection = find_collection(connector_key, side.get("collection"))
    if collection is None:
        errors.add(f"{path}.collection", f"{connector_key} has no such collection")
    elif not (collection.reads_changes and collection.has_ids):
        errors.add(
            f"{path}.collection",
            "cannot be reconciled: it has no ids, or does not tell which records have changed",
        )
    errors.add_all(find_condition_errors(side.get("conditions", []), f"{path}.conditions"))
    query = side.get("query", {})
    if not isinstance(query, Mapping):
        errors.add(f"{path}.query", "must be an object")
        return
    for name, entry in query.items():
        if not isinstance(entry, str):
            errors.add(f"{path}.query.{name}", "must be text")
        if name in READ_PARAMETERS:
            errors.add(f"{path}.query.{name}", "is set by each run")


def find_collection(connector_key: str, key: Any) -> Collection | None:
    """Return a collection of a connector by its key."""
    connector = CONNECTORS.get(connector_key)
    collections = connector.collections if connector else ()
    return next((entry for entry in collections if entry.key == key), None)


def _check_match(errors: OptionErrors, value: Any) -> None:
    if value is None:
        return
    match = errors.check_object(value, "match", "match")
    if "identity" in match:
        errors.check_text(match["identity"], "match.identity", maximum=60)
        if set(match) & {"local", "remote"}:
            errors.add("match", "has either an identity, or an expression for each side")
        return
    for name in ("local", "remote"):
        errors.check_expression(match.get(name), f"match.{name}")


def _check_fields(errors: OptionErrors, value: Any) -> None:
    if value is None:
        return
    if not isinstance(value, list) or not 1 <= len(value) <= FIELDS_MAX:
        errors.add("fields", f"must be a list of 1 to {FIELDS_MAX} fields")
        return
    names: set[str] = set()
    for index, entry in enumerate(value):
        path = f"fields[{index}]"
        rule = errors.check_object(entry, path, "field")
        if errors.check_text(rule.get("name"), f"{path}.name", maximum=NAME_LENGTH_MAX):
            if rule["name"] in names:
                errors.add(f"{path}.name", "occurs twice")
            names.add(rule["name"])
        errors.check_expression(rule.get("local"), f"{path}.local")
        errors.check_expression(rule.get("remote"), f"{path}.remote")
        _check_field_kind(errors, rule, path)


def _check_field_kind(errors: OptionErrors, rule: Mapping[str, Any], path: str) -> None:
    kind = rule.get("type", "text")
    errors.check_choice(kind, f"{path}.type", FIELD_TYPES)
    errors.check_choice(rule.get("owner", "report"), f"{path}.owner", OWNERS)
    if not isinstance(rule.get("ignore_case", False), bool):
        errors.add(f"{path}.ignore_case", "must be true or false")
    if rule.get("zone", "") not in ("", *available_time_zones()):
        errors.add(f"{path}.zone", "must be a time zone such as Europe/Berlin")
    values = rule.get("values", {})
    if not _is_text_map(values) or len(values) > VALUES_MAX:
        errors.add(f"{path}.values", f"must be an object of at most {VALUES_MAX} texts")
    elif values and kind != "picklist":
        errors.add(f"{path}.values", "belongs to a picklist only")
    if kind == "reference":
        errors.check_text(rule.get("identity"), f"{path}.identity", maximum=60)
    elif "identity" in rule:
        errors.add(f"{path}.identity", "belongs to a reference only")


def _is_text_map(values: Any) -> bool:
    return isinstance(values, Mapping) and all(isinstance(value, str) for value in values.values())


def _check_modes(errors: OptionErrors, options: Mapping[str, Any]) -> None:
    errors.check_choice(options.get("mode", "propose"), "mode", REPAIR_MODES)
    errors.check_choice(options.get("read", "full"), "read", READ_MODES)
    errors.check_number(
        options.get("overlap_minutes", 10),
        "overlap_minutes",
        minimum=0,
        maximum=OVERLAP_MINUTES_MAX,
        is_integer=True,
    )
    missing = errors.check_object(options.get("missing", {}), "missing", "missing")
    for side in ("here", "there"):
        errors.check_choice(missing.get(side, "report"), f"missing.{side}", MISSING_RECORD_ACTIONS)
    deleted = errors.check_object(options.get("deleted", {}), "deleted", "deleted")
    for side in ("here", "there"):
        errors.check_choice(deleted.get(side, "report"), f"deleted.{side}", DELETED_RECORD_ACTIONS)
    limits = errors.check_object(options.get("limits", {}), "limits", "limits")
    errors.check_number(limits.get("share", 0.1), "limits.share", minimum=0, maximum=1)
    errors.check_number(
        limits.get("count", 500), "limits.count", minimum=0, maximum=10**9, is_integer=True
    )


def _check_repair(errors: OptionErrors, options: Mapping[str, Any], connector_key: str) -> None:
    repair = errors.check_object(options.get("repair", {}), "repair", "repair")
    checks: tuple[tuple[str, str, Callable[[Mapping[str, Any]], bool]], ...] = (
        ("local_action", "app", lambda rule: rule.get("owner") in ("theirs", "newer")),
        ("remote_action", connector_key, lambda rule: rule.get("owner") in ("ours", "newer")),
    )
    fields = options.get("fields")
    entries = fields if isinstance(fields, list) else []
    rules = [entry for entry in entries if isinstance(entry, Mapping)]
    for name, key, is_repaired in checks:
        connector = CONNECTORS.get(key)
        action_keys = {action.key for action in connector.actions} if connector else set()
        if name in repair and repair[name] not in action_keys:
            errors.add(f"repair.{name}", f"{key} has no such action")
        elif options.get("mode") == "apply" and name not in repair and any(map(is_repaired, rules)):
            errors.add(f"repair.{name}", "is needed to apply repairs")
    _check_deletion(errors, options, connector_key)


def _check_deletion(errors: OptionErrors, options: Mapping[str, Any], connector_key: str) -> None:
    """Check that a record can be deleted by the action that belongs to the update."""
    deleted, repair = options.get("deleted", {}), options.get("repair", {})
    if not isinstance(deleted, Mapping) or not isinstance(repair, Mapping):
        return
    for side, name, key in (
        ("here", "local_action", LOCAL_CONNECTOR_KEY),
        ("there", "remote_action", connector_key),
    ):
        connector, update = CONNECTORS.get(key), repair.get(name)
        wanted = f"delete{str(update).removeprefix('update')}"
        has_action = connector and any(action.key == wanted for action in connector.actions)
        if deleted.get(side) == "delete" and not has_action:
            errors.add(f"deleted.{side}", f"needs a repair.{name} whose records can be deleted")
