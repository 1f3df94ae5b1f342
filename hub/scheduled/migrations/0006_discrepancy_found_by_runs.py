from django.db import migrations, models
from django.db.models import CharField, F, Value
from django.db.models.functions import Cast, Coalesce, Concat


def note_last_runs(apps, schema_editor):
    """Note the last run of what it found itself, so that plans of earlier versions keep their
    rows.
    """
    model = apps.get_model("scheduled", "Discrepancy")
    discrepancies = model._base_manager.exclude(state="resolved")
    begun_at = Coalesce(F("last_run__started_at"), F("last_run__created_at"))
    found = discrepancies.filter(last_seen_at__gte=begun_at).values("pk")
    key = Concat(Value(","), Cast("last_run_id", CharField()), Value(","))
    discrepancies.filter(pk__in=found).update(found_by_runs=key)


class Migration(migrations.Migration):
    dependencies = [
        ("scheduled", "0005_log_position_of_job"),
    ]

    operations = [
        migrations.AddField(
            model_name="discrepancy",
            name="found_by_runs",
            field=models.CharField(blank=True, db_default="", max_length=220),
        ),
        migrations.RunPython(note_last_runs, migrations.RunPython.noop),
    ]
