"""Slack: upload a file that a message of the app shows in an image block.

https://docs.slack.dev/reference/methods/files.getUploadURLExternal and
files.completeUploadExternal (2026-11). Without a channel the file is private to the app, and no
message is posted; an image block shows it where the same app posts
(https://docs.slack.dev/reference/block-kit/composition-objects/slack-file-object).
"""

import re

from connectors.allowed_hosts import find_allowed_origin
from connectors.file_uploads import BegunUpload, FileContent, FileUpload
from connectors.http import Request, Response, Scope, Unreadable
from connectors.i18n import _
from connectors.oauth import extract_origin
from connectors.outcomes import (
    PERMISSION_MISSING,
    Outcome,
    delivered,
    never,
    outcome_of_status,
    raises_unreadable,
)
from connectors.schema import Credential
from connectors.slack.errors import find_rejection

BEGIN_UPLOAD_SCOPE = Scope("method", "files.getUploadURLExternal")
FINISH_UPLOAD_SCOPE = Scope("method", "files.completeUploadExternal")
HOSTS = ("files.slack.com",)  # and the host of the API itself
ID_PATTERN = re.compile(r"F[A-Z0-9]{8,40}", re.ASCII)
MAX_DESCRIPTION_LENGTH = 1000  # characters: alt_txt_too_large


class SlackFiles(FileUpload):
    permissions = {"files:write": _("to upload files")}
    # Slack processes files in the background; a block that shows one too early is invalid_blocks:
    # https://github.com/slackapi/python-slack-sdk/issues/1521
    ready_after_seconds = 15.0

    def begin_request(self, credential: Credential, file: FileContent) -> Request:
        form = {"filename": file.name, "length": str(len(file.content))}
        if file.description:
            form["alt_txt"] = file.description[:MAX_DESCRIPTION_LENGTH]
        return Request(
            "POST",
            f"{credential.urls['api']}/files.getUploadURLExternal",
            form=form,
            bearer=credential.access_token,
            spends=((BEGIN_UPLOAD_SCOPE, 1),),
        )

    @raises_unreadable
    def parse_begin(self, response: Response, credential: Credential) -> BegunUpload | Outcome:
        if rejection := find_file_rejection(response, BEGIN_UPLOAD_SCOPE):
            return rejection
        answer = response.json()
        url, id = answer["upload_url"], answer["file_id"]
        if not isinstance(id, str) or not ID_PATTERN.fullmatch(id):
            raise Unreadable("file_id is not an id")
        if not find_allowed_origin(url, (*HOSTS, extract_origin(credential.urls["api"]))):
            return never("host_refused", "the response names a host that is not Slack's")
        return BegunUpload(id, url)

    def content_request(self, upload: BegunUpload, file: FileContent) -> Request:
        headers = {"Content-Type": file.media_type}
        return Request("POST", upload.url, body=file.content, headers=headers)

    def parse_content(self, response: Response) -> Outcome:
        """Return the Outcome: 200 means that Slack has the file; the body is not documented."""
        return outcome_of_status(response) or delivered()

    def finish_request(
        self, credential: Credential, upload: BegunUpload, file: FileContent
    ) -> Request:
        return Request(
            "POST",
            f"{credential.urls['api']}/files.completeUploadExternal",
            json={"files": [{"id": upload.id, "title": file.name}]},
            bearer=credential.access_token,
            spends=((FINISH_UPLOAD_SCOPE, 1),),
        )

    @raises_unreadable
    def parse_finish(self, response: Response) -> Outcome:
        if rejection := find_file_rejection(response, FINISH_UPLOAD_SCOPE):
            return rejection
        (file,) = response.json()["files"]
        return delivered(str(file["id"]))


def find_file_rejection(response: Response, scope: Scope) -> Outcome | None:
    """Return the Outcome of a refusal; None if the upload was accepted. Raises Unreadable.

    The permission is optional, so a missing permission is an expected answer.
    """
    rejection = find_rejection(response, scope)
    if rejection and rejection.reason == PERMISSION_MISSING:
        return never("missing_scope", rejection.detail)
    return rejection
