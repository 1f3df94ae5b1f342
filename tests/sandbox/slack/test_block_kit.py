"""Blocks and attachments that the simulated Slack takes and refuses, by the official client."""

import pytest
from slack_sdk.models.attachments import BlockAttachment
from slack_sdk.models.blocks import (
    ActionsBlock,
    ButtonElement,
    ContextBlock,
    DividerBlock,
    HeaderBlock,
    ImageBlock,
    ImageElement,
    MarkdownBlock,
    MarkdownTextObject,
    Option,
    OverflowMenuElement,
    PlainTextObject,
    SectionBlock,
)

from sandbox.slack.block_kit import check_blocks
from tests.sandbox.slack.test_slack import ACME, client, get_refusal

GENERAL = "C0000GEN1"
TEXT = {"type": "mrkdwn", "text": "*hi*"}
PLAIN = {"type": "plain_text", "text": "hi"}
LOGO = {"image_url": "https://acme.example/logo.png", "alt_text": "logo"}
WELL_FORMED = [
    HeaderBlock(text="New order"),
    SectionBlock(
        text="*A-1001*", fields=["one"], accessory=ButtonElement(text="Open", action_id="go")
    ),
    SectionBlock(fields=[MarkdownTextObject(text="*Total*")]),
    ContextBlock(elements=[PlainTextObject(text="by Hub"), ImageElement(**LOGO)]),
    ActionsBlock(
        elements=[OverflowMenuElement(action_id="more", options=[Option(text="Later", value="1")])]
    ),
    ImageBlock(**LOGO, title="Logo"),
    DividerBlock(),
    MarkdownBlock(text="**bold**"),
]


def section(**more):
    return {"type": "section", "text": TEXT, **more}


def test_takes_what_the_official_models_make(desk):
    slack = client(desk, ACME)
    attachments = [BlockAttachment(blocks=[DividerBlock()], fallback="more", color="#439FE0")]
    message = {"text": "New order", "blocks": WELL_FORMED, "attachments": attachments}
    posted = slack.chat_postMessage(channel=GENERAL, **message)
    assert [block["type"] for block in posted["message"]["blocks"]] == [
        block.type for block in WELL_FORMED
    ]


@pytest.mark.parametrize(
    ("block", "problem", "place"),
    [
        ({"text": TEXT}, "missing required field: type", ""),
        ({"type": "sections"}, "unsupported type: sections", "/type"),
        ({"type": []}, "unsupported type: []", "/type"),
        ("hi", "must provide an object", ""),
        ({"type": "section"}, "must define either `text` or `fields`", "/type"),
        (section(text="hi"), "must provide an object", "/text"),
        (section(text={"type": "html", "text": "x"}), "unsupported type: html", "/text/type"),
        (section(text={**TEXT, "text": ""}), "must be more than 0 characters", "/text/text"),
        (
            section(text={**TEXT, "text": "x" * 3001}),
            "must be less than 3001 characters",
            "/text/text",
        ),
        (section(text={**TEXT, "emoji": True}), "invalid additional property: emoji", "/text"),
        (section(fields=[TEXT] * 11), "no more than 10 items allowed", "/fields"),
        (
            section(fields=[{**TEXT, "text": "x" * 2001}]),
            "must be less than 2001 characters",
            "/fields/0/text",
        ),
        (section(colour="red"), "invalid additional property: colour", ""),
        (section(block_id="x" * 256), "must be less than 256 characters", "/block_id"),
        ({"type": "header", "text": TEXT}, "unsupported type: mrkdwn", "/text/type"),
        (
            {"type": "header", "text": {**PLAIN, "text": "x" * 151}},
            "must be less than 151 characters",
            "/text/text",
        ),
        ({"type": "image", **LOGO, "alt_text": ""}, "must be more than 0 characters", "/alt_text"),
        (
            {"type": "image", "alt_text": "x"},
            "must define either `image_url` or `slack_file`",
            "/type",
        ),
        ({"type": "context", "elements": []}, "no fewer than 1 items allowed", "/elements"),
        (
            {"type": "context", "elements": [{"type": "button", "text": PLAIN}]},
            "unsupported type: button",
            "/elements/0/type",
        ),
        (
            {"type": "actions", "elements": [{"type": "button", "text": PLAIN}] * 26},
            "no more than 25 items allowed",
            "/elements",
        ),
        (
            {"type": "actions", "elements": [{"type": "button", "text": PLAIN, "style": "blue"}]},
            "must be a valid enum value",
            "/elements/0/style",
        ),
    ],
)
def test_names_the_place_of_what_is_wrong_with_a_block(block, problem, place):
    assert f"{problem} [json-pointer:/blocks/0{place}]" in check_blocks([block], "/blocks")


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ({"blocks": [{"type": "divider"}] * 51}, "invalid_blocks"),
        ({"blocks": {"type": "divider"}}, "invalid_blocks_format"),
        ({"blocks": "[{"}, "invalid_blocks_format"),
        ({"blocks": [{"type": "markdown", "text": "x" * 7000}] * 2}, "msg_blocks_too_long"),
        ({"attachments": "more"}, "invalid_attachments"),
        ({"attachments": ["more"]}, "invalid_attachments"),
        ({"attachments": [{"text": 1}]}, "invalid_attachments"),
        ({"attachments": [{"blocks": [{"type": "section"}]}]}, "invalid_attachments"),
        ({"attachments": [{"text": "x"}] * 101}, "too_many_attachments"),
    ],
)
def test_refuses_blocks_and_attachments_with_the_documented_errors(desk, content, error):
    message = {"channel": GENERAL, "text": "x", **content}
    assert (
        get_refusal(client(desk, ACME).api_call, "chat.postMessage", json=message)["error"] == error
    )


def test_an_error_says_what_and_where_in_two_places(desk):
    message = {"channel": GENERAL, "text": "x", "blocks": [{"type": "section"}]}
    response = get_refusal(client(desk, ACME).chat_postMessage, **message)
    problem = "must define either `text` or `fields` [json-pointer:/blocks/0/type]"
    assert response["errors"] == [problem]
    assert response["response_metadata"]["messages"] == [f"[ERROR] {problem}"]
