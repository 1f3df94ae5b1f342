"""REST API of the coming night: expected runs, calls and quotas."""

from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from hub.db.clock import clock
from hub.rest import openapi
from hub.rest.fields import object_url
from hub.scheduled.night.forecast import NightForecast, forecast_night
from hub.scheduled.night.night_run import NightRun
from hub.scheduled.night.quota_lines import QuotaForecast

RUNS_MAX = 2_000  # of one answer, the late ones first


class NightRunSerializer(serializers.Serializer):
    job = serializers.UUIDField(source="job.public_id")
    tenant = serializers.CharField(source="tenant.reference")
    run = serializers.SerializerMethodField(help_text="null: it does not exist yet.")
    slot_at = serializers.DateTimeField(help_text="null: a person or an API key requested it.")
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField(help_text="null: unknown, or it is not expected to end.")
    deadline_at = serializers.DateTimeField()
    calls = serializers.SerializerMethodField(help_text="By connector; empty if unknown.")
    known = serializers.SerializerMethodField(help_text="false: there is no run to go by.")
    late = serializers.BooleanField(source="is_late", help_text="It misses its deadline.")
    reason = serializers.CharField(source="explanation", help_text="Why it is late.")

    def get_run(self, expected: NightRun) -> str | None:
        return object_url("run", expected.run) if expected.run else None

    def get_calls(self, expected: NightRun) -> dict[str, int]:
        return expected.expectation.calls if expected.expectation else {}

    def get_known(self, expected: NightRun) -> bool:
        return expected.expectation is not None


class QuotaForecastSerializer(serializers.Serializer):
    connector = serializers.CharField(source="connector_key")
    quota = serializers.CharField(source="name")
    limit = serializers.CharField(source="label")
    background_share = serializers.FloatField(help_text="What scheduled runs may use, 0 to 1.")
    accounts = serializers.IntegerField(source="owner_count", help_text="With a quota of their own")
    units = serializers.IntegerField(help_text="Expected, of all accounts.")
    busiest_minute = serializers.IntegerField(help_text="Units in the busiest minute.")
    units_per_minute = serializers.FloatField(
        source="line",
        allow_null=True,
        help_text="What background work may spend; null: it limits no minute.",
    )
    units_left = serializers.FloatField(
        allow_null=True,
        help_text="Of a budget, for background work; null: it is no budget.",
    )
    busiest_share = serializers.FloatField(
        help_text="Of the tightest account: the part of its allowance that is needed."
    )


class NightSerializer(serializers.Serializer):
    starts_at = serializers.DateTimeField(help_text="Of the first minute of `calls`.")
    ends_at = serializers.DateTimeField(
        allow_null=True, help_text="Predicted end of the last run; null: unknown."
    )
    run_count = serializers.IntegerField()
    late_count = serializers.IntegerField()
    unknown_count = serializers.IntegerField(help_text="Runs without a run to go by.")
    complete = serializers.BooleanField(help_text="false: there are more runs than are listed.")
    calls = serializers.DictField(
        child=serializers.ListField(child=serializers.FloatField()),
        help_text="By connector: calls in each minute from `starts_at` on.",
    )
    quotas = QuotaForecastSerializer(many=True)
    runs = NightRunSerializer(many=True)


class ReadNight(APIView):
    required_scopes: ClassVar[dict[str, str]] = {"GET": "night:read"}

    @openapi.describe_operation(
        "night_read",
        "Read the coming night",
        {200: NightSerializer},
        problems=(),
    )
    def get(self, request: Request) -> Response:
        """Predict the runs of the next 24 hours of all tenants: when each starts and ends, what it
        spends of each quota, and which misses its deadline and why.

        For platform keys only, as all tenants share quotas. What is expected of a run is the median
        of its last three finished runs.
        """
        forecast = forecast_night(now=clock())
        return Response(NightSerializer(build_answer(forecast)).data)


def build_answer(forecast: NightForecast) -> dict[str, Any]:
    runs = sorted(forecast.runs, key=lambda run: not run.is_late)[:RUNS_MAX]
    quotas: list[QuotaForecast] = list(forecast.quotas)
    return {
        "starts_at": forecast.starts_at,
        "ends_at": forecast.ends_at,
        "run_count": len(forecast.runs),
        "late_count": len(forecast.late_runs),
        "unknown_count": forecast.unknown_count,
        "complete": len(runs) == len(forecast.runs),
        "calls": {
            key: [round(calls, 1) for calls in minutes]
            for key, minutes in forecast.calls_by_connector.items()
        },
        "quotas": quotas,
        "runs": sorted(runs, key=lambda run: run.starts_at),
    }
