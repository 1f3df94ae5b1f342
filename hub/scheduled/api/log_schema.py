"""The REST API of logs: query parameters, serializers and examples."""

from rest_framework import serializers

from hub.problems import StrictSerializer
from hub.rest.openapi import EXAMPLE_TIME
from hub.scheduled.models import LogSource

EXAMPLE_LINES = (
    f'{{"time": "{EXAMPLE_TIME}", "level": "info", "message": "Order A-1001 was paid."}}\n'
    '{"time": 1795608000.25, "level": "error", "message": "No label.", "order": "A-1002"}\n'
)
NDJSON_SCHEMA = {
    "type": "string",
    "description": (
        "NDJSON: one JSON object a line, in UTF-8. `time` (ISO 8601 with UTC offset, or seconds or "
        "milliseconds since 1970) is when it happened; without it, when it was received. "
        "`tenant` is the tenant's reference. Every other name is yours."
    ),
}


class LogsQuery(StrictSerializer):
    from_query = True

    tenant = serializers.CharField(
        required=False,
        help_text="The tenant's reference. With a platform key required, unless lines name it.",
    )


class LogPositionQuery(LogsQuery):
    tenant = serializers.CharField(
        required=False, help_text="The tenant's reference. Required with a platform key."
    )


class ChunkSerializer(serializers.Serializer):
    """The lines of one tenant. They are numbered from 0 on, without gaps."""

    id = serializers.UUIDField()
    tenant = serializers.CharField()
    first_line = serializers.IntegerField()
    last_line = serializers.IntegerField()
    line_count = serializers.IntegerField()
    received_at = serializers.DateTimeField()


class AcceptedLinesSerializer(serializers.Serializer):
    received = serializers.IntegerField(help_text="Lines of the request, without blank ones.")
    chunks = ChunkSerializer(many=True, help_text="One for each tenant.")


class LogFiguresSerializer(serializers.Serializer):
    received = serializers.IntegerField(
        help_text="Lines since the job that ships them began, so that each counts for each job."
    )
    shipped = serializers.IntegerField(
        help_text="Lines that the system accepted or, if it can, acknowledged."
    )
    backlog = serializers.IntegerField(help_text="Lines that wait.")
    rejected = serializers.IntegerField(help_text="Lines that the system refused one by one.")
    dropped = serializers.IntegerField(
        help_text="Lines that waited longer than the retention time, and were deleted."
    )
    lag_seconds = serializers.FloatField(
        help_text="How long the oldest line that waits has waited; 0: none waits."
    )


class LogSerializer(LogFiguresSerializer):
    source = serializers.ChoiceField(  # type: ignore[assignment]  # a field's `source` is a text
        LogSource.choices, help_text="Where the lines come from."
    )
    job = serializers.UUIDField(
        source="job.public_id",
        allow_null=True,
        default=None,
        help_text="The job that ships them; null: none has yet.",
    )
    unacknowledged = serializers.IntegerField(
        help_text="Lines of the backlog that were sent, and are not acknowledged yet."
    )
    received_at = serializers.DateTimeField(allow_null=True, help_text="The newest line.")
    shipped_at = serializers.DateTimeField(allow_null=True)


class LogPositionSerializer(LogFiguresSerializer):
    """The totals of a tenant's logs, and the figures of each log and job that ships it."""

    tenant = serializers.CharField()
    logs = LogSerializer(many=True)
