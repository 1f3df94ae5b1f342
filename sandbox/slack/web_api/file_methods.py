"""The methods of files, and which files a message may show."""

import json
from dataclasses import replace
from typing import Any

from sandbox.slack.file_book import ROOT, File, find_shown_files
from sandbox.slack.messages import Refused, check_blocks_argument, invalid, message
from sandbox.slack.web_api.methods import TIER_4, Method, MethodRequest

ALT_MOST = 1000
PROCESSED_AFTER = 2.0  # seconds, as `file_seconds` of a team's limits says otherwise
IMAGES = ("image/png", "image/jpeg", "image/gif")


def get_upload_url(request: MethodRequest) -> dict[str, Any]:
    name, length = request.arguments.get("filename"), str(request.arguments.get("length") or "")
    if not name or not (length.isascii() and length.isdigit() and int(length) > 0):
        raise missing("filename" if not name else "length")
    alt = str(request.arguments.get("alt_txt") or "")
    if len(alt) > ALT_MOST:
        raise Refused("alt_txt_too_large")
    file = request.files.begin(request.team.team, str(name), int(length), alt, request.at)
    url = f"{request.base}{ROOT}/v1/{file['ticket']}"
    return {"upload_url": url, "file_id": file["id"]}


def complete_upload(request: MethodRequest) -> dict[str, Any]:
    """Without `channel_id` the files are private to the app; with it they are posted there."""
    uploads = read_files(request.arguments.get("files"))
    files = [request.files.find(request.team.team, one.get("id")) for one in uploads]
    if any(file is None or not file["received"] for file in files):
        raise Refused("file_not_found")
    share(request, [file for file in files if file])
    finished = [
        request.files.finish(file, str(one.get("title") or ""), request.at)
        for file, one in zip(files, uploads, strict=True)
        if file
    ]
    return {"files": [{"id": file["id"], "title": file["title"]} for file in finished]}


def share(request: MethodRequest, files: list[File]) -> None:
    if not request.arguments.get("channel_id"):
        return
    parameters = {**request.arguments, "channel": request.arguments["channel_id"]}
    channel = replace(request, arguments=parameters).writable()
    text = str(request.arguments.get("initial_comment") or "") or " "
    posted = message(request.team, {**parameters, "text": text, "blocks": None}, request.user)
    shown_files = [{"id": file["id"], "name": file["name"]} for file in files]
    request.rooms.post(request.team, channel, posted | {"files": shown_files}, request.at)


def files_info(request: MethodRequest) -> dict[str, Any]:
    file = request.files.find(request.team.team, request.arguments.get("file"))
    if file is None:
        raise Refused("file_not_found")
    mimetype = file["mimetype"] if is_processed(request, file) else ""
    return {
        "file": {name: file[name] for name in ("id", "name", "title", "size", "alt_txt")}
        | {"mimetype": mimetype}
    }


def check_shown_files(request: MethodRequest) -> None:
    """A block shows an image of this app that Slack has processed, by its id."""
    problems = []
    for pointer, shown_file in find_shown_files(check_blocks_argument(request.arguments)):
        id = shown_file.get("id") if isinstance(shown_file, dict) else None
        file = request.files.find(request.team.team, id)
        if file is None or not is_processed(request, file) or file["mimetype"] not in IMAGES:
            problems.append(f"invalid slack file [json-pointer:{pointer}]")
    if problems:
        raise invalid("invalid_blocks", problems)


def is_processed(request: MethodRequest, file: File) -> bool:
    seconds = float(request.team.limits.get("file_seconds", PROCESSED_AFTER))
    return file["finished_at"] is not None and request.at >= file["finished_at"] + seconds


def read_files(value: Any) -> list[dict[str, Any]]:
    """A list of objects, which a form carries as JSON text."""
    try:
        files = json.loads(value) if isinstance(value, str) else value
    except ValueError:
        files = None
    is_list = isinstance(files, list) and bool(files)
    if not is_list or not all(isinstance(one, dict) for one in files):
        raise missing("files")
    return list(files)


def missing(name: str) -> Refused:
    messages = [f"[ERROR] missing required field: {name}"]
    return Refused("invalid_arguments", response_metadata={"messages": messages})


FILE_METHODS = {
    "files.getUploadURLExternal": Method(get_upload_url, TIER_4, "files:write"),
    "files.completeUploadExternal": Method(complete_upload, TIER_4, "files:write"),
    "files.info": Method(files_info, TIER_4, "files:read"),
}
