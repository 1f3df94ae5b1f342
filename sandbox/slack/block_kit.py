"""Block Kit as messages may use it: types, required fields and limits of blocks and their elements.

https://docs.slack.dev/reference/block-kit (2026-11). The sentences are those that answers were
seen with; where Slack publishes no rule for an element, only its type is checked.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

MOST_BLOCKS, MOST_ID, MOST_URL = 50, 255, 3000
MOST_MARKDOWN = 12_000  # characters of all markdown blocks of a message together
Check = Callable[[Any, str], list[str]]  # a value and its JSON pointer to problems


def problem(sentence: str, pointer: str) -> list[str]:
    return [f"{sentence} [json-pointer:{pointer}]"]


def anything(value: Any, pointer: str) -> list[str]:
    return []


def flag(value: Any, pointer: str) -> list[str]:
    return [] if isinstance(value, bool) else problem("must be a boolean", pointer)


def string(most: int, least: int = 1) -> Check:
    def check(value: Any, pointer: str) -> list[str]:
        if not isinstance(value, str):
            return problem("must be a string", pointer)
        if len(value) < least:
            return problem(f"must be more than {least - 1} characters", pointer)
        if len(value) > most:
            return problem(f"must be less than {most + 1} characters", pointer)
        return []

    return check


def one_of(*values: str) -> Check:
    def check(value: Any, pointer: str) -> list[str]:
        return [] if value in values else problem("must be a valid enum value", pointer)

    return check


def list_of(item: Check, *, most: int, least: int = 1) -> Check:
    def check(value: Any, pointer: str) -> list[str]:
        if not isinstance(value, list):
            return problem("must be an array", pointer)
        if len(value) < least:
            return problem(f"no fewer than {least} items allowed", pointer)
        if len(value) > most:
            return problem(f"no more than {most} items allowed", pointer)
        return [
            wrong
            for at, item_value in enumerate(value)
            for wrong in item(item_value, f"{pointer}/{at}")
        ]

    return check


@dataclass(frozen=True)
class Shape:
    """The fields of an object. `open` ones may have fields that are not stated here."""

    fields: Mapping[str, Check] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()
    open: bool = False

    def problems(self, value: Mapping[str, Any], pointer: str) -> list[str]:
        problems = []
        for name in self.required:
            if name not in value:
                problems += problem(f"missing required field: {name}", pointer)
        if self.any_of and not any(value.get(name) for name in self.any_of):
            stated = " or ".join(f"`{name}`" for name in self.any_of)
            problems += problem(f"must define either {stated}", f"{pointer}/type")
        for name, item_value in value.items():
            if name in self.fields:
                problems += self.fields[name](item_value, f"{pointer}/{name}")
            elif name != "type" and not self.open:
                problems += problem(f"invalid additional property: {name}", pointer)
        return problems


def typed(shapes: Mapping[str, Shape]) -> Check:
    """Return the check of an object whose `type` selects one of these shapes."""

    def check(value: Any, pointer: str) -> list[str]:
        if not isinstance(value, dict):
            return problem("must provide an object", pointer)
        if "type" not in value:
            return problem("missing required field: type", pointer)
        if not isinstance(value["type"], str) or value["type"] not in shapes:
            return problem(f"unsupported type: {value['type']}", f"{pointer}/type")
        return shapes[value["type"]].problems(value, pointer)

    return check


def text(most: int, *, plain: bool = False) -> Check:
    content = string(most)
    shapes = {"plain_text": Shape({"text": content, "emoji": flag}, required=("text",))}
    if not plain:
        shapes["mrkdwn"] = Shape({"text": content, "verbatim": flag}, required=("text",))
    of_type = typed(shapes)

    def check(value: Any, pointer: str) -> list[str]:
        wrong = of_type(value, pointer)
        return [*problem("failed to match all allowed schemas", pointer), *wrong] if wrong else []

    return check


IMAGE_FIELDS: Mapping[str, Check] = {
    "image_url": string(MOST_URL),
    "slack_file": anything,
    "alt_text": string(2000),
}
SOURCES = ("image_url", "slack_file")
CONFIRMATION = Shape(
    {
        "title": text(100, plain=True),
        "text": text(300),
        "confirm": text(30, plain=True),
        "deny": text(30, plain=True),
        "style": one_of("primary", "danger"),
    },
    required=("title", "text", "confirm", "deny"),
)
OPTION = Shape(
    {
        "text": text(75),
        "value": string(150),
        "description": text(75),
        "url": string(MOST_URL),
    },
    required=("text", "value"),
)


def shaped(shape: Shape) -> Check:
    """An object without a `type`."""

    def check(value: Any, pointer: str) -> list[str]:
        if not isinstance(value, dict):
            return problem("must provide an object", pointer)
        return shape.problems(value, pointer)

    return check


BUTTON = Shape(
    {
        "text": text(75, plain=True),
        "action_id": string(MOST_ID),
        "url": string(MOST_URL),
        "value": string(2000),
        "style": one_of("primary", "danger"),
        "confirm": shaped(CONFIRMATION),
        "accessibility_label": string(75),
    },
    required=("text",),
)
OTHER_ELEMENT = Shape({"action_id": string(MOST_ID)}, open=True)


def menu(most: int) -> Shape:
    options = list_of(shaped(OPTION), most=most)
    return Shape({"action_id": string(MOST_ID), "options": options}, open=True)


OTHER_ELEMENTS = (
    "datepicker",
    "datetimepicker",
    "timepicker",
    "workflow_button",
    "channels_select",
    "external_select",
    "conversations_select",
    "users_select",
    "multi_channels_select",
    "multi_external_select",
    "multi_conversations_select",
    "multi_users_select",
    "email_text_input",
    "number_input",
    "plain_text_input",
    "rich_text_input",
    "url_text_input",
)
ELEMENTS: Mapping[str, Shape] = {
    "button": BUTTON,
    "overflow": menu(5),
    "checkboxes": menu(10),
    "radio_buttons": menu(10),
    "static_select": menu(100),
    "multi_static_select": menu(100),
    **dict.fromkeys(OTHER_ELEMENTS, OTHER_ELEMENT),
}
IMAGE_ELEMENT = Shape(IMAGE_FIELDS, required=("alt_text",), any_of=SOURCES)
CONTEXT_TEXT = string(3000)
CONTEXT: Mapping[str, Shape] = {
    "image": IMAGE_ELEMENT,
    "plain_text": Shape({"text": CONTEXT_TEXT, "emoji": flag}, required=("text",)),
    "mrkdwn": Shape({"text": CONTEXT_TEXT, "verbatim": flag}, required=("text",)),
}


def block(
    fields: Mapping[str, Check],
    *required: str,
    any_of: tuple[str, ...] = (),
) -> Shape:
    return Shape({"block_id": string(MOST_ID), **fields}, required, any_of)


BLOCKS: Mapping[str, Shape] = {
    "actions": block({"elements": list_of(typed(ELEMENTS), most=25)}, "elements"),
    "context": block({"elements": list_of(typed(CONTEXT), most=10)}, "elements"),
    "context_actions": block({"elements": list_of(anything, most=5)}, "elements"),
    "divider": block({}),
    "file": block(
        {"external_id": string(MOST_ID), "source": one_of("remote")},
        "external_id",
        "source",
    ),
    "header": block({"text": text(150, plain=True)}, "text"),
    "image": block(
        {**IMAGE_FIELDS, "title": text(2000, plain=True)},
        "alt_text",
        any_of=SOURCES,
    ),
    "input": Shape({"label": text(2000, plain=True)}, required=("label", "element"), open=True),
    "markdown": block({"text": string(MOST_MARKDOWN)}, "text"),
    "rich_text": block({"elements": list_of(anything, most=1000, least=0)}, "elements"),
    "section": block(
        {
            "text": text(3000),
            "fields": list_of(text(2000), most=10),
            "accessory": typed({**ELEMENTS, "image": IMAGE_ELEMENT}),
            "expand": flag,
        },
        any_of=("text", "fields"),
    ),
    "table": Shape({"rows": list_of(anything, most=100)}, required=("rows",), open=True),
    "video": Shape(required=("alt_text", "title", "thumbnail_url", "video_url"), open=True),
}
check_blocks = list_of(typed(BLOCKS), most=MOST_BLOCKS, least=0)

PROSE = ("text", "pretext", "title", "fallback", "footer", "author_name")
LINKS = ("title_link", "author_link", "author_icon", "image_url", "thumb_url")
SHOWN = (*PROSE, "image_url", "thumb_url", "fields", "blocks")
ATTACHMENT_FIELD = Shape({"title": string(300, 0), "value": string(8000, 0)}, open=True)
ATTACHMENT = Shape(
    {
        **dict.fromkeys(PROSE, string(8000, 0)),
        **dict.fromkeys(LINKS, string(MOST_URL, 0)),
        "color": string(MOST_ID, 0),
        "fields": list_of(shaped(ATTACHMENT_FIELD), most=100, least=0),
        "blocks": check_blocks,
    },
    open=True,
)
check_attachment = shaped(ATTACHMENT)


def markdown_length(blocks: list[dict[str, Any]]) -> int:
    return sum(len(item_value["text"]) for item_value in blocks if item_value["type"] == "markdown")
