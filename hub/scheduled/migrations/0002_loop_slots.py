"""Slots of loops of runs are rows of hub.LoopSlot.

The old table stays: at a rolling start, processes of the version before still use it.
"""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("scheduled", "0001_initial")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[migrations.DeleteModel(name="RunLoopLease")]
        ),
    ]
