"""The heads of the audit chains are sealed under HUB_FIELD_KEYS; rows stay as they are."""

from django.db import migrations

from hub.crypto.sealed import SealedField, seal

TOTAL = "total"


def seal_heads(apps, schema_editor):
    heads = apps.get_model("hub", "AuditHead").objects.using(schema_editor.connection.alias)
    chains = list(heads.all())  # one for each tenant
    total = [heads.model(chain=TOTAL, number=len(chains))] if chains else []
    for head in chains + total:
        seal_head(head, using=heads.db)


def seal_head(head, using):
    inside = {"number": head.number, "hash": head.hash, "doubtful": None}
    head.sealed = seal(inside, f"audit:{head.chain}")
    head.save(using=using)


def delete_total(apps, schema_editor):
    heads = apps.get_model("hub", "AuditHead").objects.using(schema_editor.connection.alias)
    heads.filter(chain=TOTAL).delete()


class Migration(migrations.Migration):
    dependencies = [("hub", "0014_worker_pid_namespace")]

    operations = [
        migrations.AddField("audithead", "sealed", SealedField(editable=False, null=True)),
        migrations.RunPython(seal_heads, delete_total),
    ]
