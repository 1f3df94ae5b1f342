from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("operations", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="operation",
            name="includes_platform",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.RunSQL(  # an operation over all tenants was always the platform's
            "UPDATE operations_operation SET includes_platform = true WHERE tenant_id IS NULL",
            migrations.RunSQL.noop,
        ),
    ]
