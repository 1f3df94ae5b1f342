"""What a workspace holds: its people, its channels and their messages."""

from pathlib import Path
from typing import Any

from sandbox.slack.accounts import Team
from sandbox.slack.planted_users import PlantedUsers
from sandbox.storage.journal import JournaledDict

KEPT = 20_000  # messages


class Rooms:
    def __init__(self, state: Path):
        self._messages = JournaledDict(state / "slack-messages.jsonl", keep=KEPT)
        self._joined = JournaledDict(state / "slack-joined.jsonl")
        self.planted_users = PlantedUsers(state)
        self._last = max((row["stamp"] for row in self._messages.values()), default=0)

    def channels(self, team: Team) -> list[dict[str, Any]]:
        seeds = team.channels or [{"id": f"C{team.team[1:]}GENERAL", "name": "general"}]
        return [self._channel(team, channel) for channel in seeds]

    def channel(
        self, team: Team, reference: Any, *, by_name: bool = False
    ) -> dict[str, Any] | None:
        """By id, or also by name with or without its #, or by the person that a DM is with."""
        for channel in self.channels(team):
            names = (channel["name"], f"#{channel['name']}") if by_name else ()
            if reference in (channel["id"], *names):
                return channel
        for message in self.direct_messages(team):
            if reference == message["id"] or (by_name and reference == message["user"]):
                return message
        return None

    def direct_messages(self, team: Team) -> list[dict[str, Any]]:
        """The app's conversation with each person."""
        return [
            {
                "id": f"D{person['id'][1:]}",
                "name": person["name"],
                "user": person["id"],
                "created": 1700000000,
                "is_channel": False,
                "is_group": False,
                "is_im": True,
                "is_mpim": False,
                "is_private": True,
                "is_archived": False,
                "is_member": True,
                "is_user_deleted": False,
                "num_members": 2,
            }
            for person in self.users(team)
            if not person["is_bot"]
        ]

    def join(self, team: Team, channel: dict[str, Any]) -> None:
        self._joined[f"{team.team}/{channel['id']}"] = True

    def users(self, team: Team) -> list[dict[str, Any]]:
        owner = {"id": f"U{team.team[1:]}ONE", "name": "owner", "email": "owner@example.org"}
        by_id = {person["id"]: person for person in team.users or [owner]}
        by_id |= {person["id"]: person for person in self.planted_users.of_team(team)}
        bot = {
            "id": team.bot_user,
            "name": team.bot_name.lower(),
            "real_name": team.bot_name,
            "is_bot": True,
        }
        return [user(team, person) for person in [*by_id.values(), bot]]

    def post(
        self, team: Team, channel: dict[str, Any], message: dict[str, Any], at: float
    ) -> dict[str, Any]:
        self._last = max(int(at * 1_000_000) // 100 * 100, self._last + 100)
        ts = f"{self._last // 1_000_000}.{self._last % 1_000_000:06d}"
        row: dict[str, Any] = {
            "team": team.team,
            "channel": channel["id"],
            "stamp": self._last,
            "message": message | {"ts": ts},
        }
        posted: dict[str, Any] = row["message"]
        self._messages[f"{channel['id']}/{ts}"] = row
        return posted

    def message(self, channel: dict[str, Any], ts: Any) -> dict[str, Any] | None:
        row = self._messages.get(f"{channel['id']}/{ts}")
        return row and row["message"]

    def change(self, channel: dict[str, Any], ts: str, **changes: Any) -> None:
        key = f"{channel['id']}/{ts}"
        row = self._messages[key]
        self._messages[key] = row | {"message": row["message"] | changes}

    def delete(self, channel: dict[str, Any], ts: str) -> None:
        self._messages.pop(f"{channel['id']}/{ts}", None)

    def history(self, team: Team, channel: dict[str, Any]) -> list[dict[str, Any]]:
        """Newest first."""
        rows = self._messages.newest()
        return [
            row["message"]
            for row in rows
            if (row["team"], row["channel"]) == (team.team, channel["id"])
        ]

    def count(self, team: Team, channel: dict[str, Any]) -> int:
        return len(self.history(team, channel))

    def __len__(self) -> int:
        return len(self._messages)

    def close(self) -> None:
        self._messages.close()
        self._joined.close()
        self.planted_users.close()

    def _channel(self, team: Team, seed: dict[str, Any]) -> dict[str, Any]:
        name, private = seed.get("name", seed["id"].lower()), seed.get("is_private", False)
        member = seed.get("is_member", True) or f"{team.team}/{seed['id']}" in self._joined
        nothing = {"value": "", "creator": "", "last_set": 0}
        return {
            "id": seed["id"],
            "name": name,
            "name_normalized": name,
            "is_channel": not private,
            "is_group": private,
            "is_im": False,
            "is_mpim": False,
            "is_private": private,
            "is_archived": seed.get("is_archived", False),
            "is_general": name == "general",
            "is_member": member,
            "is_shared": False,
            "is_org_shared": False,
            "is_ext_shared": False,
            "num_members": len(team.users) or 1,
            "created": 1700000000,
            "creator": "U0",
            "topic": nothing,
            "purpose": nothing,
            "previous_names": [],
        }


def user(team: Team, seed: dict[str, Any]) -> dict[str, Any]:
    name = seed.get("name", seed["id"].lower())
    real_name = seed.get("real_name", name)
    profile = {"real_name": real_name, "display_name": seed.get("display_name", name)}
    if "email" in seed:
        profile["email"] = seed["email"]
    return {
        "id": seed["id"],
        "team_id": team.team,
        "name": name,
        "deleted": seed.get("deleted", False),
        "real_name": real_name,
        "profile": profile,
        "is_bot": seed.get("is_bot", False),
        "is_admin": seed.get("is_admin", False),
        "is_restricted": seed.get("is_restricted", False),
        "updated": 1700000000,
    }
