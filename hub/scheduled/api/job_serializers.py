"""Serializers of jobs and runs: what requests contain, and what is returned."""

import json
from datetime import UTC, datetime
from typing import Any

from django.utils.functional import lazy
from django.utils.translation import override
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from connectors.registry import CONNECTORS
from hub.db.clock import clock
from hub.outgoing.serializers import NamedSerializer
from hub.problems import StrictSerializer
from hub.reason_codes import find_reason
from hub.rest.fields import ObjectField, TextField, object_url
from hub.scheduled.jobs.job_checks import MAX_MINUTES
from hub.scheduled.jobs.kinds import JOB_KINDS
from hub.scheduled.jobs.option_schema import ChoiceOption, Option, Path, walk_options
from hub.scheduled.models import Job, Run, RunLogEntry
from hub.scheduled.runs.progress import RunProgress, measure_progress
from hub.scheduled.slots import EARLIEST, LATEST

NAME_LENGTH_MAX, GROUP_LENGTH_MAX, CRON_LENGTH_MAX = 200, 60, 100
PRIORITY_MAX = 100
JOB_CONNECTORS = [(key, key) for key in CONNECTORS]


class MomentField(serializers.DateTimeField):
    """A time with its offset from UTC, of this or the next century."""

    default_error_messages = {
        "naive": (
            "Must include a UTC offset, such as 2026-11-25T12:00:00Z or 2026-11-25T13:00:00+01:00."
        ),
        "out_of_range": "Must be between the years 1971 and 2199.",
    }

    def enforce_timezone(self, value: datetime) -> datetime:
        if value.utcoffset() is None:
            self.fail("naive")
        if not EARLIEST.year <= value.year < LATEST.year:
            self.fail("out_of_range")
        return value.astimezone(UTC)


def describe_options() -> str:
    """List the options of each kind of job, in Markdown."""
    lines = ["Of the kind; the partners' guide explains them."]
    with override("en"):
        for kind, job_kind in JOB_KINDS.items():
            parts = walk_options(job_kind.options)
            lines += ["", f"Of `{kind}`:", "", *filter(None, map(_describe_option, parts))]
    return "\n".join(lines)


def _describe_option(part: tuple[Path, Option]) -> str:
    """Return an option's path, texts and default; empty for what only has options in it."""
    path, option = part
    texts = [str(text).rstrip(".") for text in (option.label, option.help) if text]
    if not texts and option.list_parts(None):
        return ""
    if isinstance(option, ChoiceOption) and not callable(option.choices):
        texts.append(" | ".join(value or "“”" for value in option.choices))
    if option.is_required:
        texts.append("required")
    elif isinstance(option.default, int | float | str) and option.default != "":
        texts.append(f"default: {json.dumps(option.default)}")
    return f"- `{'.'.join(path)}`: {'; '.join(texts)}".rstrip(": ")


class JobFieldsSerializer(StrictSerializer):
    """What a person may change of a job."""

    name = serializers.CharField(max_length=NAME_LENGTH_MAX)
    connection = serializers.UUIDField(
        allow_null=True,
        required=False,
        help_text="ID of a connection of the tenant. null: its connection of that system.",
    )
    cron = TextField(
        max_length=CRON_LENGTH_MAX,
        help_text="Minute, hour, day, month and day of the week, in the tenant's time zone.",
    )
    window_minutes = serializers.IntegerField(
        min_value=1,
        max_value=MAX_MINUTES,
        required=False,
        help_text="A run starts at most so long after its slot. Omitted: by kind.",
    )
    deadline_minutes = serializers.IntegerField(
        min_value=1,
        max_value=MAX_MINUTES,
        required=False,
        help_text="After its slot, when a run should have ended; a notice says if it has not.",
    )
    concurrency_group = TextField(
        max_length=GROUP_LENGTH_MAX,
        allow_blank=True,
        required=False,
        help_text="Runs of jobs with the same name share a limit of calls in flight.",
    )
    options = ObjectField(required=False, help_text=lazy(describe_options, str)())
    enabled = serializers.BooleanField(required=False, help_text="Omitted: true.")
    catch_up = serializers.ChoiceField(
        Job.CatchUp.choices,
        required=False,
        help_text="What becomes of the last slot if the hub was not running in its whole window.",
    )
    priority = serializers.IntegerField(
        min_value=-PRIORITY_MAX,
        max_value=PRIORITY_MAX,
        required=False,
        help_text="A greater one starts first. Only a platform key may set it.",
    )


class CreateJobSerializer(JobFieldsSerializer):
    kind = serializers.ChoiceField(Job.Kind.choices)
    connector = serializers.ChoiceField(
        JOB_CONNECTORS,
        help_text="The system whose data it reads or fills. `app`: only for all tenants.",
    )
    tenant = TextField(
        max_length=100,
        allow_null=True,
        required=False,
        help_text="The tenant's reference. Required with a platform key; null: all tenants.",
    )


class ChangeJobSerializer(JobFieldsSerializer):
    """Changes of a job: omitted fields stay."""

    def get_fields(self) -> dict[str, serializers.Field]:
        fields: dict[str, serializers.Field] = super().get_fields()
        for field in fields.values():
            field.required = False
        return fields


class JobSerializer(serializers.Serializer):
    """A job: work on a schedule."""

    id = serializers.UUIDField(source="public_id")
    url = serializers.SerializerMethodField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(Job.Kind.choices)
    tenant = serializers.CharField(
        source="tenant.reference", default=None, allow_null=True, help_text="null: all tenants."
    )
    connector = serializers.CharField(source="connector_key")
    connection = NamedSerializer(
        allow_null=True, help_text="null: the tenant's connection of that system."
    )
    cron = serializers.CharField(help_text="In each tenant's own time zone.")
    window_minutes = serializers.IntegerField()
    deadline_minutes = serializers.IntegerField()
    concurrency_group = serializers.CharField()
    options = serializers.DictField()
    enabled = serializers.BooleanField(source="is_enabled")
    catch_up = serializers.ChoiceField(Job.CatchUp.choices)
    priority = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()

    @extend_schema_field(serializers.URLField())
    def get_url(self, job: Job) -> str:
        return object_url("job", job)


class SlotsSerializer(serializers.Serializer):
    tenant = serializers.CharField()
    time_zone = serializers.CharField()
    slots = serializers.ListField(
        child=serializers.CharField(), help_text="In the tenant's time zone, the earliest first."
    )
    complete = serializers.BooleanField(help_text="false: there are more; continue at the last.")


class StartRunSerializer(StrictSerializer):
    tenant = TextField(
        max_length=100,
        required=False,
        help_text="Required with a platform key for a job of all tenants.",
    )
    dry = serializers.BooleanField(
        required=False, default=False, help_text="true: the run changes nothing in any system."
    )


class ProgressSerializer(serializers.Serializer):
    done = serializers.IntegerField(help_text="Records, rows or lines.")
    expected = serializers.IntegerField(
        allow_null=True, help_text="How many there will be at the end; null: unknown."
    )
    rate = serializers.FloatField(allow_null=True, help_text="In each second.")
    seconds_left = serializers.IntegerField(allow_null=True, help_text="null: unknown.")


class RunSerializer(serializers.Serializer):
    """A run: one execution of a job for one tenant."""

    id = serializers.UUIDField(source="public_id")
    url = serializers.SerializerMethodField()
    job = NamedSerializer()
    kind = serializers.CharField(source="job.kind")
    tenant = serializers.CharField(source="tenant.reference")
    slot_at = serializers.DateTimeField(allow_null=True, help_text="null: it was requested.")
    state = serializers.ChoiceField(Run.State.choices)
    reason = serializers.CharField(help_text="Why it is in this state, a code; empty: none.")
    sentence = serializers.SerializerMethodField(help_text="Explanation of the reason.")
    action = serializers.SerializerMethodField(help_text="What a person can do; empty: nothing.")
    detail = serializers.CharField()
    dry = serializers.BooleanField(source="is_dry")
    due_at = serializers.DateTimeField(help_text="When it starts or continues.")
    window_ends_at = serializers.DateTimeField(help_text="It starts before.")
    deadline_at = serializers.DateTimeField()
    late = serializers.SerializerMethodField(help_text="true: it has not ended by its deadline.")
    cancel_requested_at = serializers.DateTimeField(allow_null=True)
    attempts = serializers.IntegerField(
        source="attempt_count", help_text="Since it last made progress."
    )
    progress = serializers.SerializerMethodField()
    calls = serializers.DictField(
        child=serializers.IntegerField(),
        help_text=(
            "Units spent by the key of each quota; a key such as salesforce|calls|| counts calls."
        ),
    )
    result = serializers.DictField(help_text="By kind; empty until it has finished.")
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()

    @extend_schema_field(serializers.URLField())
    def get_url(self, run: Run) -> str:
        return object_url("run", run)

    def get_sentence(self, run: Run) -> str:
        return find_run_reason(run)[0]

    def get_action(self, run: Run) -> str:
        return find_run_reason(run)[1]

    def get_late(self, run: Run) -> bool:
        return run.is_late(now=clock())

    @extend_schema_field(ProgressSerializer())
    def get_progress(self, run: Run) -> Any:
        progress: RunProgress = measure_progress(run, now=clock())
        return ProgressSerializer(progress).data


def find_run_reason(run: Run) -> tuple[str, str]:
    """Return the sentence of a run's reason, and what a person can do; empty without a reason."""
    if not run.reason:
        return "", ""
    label = str(CONNECTORS[run.job.connector_key].label)
    reason = find_reason(run.reason, system=label)
    return reason.sentence, reason.action


class RunLogEntrySerializer(serializers.ModelSerializer):
    """A line of a run's log."""

    parameters = serializers.DictField()

    class Meta:
        model = RunLogEntry
        fields = ("at", "level", "kind", "parameters")
