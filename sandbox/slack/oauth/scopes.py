"""The scopes that a bot may be granted: https://docs.slack.dev/reference/scopes (2026-11)."""

ACTIONS = {
    "app_mentions": "read",
    "assistant": "write",
    "bookmarks": "read write",
    "calls": "read write",
    "canvases": "read write",
    "channels": "history join manage read write.invites write.topic",
    "chat": "write write.customize write.public",
    "conversations.connect": "manage read write",
    "datastore": "read write",
    "dnd": "read",
    "emoji": "read",
    "files": "read write",
    "groups": "history read write write.invites write.topic",
    "im": "history read write write.topic",
    "links": "read write",
    "links.embed": "write",
    "lists": "read write",
    "metadata.message": "read",
    "mpim": "history read write write.topic",
    "pins": "read write",
    "reactions": "read write",
    "reminders": "read write",
    "remote_files": "read share write",
    "search": "read.files read.im read.mpim read.private read.public read.users",
    "team": "read",
    "team.billing": "read",
    "team.preferences": "read",
    "triggers": "read write",
    "usergroups": "read write",
    "users": "read read.email write",
    "users.profile": "read",
    "workflow.steps": "execute",
}
BOT_SCOPES = {
    f"{thing}:{action}" for thing, actions in ACTIONS.items() for action in actions.split()
}
BOT_SCOPES |= {"commands", "incoming-webhook"}
BOTS_ALONE = {"chat:write.customize", "chat:write.public"}


def invalid_scopes(bot: list[str], user: list[str]) -> list[str]:
    """Those that cannot be granted; which of the others people may have is not checked."""
    return sorted({*bot} - BOT_SCOPES | {*user} & BOTS_ALONE)
