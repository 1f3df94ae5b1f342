"""The role of a connector whose system takes files: three calls, after which messages can show it.

A file is begun (the system names its id and where the bytes go), sent, and finished.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from connectors.http import Request, Response
from connectors.outcomes import Outcome
from connectors.schema import Credential


@dataclass(frozen=True, slots=True)
class FileContent:
    """A file to upload. `description` is read to people who do not see it."""

    name: str
    content: bytes
    media_type: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class BegunUpload:
    """A file that the system expects: its id there, and the URL to which its bytes are sent."""

    id: str
    url: str


class FileUpload:
    """How a system takes a file. No outcome of these calls changes the connection."""

    permissions: Mapping[str, str] = {}  # by key, with the reason
    # seconds after the last call until messages may show the file
    ready_after_seconds: float = 0.0

    def begin_request(self, credential: Credential, file: FileContent) -> Request:
        raise NotImplementedError

    def parse_begin(self, response: Response, credential: Credential) -> BegunUpload | Outcome:
        """Return where the bytes go. Raises Unreadable."""
        raise NotImplementedError

    def content_request(self, upload: BegunUpload, file: FileContent) -> Request:
        """Build the request that sends the bytes; it carries no credential."""
        raise NotImplementedError

    def parse_content(self, response: Response) -> Outcome:
        """Return *delivered* if the system has all bytes. Raises Unreadable."""
        raise NotImplementedError

    def finish_request(
        self, credential: Credential, upload: BegunUpload, file: FileContent
    ) -> Request:
        raise NotImplementedError

    def parse_finish(self, response: Response) -> Outcome:
        """Return *delivered* with the file's id as reference. Raises Unreadable."""
        raise NotImplementedError
