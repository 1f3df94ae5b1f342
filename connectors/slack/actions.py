"""Actions: post a message to a channel, or change a message that the app has posted."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from connectors.http import Request, Response, Scope
from connectors.i18n import _
from connectors.outcomes import Outcome, delivered, outcome_of_status
from connectors.roles import Action, RequestRefused
from connectors.schema import (
    Credential,
    Input,
    Message,
    remove_nulls,
)
from connectors.slack.errors import find_rejection
from connectors.slack.schema import (
    CONVERSATION_PATTERN,
    MAX_TEXT_LENGTH,
    MAX_UPDATED_TEXT_LENGTH,
    find_content_problem,
)

RECEIVES_COMMANDS = _("to receive slash commands")  # for what the permission is asked
CHANNEL = Input(
    "channel",
    _("Channel"),
    _("The id of the channel, such as C0123456789."),
    required=True,
    choice_kind="channel",
)
CONTENT = (
    Input(
        "text",
        _("Text"),
        _(
            "Up to 4,000 characters are recommended. Also shown in the notification if there "
            "are blocks."
        ),
    ),
    Input("blocks", _("Blocks"), _("A list of Block Kit blocks.")),
    Input("attachments", _("Attachments"), _("A list of legacy attachments.")),
    Input(
        "markdown_text",
        _("Markdown"),
        _("Up to 12,000 characters of Markdown, without text or blocks."),
    ),
    Input(
        "metadata",
        _("Metadata"),
        _("An object with event_type and event_payload, not visible to people."),
    ),
    Input("link_names", _("Link names"), _("true: link @names and #channels in the text.")),
    Input("parse", _("Parse"), _("none or full: how the text is parsed.")),
)
SENDER_KEYS = frozenset({"username", "icon_emoji", "icon_url"})


class ChatAction(Action):
    """A method of `chat.`: one message to one channel, as JSON."""

    method: str
    max_text_length = MAX_TEXT_LENGTH
    permissions = {"chat:write": _("to write as the app")}

    @property
    def scope(self) -> Scope:
        return Scope("method", self.method)

    def find_body_problem(self, body: Mapping[str, Any]) -> str:
        if problem := super().find_body_problem(body):
            return problem
        if not isinstance(body["channel"], str):
            return "channel is not text"
        return find_content_problem(body, max_text_length=self.max_text_length)

    def request(self, messages: Sequence[Message], credential: Credential) -> Request:
        (message,) = messages
        return Request(
            "POST",
            f"{credential.urls['api']}/{self.method}",
            json=self.arguments(message),
            bearer=credential.access_token,
            spends=((self.scope, 1), (Scope("channel", message["channel"]), 1)),
        )

    def arguments(self, message: Message) -> dict[str, Any]:
        return remove_nulls(message.body)

    def outcome(self, response: Response) -> Outcome:
        if rejection := find_rejection(response, self.scope):
            return rejection
        answer = response.json()
        return delivered(
            f"{answer['channel']}/{answer['ts']}", detail=str(answer.get("warning") or "")
        )


class PostMessage(ChatAction):
    key = "post_message"
    label = _("Post a message to a channel")
    help = (
        "If a response is lost, a retry may post the message twice. The metadata of the "
        "message, which people do not see, identifies duplicates."
    )
    method = "chat.postMessage"
    is_reply = True
    permissions = {
        **ChatAction.permissions,
        "chat:write.public": _("to write in public channels that the app has not joined"),
        "chat:write.customize": _("to write under another name or icon"),
    }
    inputs = (
        CHANNEL,
        *CONTENT,
        Input("thread_ts", _("Thread"), _("The ts of the message to reply to.")),
        Input(
            "reply_broadcast",
            _("Also send to the channel"),
            _("true: also show a reply in the channel."),
        ),
        Input("unfurl_links", _("Unfurl links"), _("false: do not show previews of links.")),
        Input("unfurl_media", _("Unfurl media"), _("false: do not show previews of media.")),
        Input("mrkdwn", _("Slack markup"), _("false: show the text unformatted.")),
        Input("username", _("Name"), _("A different name for the sender.")),
        Input("icon_emoji", _("Emoji"), _("An emoji for the sender, such as :package:.")),
        Input("icon_url", _("Icon"), _("The address of an image for the sender.")),
    )
    example = {
        "channel": "'C0123456789'",
        "text": "join('', ['New order ', to_string(data.number), ' from ', data.customer, ': ', "
        "to_string(data.total), ' ', data.currency])",
        "unfurl_links": "`false`",
    }
    notice_mapping = {
        "channel": "identity('channel', 'notices')",
        "text": "data.sentence",
        "unfurl_links": "`false`",
    }
    # a table of one width in a block of code, whose only markup is a backtick
    report_mapping = {
        "channel": "data.channel || identity('channel', 'reports')",
        "text": "escape(data.summary)",
        "blocks": "[{type: 'section', text: {type: 'mrkdwn', text: concat('*', "
        "escape(data.title), '*\n', escape(data.subtitle), data.table && concat('\n```', "
        "replace(escape(data.table), '`', '´'), '```'))}}, data.picture && {type: 'image', "
        "slack_file: {id: data.picture.id}, alt_text: data.summary}][?@]",
        "unfurl_links": "`false`",
    }

    def needed_permissions(self, inputs: Iterable[str]) -> set[str]:
        """Return chat:write, and chat:write.customize if the mapping sets the sender.

        chat:write.public is left out: a mapping does not tell whether the app has joined the
        channel.
        """
        custom = {"chat:write.customize"} if SENDER_KEYS.intersection(inputs) else set()
        return {"chat:write", *custom}

    def arguments(self, message: Message) -> dict[str, Any]:
        metadata = {"event_type": "hub_delivery", "event_payload": {"id": message.id}}
        return {"metadata": metadata, **super().arguments(message)}


class UpdateMessage(ChatAction):
    key = "update_message"
    label = _("Update a message that the app has posted")
    help = "Channel and ts together identify the message."
    method = "chat.update"
    max_text_length = MAX_UPDATED_TEXT_LENGTH
    is_idempotent = True  # the same change twice is the same change
    inputs = (
        CHANNEL,
        Input(
            "ts",
            _("Message"),
            _("The ts of the message, such as 1764000000.000100."),
            required=True,
        ),
        *CONTENT,
    )
    example = {
        "channel": "'C0123456789'",
        "ts": "'1764000000.000100'",
        "text": "join('', ['Order ', to_string(data.number), ' is now ', "
        "to_string(data.total), ' ', data.currency])",
    }

    def find_body_problem(self, body: Mapping[str, Any]) -> str:
        if problem := super().find_body_problem(body):
            return problem
        if CONVERSATION_PATTERN.fullmatch(body["channel"]):
            return ""
        return "channel must be an ID such as C0123456789 to update a message"


class Respond(Action):
    """Answer a command or a click at its response URL.

    https://docs.slack.dev/interactivity/handling-user-interaction: it takes 5 answers within 30
    minutes, also where the app is no member of the channel.
    """

    key = "respond"
    label = _("Answer a command or a click")
    help = "Within 30 minutes and up to 5 times, also in channels that the app has not joined."
    is_reply = uses_reply_url = True
    permissions = {"commands": RECEIVES_COMMANDS}
    inputs = (
        Input("item", _("Incoming item"), _("The item of the event's data."), required=True),
        *CONTENT[:3],
        Input(
            "response_type",
            _("Visible to"),
            _("in_channel: to all people of the channel. Empty: to the person only."),
        ),
        Input("replace_original", _("Replace"), _("true: replace the message that was clicked.")),
        Input("delete_original", _("Delete"), _("true: delete the message that was clicked.")),
        Input("thread_ts", _("Thread"), _("The ts of the message to reply to.")),
    )
    example = {
        "item": "to_string(data.item)",
        "text": "join('', ['You asked: ', to_string(data.text)])",
    }
    scope = Scope("method", "response_url")

    def find_body_problem(self, body: Mapping[str, Any]) -> str:
        if problem := super().find_body_problem(body):
            return problem
        is_deletion = body.get("delete_original") is True
        return "" if is_deletion else find_content_problem(body, max_text_length=MAX_TEXT_LENGTH)

    def needed_permissions(self, inputs: Iterable[str]) -> set[str]:
        """Return an empty set: an answer to a click or a command needs no permission."""
        return set()

    def request(self, messages: Sequence[Message], credential: Credential) -> Request:
        """Build the request. Raises RequestRefused for an address that is not Slack's."""
        (message,) = messages
        if not credential.reply_url.startswith(f"{credential.urls['respond'].rstrip('/')}/"):
            raise RequestRefused("the address for the answer is not one of Slack's")
        body = {key: value for key, value in message.body.items() if key != "item"}
        return Request(
            "POST", credential.reply_url, json=remove_nulls(body), spends=((self.scope, 1),)
        )

    def outcome(self, response: Response) -> Outcome:
        if rejection := outcome_of_status(response, pauses=(self.scope,)):
            return rejection
        if response.body.strip() == b"ok":
            return delivered()
        return find_rejection(response, self.scope) or delivered()
