"""The users of a company: the one who authorizes our app, and those added by the control."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from sandbox.pipedrive.accounts import Company
from sandbox.storage.journal import JournaledDict
from sandbox.system import ApiResponse

SCOPES = {"users:read", "users:full"}
FIELDS = {"id", "name", "email", "active_flag", "is_admin", "phone", "activated"}
TEMPLATE = {"name": "Person {n}", "email": "person{n}@example.org"}
FIRST = 1_001


class Users:
    def __init__(self, state: Path):
        self._rows = JournaledDict(state / "pipedrive-users.jsonl")

    def plant(self, company: Company, rows: Iterable[dict[str, Any]]) -> list[str]:
        """Store users and return their ids; one with the id of another changes it. Raises
        ValueError with a sentence.
        """
        planted: dict[str, dict[str, Any]] = {}
        free = FIRST + len(self._rows)
        for row in rows:
            if unknown := set(row) - FIELDS:
                raise ValueError(f"a user has no field {min(unknown)!r}")
            id = int(row.get("id") or free)
            free += 1
            key = f"{company.company}/{id}"
            planted[key] = {**self._rows.get(key, {}), **row, "id": id}
        self._rows.store_all(planted)
        return [str(row["id"]) for row in planted.values()]

    def load_first_users(self, company: Company) -> None:
        """Store the users that the company begins with, unless they are known already; one
        without an id is numbered by its place.
        """
        first = [{"id": number, **row} for number, row in enumerate(company.users, FIRST)]
        unknown = [row for row in first if f"{company.company}/{row['id']}" not in self._rows]
        self.plant(company, unknown)

    def of_company(self, company: Company) -> Iterator[dict[str, Any]]:
        """As the API shows them, the one who lets our app in first."""
        prefix = f"{company.company}/"
        planted = {row["id"]: row for key, row in self._rows.items() if key.startswith(prefix)}
        first_user = {
            "id": company.user_id,
            "name": company.user,
            "email": company.email,
            "is_admin": 1,
        }
        for row in {company.user_id: first_user, **planted}.values():
            yield {
                "active_flag": True,
                "is_admin": 0,
                "activated": True,
                "phone": None,
                "is_you": row["id"] == company.user_id,
                "lang": 1,
                "timezone_name": "Etc/GMT",
                "role_id": 1,
                "icon_url": None,
                "last_login": None,
                "is_deleted": False,
                **row,
            }

    def answer(self, company: Company) -> ApiResponse:
        rows = list(self.of_company(company))
        return ApiResponse(200, {"success": True, "data": rows, "additional_data": None})

    def close(self) -> None:
        self._rows.close()
