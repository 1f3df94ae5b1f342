"""The messages of a channel: threads under their question, buttons, and where people write."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from markupsafe import Markup

from sandbox.pages.html import build_url, markup
from sandbox.slack.accounts import Team
from sandbox.slack.apps.people import buttons
from sandbox.slack.messages import is_reply
from sandbox.slack.mrkdwn import block, get_list, plain, render_mrkdwn

MESSAGE = """
<li class="message" id="m$ts">
<span class="avatar" aria-hidden="true">$letter</span>
<div><header><strong>$name</strong> $badge $time</header>
<div class="said">$text$blocks</div>$buttons$notes$thread$reply</div></li>
"""
THREAD = '<ol class="thread" aria-label="Replies">$replies</ol>'
BUTTON = """
<form method="post" action="$url" class="click"><input type="hidden" name="user" value="$user">
<input type="hidden" name="ts" value="$ts"
><button class="quiet" name="action_id" value="$action">$text</button>
</form>
"""
REPLY = """
<details class="reply"><summary>Reply in thread</summary>
<form method="post" action="$url" class="composer"
><input type="hidden" name="thread_ts" value="$ts">$writer
<input name="text" required aria-label="Reply" placeholder="Reply" autocomplete="off"
><button>Reply</button></form>
</details>
"""
COMPOSER = """
<form method="post" action="$url" class="composer" id="newest">$writer
<input name="text" required aria-label="Message" placeholder="$hint" autocomplete="off"
><button>Send</button></form>
"""
WRITER = '<select name="user" aria-label="Write as">$people</select>'
PERSON = '<option value="$id"$selected>$name</option>'


@dataclass(frozen=True)
class ChannelView:
    """A channel with those who may write in it; `writer` is the id of the person selected."""

    team: Team
    channel: Mapping[str, Any]
    people: list[dict[str, Any]]
    names: Mapping[str, str]  # of people and channels, by id
    writer: str = ""

    @property
    def url(self) -> str:
        return build_url("slack", self.team.team, self.channel["id"])

    @property
    def user(self) -> str:
        return self.writer or str(self.people[0]["id"])


def render_messages(view: ChannelView, messages: list[dict[str, Any]]) -> list[Markup]:
    """`messages` oldest first; a reply stands under its question, if that is among them."""
    questions = {message["ts"] for message in messages if not is_reply(message)}
    replies: dict[str, list[dict[str, Any]]] = {}
    rendered = []
    for message in messages:
        if is_reply(message) and message["thread_ts"] in questions:
            replies.setdefault(message["thread_ts"], []).append(message)
        else:
            rendered.append(message)
    return [render_message(view, message, replies.get(message["ts"], [])) for message in rendered]


def render_message(
    view: ChannelView, message: dict[str, Any], replies: list[dict[str, Any]] | None
) -> Markup:
    """`replies` is None for one that is a reply itself."""
    blocks = [block(one, view.names) for one in get_list(message.get("blocks"))]
    attachments = [
        markup(
            "<blockquote>$text</blockquote>",
            text=render_mrkdwn(str(one.get("text") or one.get("fallback") or ""), view.names),
        )
        for one in get_list(message.get("attachments"))
        if isinstance(one, dict)
    ]
    person = message.get("user", "")
    name = view.names.get(person, person) if person else message["username"]
    thread = [render_message(view, reply, None) for reply in replies or []]
    return markup(
        MESSAGE,
        ts=message["ts"],
        letter=name[:1].upper(),
        name=name,
        badge=None if person else markup('<span class="badge">APP</span>'),
        time=render_moment(message["ts"]),
        text=None if blocks else render_mrkdwn(message["text"], view.names),
        blocks=[*blocks, *attachments],
        buttons=render_buttons(view, message),
        notes=render_notes(view, message, is_loose=replies is not None),
        thread=markup(THREAD, replies=thread) if thread else None,
        reply=render_reply(view, message) if replies is not None else None,
    )


def render_moment(ts: str) -> Markup:
    when = datetime.fromtimestamp(float(ts), UTC)
    return markup(
        '<time datetime="$iso" title="$iso">$at</time>',
        iso=when.isoformat(timespec="milliseconds"),
        at=f"{when:%b %d, %H:%M:%S}",
    )


def render_notes(view: ChannelView, message: dict[str, Any], *, is_loose: bool) -> list[Markup]:
    """`is_loose`: it is not shown under a question."""
    notes = ["(edited)"] if "edited" in message else []
    if is_loose and is_reply(message):
        notes.append("in a thread")
    if reader := message.get("only_for"):
        notes.append(f"Only visible to {view.names.get(reader, reader)}")
    return [markup("<small>$note</small> ", note=note) for note in notes]


def render_buttons(view: ChannelView, message: dict[str, Any]) -> list[Markup]:
    """People can click what the app offers."""
    if "bot_id" not in message:
        return []
    return [
        markup(
            BUTTON,
            url=f"{view.url}/clicks",
            user=view.user,
            ts=message["ts"],
            action=button["action_id"],
            text=plain(button.get("text")),
        )
        for button in buttons(message)
    ]


def render_reply(view: ChannelView, message: dict[str, Any]) -> Markup | None:
    if is_reply(message) or view.channel["is_archived"]:
        return None
    url = f"{view.url}/messages"
    return markup(REPLY, url=url, ts=message["ts"], writer=render_writer(view))


def render_composer(view: ChannelView) -> Markup:
    if view.channel["is_archived"]:
        return markup('<p class="composer" id="newest">This channel is archived.</p>')
    hint = f"Message, @{view.team.bot_name}, or /command"
    return markup(COMPOSER, url=f"{view.url}/messages", hint=hint, writer=render_writer(view))


def render_writer(view: ChannelView) -> Markup:
    people = [
        markup(
            PERSON,
            id=person["id"],
            name=person["real_name"],
            selected=Markup(" selected" if person["id"] == view.user else ""),
        )
        for person in view.people
    ]
    return markup(WRITER, people=people)
