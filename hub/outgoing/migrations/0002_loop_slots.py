"""Slots of pumps are rows of hub.LoopSlot.

The old table stays: at a rolling start, processes of the version before still use it.
"""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("outgoing", "0001_initial")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[migrations.DeleteModel(name="PumpSlot")]
        ),
    ]
