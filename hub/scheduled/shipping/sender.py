"""Send batches of log lines, and request their acknowledgements."""

import uuid
from typing import Any

from connectors.http import Request, Response
from connectors.outcomes import Outcome
from connectors.roles import BatchAnswer, LineFormat, LogSink
from hub.connections.credentials.connector_context import open_credential
from hub.connections.models import Connection, ConnectorApp
from hub.scheduled.log_intake.backlog import WaitingLines
from hub.scheduled.models import LogPosition
from hub.scheduled.runs.context import RunContext, RunFailed
from hub.scheduled.shipping.shipment import Batch

TAKES_NO_LINES = "takes_no_lines"


class BatchSender:
    """Calls the system through the context of a run. Raises what `RunContext.call` raises."""

    def __init__(
        self,
        context: RunContext,
        connection: Connection,
        app: ConnectorApp | None,
        position: LogPosition,
        line_format: LineFormat,
    ) -> None:
        sink = connection.connector.log_sink
        if sink is None:
            raise RunFailed(TAKES_NO_LINES, str(connection), can_retry=False)
        self.sink: LogSink = sink
        self.context, self.connection, self.app = context, connection, app
        self.position, self.line_format = position, line_format

    async def send(self, waiting: WaitingLines, channel: int) -> BatchAnswer:
        """Send lines on a channel without a waiting batch.

        Raises RunFailed if the system refuses all of them.
        """
        events = self.sink.build_events(waiting.lines, waiting.first_line, self.line_format)

        def build(connection: Connection) -> Request:
            credential = open_credential(connection, self.app)
            return self.sink.lines_request(events, credential, channel=self.channel_id(channel))

        def parse(response: Response) -> BatchAnswer | Outcome:
            return self.sink.parse_answer(response, len(events))

        answer: BatchAnswer = require_answer(await self.context.call(self.connection, build, parse))
        return answer

    async def is_acknowledged(self, batch: Batch) -> bool:
        """Return whether a batch is acknowledged, by asking the system, which tells it once."""
        tickets = set() if batch.ticket is None else {batch.ticket}

        def build(connection: Connection) -> Request:
            credential = open_credential(connection, self.app)
            channel = self.channel_id(batch.channel)
            return self.sink.tickets_request(tickets, credential, channel=channel)

        acknowledged: set[int] = require_answer(
            await self.context.call(self.connection, build, self.sink.parse_tickets)
        )
        return acknowledged >= tickets

    def channel_id(self, number: int) -> str:
        """Return the UUID of this log's channel with this number."""
        return str(uuid.uuid5(self.connection.public_id, f"{self.position.pk}:{number}"))


def require_answer(answer: Any) -> Any:
    """Return the parsed answer. Raises RunFailed for an Outcome: the whole request was refused."""
    if isinstance(answer, Outcome):
        raise RunFailed(answer.reason, answer.detail)
    return answer
