"""Serializers of discrepancies and certificates, and of the plan of their repairs."""

from rest_framework import serializers

from hub.operations.serializers import PlanFilterSerializer
from hub.problems import StrictSerializer
from hub.rest.fields import TextField, object_page_url, object_url
from hub.scheduled.insight.discrepancies import SELECTED_LIMIT
from hub.scheduled.insight.review_rows import describe_verdict
from hub.scheduled.models import LOCAL, REMOTE, Discrepancy


class DiscrepancySerializer(serializers.Serializer):
    """A difference between our record and the other system's, which keeps its id over nights."""

    id = serializers.UUIDField(source="public_id")
    url = serializers.SerializerMethodField()
    page_url = serializers.SerializerMethodField(help_text="URL of the page for signed-in people.")
    tenant = serializers.CharField(source="tenant.reference")
    job = serializers.UUIDField(source="job.public_id")
    run = serializers.UUIDField(
        source="last_run.public_id",
        default=None,
        allow_null=True,
        help_text="The run that saw it last; null: that run is no longer stored.",
    )
    connector = serializers.CharField(source="connection.connector_key")
    connection = serializers.UUIDField(source="connection.public_id")
    record_key = serializers.CharField(help_text="By which both records were matched.")
    field = serializers.CharField(help_text="As the job names it; empty: the whole record.")
    verdict = serializers.ChoiceField(Discrepancy.Verdict.choices)
    sentence = serializers.SerializerMethodField(help_text="Explanation of the verdict.")
    state = serializers.ChoiceField(Discrepancy.State.choices)
    reason = serializers.CharField(help_text="Why it is not repaired, a code; empty: none.")
    detail = serializers.CharField()
    owner = serializers.CharField(
        help_text="Whose value is right: ours, theirs, newer, or report (a person decides)."
    )
    local_id = serializers.CharField(help_text="ID of our record; empty: there is none.")
    remote_id = serializers.CharField(help_text="ID of the other system's record.")
    local_value = serializers.JSONField(help_text="Our value; null: it has none.")
    remote_value = serializers.JSONField(help_text="The other system's value.")
    local_changed_at = serializers.DateTimeField(allow_null=True)
    remote_changed_at = serializers.DateTimeField(allow_null=True)
    first_seen_at = serializers.DateTimeField()
    last_seen_at = serializers.DateTimeField()
    resolved_at = serializers.DateTimeField(allow_null=True)
    ignored_reason = serializers.CharField(
        help_text="Why it is ignored until one of its values changes; empty: it is not."
    )
    repair_side = serializers.CharField(
        help_text="The side that its repair changes: local or remote; empty: none was requested."
    )
    repair_delivery = serializers.UUIDField(
        source="repair_delivery.public_id",
        default=None,
        allow_null=True,
        help_text="ID of the delivery that repairs it.",
    )
    replaced_value = serializers.JSONField(help_text="The value that the repair replaced.")
    repaired_at = serializers.DateTimeField(allow_null=True)

    def get_url(self, discrepancy: Discrepancy) -> str:
        return object_url("discrepancy", discrepancy)

    def get_page_url(self, discrepancy: Discrepancy) -> str:
        return object_page_url("discrepancies", discrepancy)

    def get_sentence(self, discrepancy: Discrepancy) -> str:
        return describe_verdict(discrepancy)


class RepairSerializer(StrictSerializer):
    side = serializers.ChoiceField(
        [(LOCAL, "Our application"), (REMOTE, "The other system")],
        required=False,
        help_text="The side that is changed. Omitted: as the field's owner says.",
    )


class IgnoreSerializer(StrictSerializer):
    reason = serializers.CharField(
        max_length=300, help_text="Why the difference is accepted; shown and kept in the audit log."
    )


class RepairFilterSerializer(PlanFilterSerializer):
    """Filter of repairs: it selects the discrepancies that match every given condition."""

    rows = "discrepancies"

    job = serializers.UUIDField(required=False)
    run = serializers.UUIDField(required=False, help_text="The run that found them.")
    verdict = serializers.ChoiceField(Discrepancy.Verdict.choices, required=False)
    field = TextField(max_length=80, required=False)
    state = serializers.ChoiceField(Discrepancy.State.choices, required=False)
    record_key = TextField(max_length=200, required=False, help_text="The beginning of the key.")
    discrepancies = serializers.ListField(
        child=serializers.UUIDField(),
        min_length=1,
        max_length=SELECTED_LIMIT,
        required=False,
        help_text="IDs of discrepancies.",
    )


class RepairPlanSerializer(StrictSerializer):
    filter = RepairFilterSerializer()
    reason = serializers.CharField(max_length=300, help_text="Reason; kept in the audit log.")
    tenant = TextField(
        max_length=100,
        required=False,
        help_text="The tenant's reference. Omitted with a platform key: all tenants.",
    )


class CertifiedJobSerializer(serializers.Serializer):
    id = serializers.UUIDField()
    name = serializers.CharField()


class RecordCountsSerializer(serializers.Serializer):
    local = serializers.IntegerField(help_text="Records of our application.")
    remote = serializers.IntegerField(help_text="Records of the other system.")


class CertificateSerializer(serializers.Serializer):
    """What a reconciliation compared, with a digest over all other entries."""

    statement = serializers.CharField(help_text="Such as “10,000 of 10,000 equal at 02:14”.")
    tenant = serializers.CharField()
    job = CertifiedJobSerializer()
    run = serializers.UUIDField()
    connector = serializers.CharField()
    time_zone = serializers.CharField(help_text="Of the time in the statement.")
    slot_at = serializers.DateTimeField(allow_null=True, help_text="null: a person started it.")
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    compared_at = serializers.DateTimeField(allow_null=True)
    read = serializers.CharField(help_text="full, or incremental (what changed since `since`).")
    since = serializers.DateTimeField(allow_null=True)
    is_complete = serializers.BooleanField(help_text="false: a side was not read completely.")
    is_dry = serializers.BooleanField()
    records = RecordCountsSerializer()
    compared = serializers.IntegerField(help_text="Records of at least one side.")
    equal = serializers.IntegerField()
    verdicts = serializers.DictField(child=serializers.IntegerField())
    records_digest = serializers.CharField(help_text="SHA-256 of the compared records.")
    digest = serializers.CharField(
        help_text="SHA-256 of the other entries as JSON with sorted keys and without spaces."
    )
