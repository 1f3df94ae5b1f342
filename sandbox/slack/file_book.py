"""The files of the workspaces: begun, received at an upload URL, finished.

https://docs.slack.dev/reference/methods/files.getUploadURLExternal (2026-11). The answers of the
upload URL and the time that Slack takes to process a file are not documented.
"""

from collections.abc import Iterable
from pathlib import Path
from random import Random
from typing import Any

from sandbox.slack.multipart import is_multipart, parse_parts
from sandbox.storage.journal import JournaledDict
from sandbox.system import ApiRequest, ApiResponse

ROOT = "/slack/upload"
KEPT = 2_000  # files
BYTES_MOST = 20 * 1024 * 1024
PNG, JPEG, GIF = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8"
IMAGES = ((PNG, "image/png"), (JPEG, "image/jpeg"), (GIF, "image/gif"))
File = dict[str, Any]


class FileBook:
    def __init__(self, state: Path, random: Random):
        self._files = JournaledDict(state / "slack-files.jsonl", keep=KEPT)
        self._folder = state / "slack-files"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._random = random

    def begin(self, team: str, name: str, length: int, alt: str, at: float) -> File:
        id = f"F{len(self._files):04d}{self._random.getrandbits(32):08X}"
        ticket = f"{self._random.getrandbits(128):032x}"
        file = {
            "id": id,
            "team": team,
            "name": name,
            "size": length,
            "ticket": ticket,
            "alt_txt": alt,
            "begun_at": at,
            "received": False,
            "finished_at": None,
            "title": name,
            "mimetype": "",
        }
        self._files[id] = file
        return file

    def find(self, team: str, id: Any) -> File | None:
        file = self._files.get(str(id))
        return file if file and file["team"] == team else None

    def find_any(self, id: str) -> File | None:
        return self._files.get(id)

    def find_by_ticket(self, ticket: str) -> File | None:
        return next((file for file in self._files.values() if file["ticket"] == ticket), None)

    def finish(self, file: File, title: str, at: float) -> File:
        finished = {**file, "title": title or file["title"], "finished_at": at}
        self._files[file["id"]] = finished
        return finished

    def content(self, file: File) -> bytes:
        return (self._folder / file["id"]).read_bytes() if file["received"] else b""

    def account(self, call: ApiRequest) -> str:
        file = self.find_by_ticket(call.path.rpartition("/")[2])
        return file["team"] if file else ""

    def receive(self, call: ApiRequest) -> ApiResponse:
        """The bytes of a file, raw or as the one file of a multipart form."""
        file = self.find_by_ticket(call.path.rpartition("/")[2])
        if file is None or file["finished_at"] is not None:
            return ApiResponse(404, "Not found")
        if call.method != "POST":
            return ApiResponse(405, "Method not allowed")
        content = read_content(call)
        if len(content) != file["size"] or len(content) > BYTES_MOST:
            return ApiResponse(400, f"expected {file['size']} bytes, got {len(content)}")
        (self._folder / file["id"]).write_bytes(content)
        kind = next((kind for start, kind in IMAGES if content.startswith(start)), "text/plain")
        self._files[file["id"]] = {**file, "received": True, "mimetype": kind}
        return ApiResponse(200, f"OK - {len(content)}")

    def listed(self, team: str) -> list[File]:
        """The finished files of a workspace, newest first."""
        return [
            file
            for file in self._files.newest()
            if file["team"] == team and file["finished_at"] is not None
        ]

    def close(self) -> None:
        self._files.close()


def read_content(call: ApiRequest) -> bytes:
    """The body, or the part of a multipart form that holds a file."""
    if not is_multipart(call):
        return call.body
    return next((part.content for part in parse_parts(call) if part.is_file), b"")


def find_shown_files(blocks: Iterable[Any], pointer: str = "/blocks") -> list[tuple[str, Any]]:
    """The `slack_file` objects of blocks and of what is in them, each with its JSON pointer."""
    files: list[tuple[str, Any]] = []
    for position, block in enumerate(blocks):
        if not isinstance(block, dict):
            continue
        place = f"{pointer}/{position}"
        if "slack_file" in block:
            files.append((f"{place}/slack_file", block["slack_file"]))
        if isinstance(block.get("elements"), list):
            files += find_shown_files(block["elements"], f"{place}/elements")
        accessory = block.get("accessory")
        if isinstance(accessory, dict) and "slack_file" in accessory:
            files.append((f"{place}/accessory/slack_file", accessory["slack_file"]))
    return files
