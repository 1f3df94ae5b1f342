"""The role of a connector whose system accepts file uploads, in three calls.

`begin` announces the file, and the system answers with its id and an upload URL. `content` sends
the bytes. `finish` completes the upload; only then can messages refer to the file.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from connectors.http import Request, Response
from connectors.outcomes import Outcome
from connectors.schema import Credential


@dataclass(frozen=True, slots=True)
class FileContent:
    """A file to upload. `description` is the alternative text for screen readers."""

    name: str
    content: bytes
    media_type: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class BegunUpload:
    """An upload that was begun: the file's id in the system, and the URL for the bytes."""

    id: str
    url: str


class FileUpload:
    """How a system accepts uploads. The outcomes of these calls do not change the connection."""

    permissions: Mapping[str, str] = {}  # by key, with the reason
    # seconds after the last call until messages may show the file
    ready_after_seconds: float = 0.0

    def begin_request(self, credential: Credential, file: FileContent) -> Request:
        raise NotImplementedError

    def parse_begin(self, response: Response, credential: Credential) -> BegunUpload | Outcome:
        """Return the file's id and its upload URL. Raises Unreadable."""
        raise NotImplementedError

    def content_request(self, upload: BegunUpload, file: FileContent) -> Request:
        """Build the request that sends the bytes; it carries no credential."""
        raise NotImplementedError

    def parse_content(self, response: Response) -> Outcome:
        """Return *delivered* if the system has received the whole file. Raises Unreadable."""
        raise NotImplementedError

    def finish_request(
        self, credential: Credential, upload: BegunUpload, file: FileContent
    ) -> Request:
        raise NotImplementedError

    def parse_finish(self, response: Response) -> Outcome:
        """Return *delivered* with the file's id as reference. Raises Unreadable."""
        raise NotImplementedError
