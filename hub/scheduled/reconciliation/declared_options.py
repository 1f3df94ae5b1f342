"""The options of a reconciliation, declared, with what must hold between them."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from connectors.registry import CONNECTORS
from connectors.roles import Collection
from hub.scheduled.jobs.option_errors import REQUIRED
from hub.scheduled.jobs.option_schema import (
    ChoiceOption,
    ExpressionOption,
    FlagOption,
    JobOptions,
    Label,
    ListOption,
    NumberOption,
    Section,
    TextOption,
    is_any_text,
    is_filled,
)
from hub.scheduled.models import Discrepancy
from hub.scheduled.reading.condition_options import ConditionsOption
from hub.scheduled.reading.requests import PAGE_REQUEST_ARGUMENTS
from tenants.models import available_time_zones

LOCAL_CONNECTOR = "app"  # our own application is the local side
DEFAULT_SHARE, DEFAULT_COUNT = 0.1, 500  # beyond which a run stops and asks
DEFAULT_OVERLAP = 10  # minutes
TEXT_LENGTH_MAX = 20_000  # characters of a parameter or a picklist's value
# set by each run
READ_PARAMETERS = PAGE_REQUEST_ARGUMENTS | {"since", "until", "ids", "page_size", "conditions"}
THEIR_RECORDS = _("Their records")
ANY_TEXT = TextOption(maximum=TEXT_LENGTH_MAX, is_valid=is_any_text)
Problems = Iterator[tuple[str, str]]


def find_collection(connector_key: str, key: Any) -> Collection | None:
    """Return a collection of a connector by its key."""
    connector = CONNECTORS.get(connector_key)
    collections = connector.collections if connector else ()
    return next((entry for entry in collections if entry.key == key), None)


def _list_local_collections(connector_key: str) -> Mapping[str, Label]:
    return _list_collections(LOCAL_CONNECTOR)


def _list_collections(connector_key: str) -> Mapping[str, Label]:
    """Return the collections that can be reconciled: with ids, and with what has changed."""
    return {
        entry.key: entry.label
        for entry in CONNECTORS[connector_key].collections
        if entry.reads_changes and entry.has_ids
    }


def _list_local_actions(connector_key: str) -> Mapping[str, Label]:
    return _list_actions(LOCAL_CONNECTOR)


def _list_actions(connector_key: str) -> Mapping[str, Label]:
    return {"": "", **{action.key: action.label for action in CONNECTORS[connector_key].actions}}


def _list_local_updates(connector_key: str) -> Mapping[str, Label]:
    return _list_updates(LOCAL_CONNECTOR)


def _list_updates(connector_key: str) -> Mapping[str, Label]:
    """Return the actions that change a record."""
    actions = _list_actions(connector_key).items()
    updates = {key: label for key, label in actions if key.startswith("update")}
    return {"": _("Not changed"), **updates}


def _reads_any_object(connector_key: str) -> bool:
    schema = CONNECTORS[connector_key].schema
    return schema is not None and schema.reads_any_object


def _check_parameter_name(name: str) -> Label:
    return _("Each run sets this itself.") if name in READ_PARAMETERS else ""


def _is_time_zone(text: str) -> bool:
    return text in ("", *available_time_zones())


def _check_match(match: Mapping[str, Any], connector_key: str) -> Problems:
    missing = [name for name in ("local", "remote") if name not in match]
    if "identity" not in match:
        yield from ((name, gettext(REQUIRED)) for name in missing)
    elif len(missing) < 2:
        yield "", gettext("Enter either an identity, or an expression for each side.")


def _check_rule(rule: Mapping[str, Any], connector_key: str) -> Problems:
    type = rule.get("type", "text")
    if rule.get("values") and type != "picklist":
        yield "values", gettext("This belongs to a picklist only.")
    if type == "reference" and not rule.get("identity"):
        yield "identity", gettext(REQUIRED)
    if type != "reference" and "identity" in rule:
        yield "identity", gettext("This belongs to a reference only.")


def _check_consistency(options: Mapping[str, Any], connector_key: str) -> Problems:
    rules, repair, deleted = (
        options["fields"],
        options.get("repair", {}),
        options.get("deleted", {}),
    )
    names = [rule["name"] for rule in rules]
    for position, name in enumerate(names):
        if name in names[:position]:
            yield f"fields[{position}].name", gettext("Two fields have this name.")
    owners = {rule.get("owner", "report") for rule in rules}
    for name, side, key, right in (
        ("local_action", "here", LOCAL_CONNECTOR, "theirs"),
        ("remote_action", "there", connector_key, "ours"),
    ):
        update = repair.get(name, "")
        if options.get("mode") == "apply" and not update and owners & {right, "newer"}:
            yield f"repair.{name}", gettext("This is needed to apply repairs.")
        # a record is deleted by the action that belongs to its update
        wanted = f"delete{update.removeprefix('update')}"
        if deleted.get(side) == "delete" and wanted not in _list_actions(key):
            text = gettext("This needs a repair.%s whose records can be deleted.")
            yield f"deleted.{side}", text % name


def _choose(key: str, label: Label, choices: Mapping[str, Label]) -> ChoiceOption:
    return ChoiceOption(key, label=label, choices=choices, default="report")


LOCAL_SIDE = Section(
    "local",
    is_required=True,
    options=(
        ChoiceOption(
            "collection",
            label=_("Our records"),
            is_required=True,
            choices=_list_local_collections,
            example="orders",
        ),
        Section(
            "query",
            help="Parameters of the collection, all texts.",
            others=ANY_TEXT,
            find_name_problem=_check_parameter_name,
        ),
        ConditionsOption("conditions", label=_("Only our records with")),
    ),
)
REMOTE_SIDE = Section(
    "remote",
    is_required=True,
    options=(
        ChoiceOption(
            "collection",
            label=THEIR_RECORDS,
            is_required=True,
            choices=_list_collections,
            example="records",
        ),
        Section(
            "query",
            help="Parameters of the collection, all texts.",
            options=(
                TextOption(
                    "object",
                    label=_("Their object"),
                    help=_("Its API name, such as Order__c."),
                    is_required=True,
                    is_offered=_reads_any_object,
                    maximum=80,
                    example="Order__c",
                ),
                TextOption(
                    "fields",
                    label=_("Their fields that are read"),
                    help=_("API names, separated by commas."),
                    is_required=True,
                    is_offered=_reads_any_object,
                    maximum=TEXT_LENGTH_MAX,
                    is_valid=is_any_text,
                    example="Number__c,Status__c",
                ),
            ),
            others=ANY_TEXT,
            find_name_problem=_check_parameter_name,
        ),
        ConditionsOption("conditions", label=_("Only their records with")),
    ),
)
MATCH = Section(
    "match",
    is_required=True,
    rule=_check_match,
    options=(
        ExpressionOption(
            "local",
            label=_("Our key"),
            help=_("The field by which records belong together, such as number."),
            example="number",
        ),
        ExpressionOption("remote", label=_("Their key"), example="Number__c"),
        TextOption(
            "identity",
            help="In place of both expressions: pairs of IDs of this kind that the hub knows.",
            maximum=60,
            is_valid=is_filled,
        ),
    ),
)
FIELD_RULE = Section(
    rule=_check_rule,
    options=(
        TextOption("name", label=_("Name"), is_required=True, maximum=80, example="status"),
        ExpressionOption("local", label=_("Our field"), is_required=True, example="state"),
        ExpressionOption("remote", label=_("Their field"), is_required=True, example="Status__c"),
        ChoiceOption(
            "type",
            label=_("Type"),
            choices={
                "text": _("Text"),
                "integer": _("Whole number"),
                "decimal": _("Decimal number"),
                "boolean": _("Yes or no"),
                "datetime": _("Time"),
                "date": _("Date"),
                "picklist": _("Picklist"),
                "reference": _("Reference"),
            },
            default="text",
            example="text",
        ),
        ChoiceOption(
            "owner",
            label=_("Whose value"),
            choices={
                "report": _("Report only"),
                "ours": _("Ours is right"),
                "theirs": _("Theirs is right"),
                "newer": _("The newer is right"),
            },
            default="report",
            example="ours",
        ),
        TextOption(
            "zone",
            help="The time zone of dates, and of times without an offset.",
            default="UTC",
            is_valid=_is_time_zone,
            problem=_("This must be a time zone such as Europe/Berlin."),
        ),
        FlagOption("ignore_case", help="Whether case does not count."),
        Section("values", help="Of a picklist: our values with theirs.", others=ANY_TEXT),
        TextOption(
            "identity",
            help="Of a reference: the kind of the identities.",
            maximum=60,
            is_valid=is_filled,
        ),
    ),
)
MISSING = {"report": _("Report only"), "create": _("Create it")}
DELETED = {"report": _("Report only"), "delete": _("Delete it, too")}

RECONCILE_OPTIONS = JobOptions(
    example_connector="salesforce",
    example_title=_(
        "Reconciliation: our orders and a custom object in Salesforce; our state is right"
    ),
    rule=_check_consistency,
    options=(
        LOCAL_SIDE,
        REMOTE_SIDE,
        MATCH,
        ChoiceOption(
            "mode",
            label=_("Differences"),
            choices={"propose": _("Are proposed to you"), "apply": _("Are repaired at once")},
            default="propose",
        ),
        ChoiceOption(
            "read",
            label=_("What is read"),
            choices={"full": _("All records"), "incremental": _("What changed since the last run")},
            default="full",
        ),
        NumberOption(
            "overlap_minutes",
            help="How far before the last complete run an incremental one begins.",
            minimum=0,
            maximum=7 * 24 * 60,
            default=DEFAULT_OVERLAP,
        ),
        Section(
            "missing",
            options=(
                _choose("here", Discrepancy.Verdict.MISSING_HERE.label, MISSING),
                _choose("there", Discrepancy.Verdict.MISSING_THERE.label, MISSING),
            ),
        ),
        Section(
            "deleted",
            options=(
                _choose("here", _("Ours, if theirs was deleted"), DELETED),
                _choose("there", _("Theirs, if ours was deleted"), DELETED),
            ),
        ),
        Section(
            "limits",
            options=(
                NumberOption(
                    "share",
                    label=_("Stop and ask above (percent of the records)"),
                    minimum=0,
                    maximum=1,
                    is_whole=False,
                    is_share=True,
                    default=DEFAULT_SHARE,
                ),
                NumberOption(
                    "count",
                    label=_("Stop and ask above (records)"),
                    minimum=0,
                    maximum=10**9,
                    default=DEFAULT_COUNT,
                ),
            ),
        ),
        Section(
            "repair",
            options=(
                ChoiceOption(
                    "local_action",
                    label=_("Our records are changed by"),
                    choices=_list_local_actions,
                    offered=_list_local_updates,
                    example="update_order",
                ),
                ChoiceOption(
                    "remote_action",
                    label=_("Their records are changed by"),
                    choices=_list_actions,
                    offered=_list_updates,
                    example="update_record",
                ),
            ),
        ),
        ListOption(
            "fields",
            label=_("Compared fields"),
            is_required=True,
            entry=FIELD_RULE,
            maximum=100,
        ),
    ),
)
