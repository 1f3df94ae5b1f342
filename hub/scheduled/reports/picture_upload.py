"""Upload the chart of a report; if that is not possible, the report is sent without it."""

from collections.abc import Callable
from typing import TypeVar

from connectors.file_uploads import BegunUpload, FileContent, FileUpload
from connectors.http import Response
from connectors.outcomes import READ_ERRORS, Outcome, never
from connectors.schema import Credential
from hub.connections.credentials.connector_context import find_connector_app, open_credential
from hub.connections.models import Connection, ConnectorApp
from hub.scheduled.runs.context import RunBlocked, RunContext, RunFailed

T = TypeVar("T")

NO_PERMISSION = "missing_scope"


async def upload_picture(context: RunContext, connection: Connection, file: FileContent) -> Outcome:
    """Upload a file by the three calls of its system. Raises only RunStopped.

    Return *delivered* with the file's id as reference, or why the system does not accept the file.
    """
    upload = connection.connector.file_upload
    if upload is None:
        return never("not_supported")
    missing = find_missing_permission(connection, upload)
    if missing:
        return never(NO_PERMISSION, missing)
    try:
        return await _send_file(context, connection, upload, file)
    except (RunBlocked, RunFailed) as error:
        return never(error.reason, error.detail)


def find_missing_permission(connection: Connection, upload: FileUpload) -> str:
    """Return a permission that the account did not grant; "" if none is missing or known."""
    if connection.permissions is None:
        return ""
    granted = set(connection.permissions)
    has = connection.connector.has_permission
    return next((key for key in upload.permissions if not has(key, granted)), "")


async def _send_file(
    context: RunContext, connection: Connection, upload: FileUpload, file: FileContent
) -> Outcome:
    app, credential = await context.in_database(lambda: _load_credential(connection))

    def parse_begin(response: Response) -> BegunUpload | Outcome:
        return upload.parse_begin(response, credential)

    begun = await context.call(
        connection,
        lambda current: upload.begin_request(open_credential(current, app), file),
        _read_safely(parse_begin),
    )
    if isinstance(begun, Outcome):
        return begun
    sent = await context.call(
        connection,
        lambda current: upload.content_request(begun, file),
        _read_safely(upload.parse_content),
    )
    if sent.kind != "delivered":
        return sent
    return await context.call(
        connection,
        lambda current: upload.finish_request(open_credential(current, app), begun, file),
        _read_safely(upload.parse_finish),
    )


def _load_credential(connection: Connection) -> tuple[ConnectorApp | None, Credential]:
    app = find_connector_app(connection.connector_key)
    return app, open_credential(connection, app)


def _read_safely(parse: Callable[[Response], T | Outcome]) -> Callable[[Response], T | Outcome]:
    """Wrap a parser: return an Outcome for a response that cannot be parsed."""

    def read(response: Response) -> T | Outcome:
        try:
            return parse(response)
        except READ_ERRORS as error:
            return never("unreadable", type(error).__name__)

    return read
