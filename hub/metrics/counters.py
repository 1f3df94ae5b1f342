"""Stored counters that only grow, so that metrics never count old rows."""

from collections.abc import Mapping

from django.db import connection, models

Counts = Mapping[tuple[str, str], int]  # by name and label

ADD_SQL = """
INSERT INTO hub_tally (name, label, value) VALUES {rows}
ON CONFLICT (name, label) DO UPDATE SET value = hub_tally.value + excluded.value
"""


class Tally(models.Model):
    name = models.CharField(max_length=40)
    label = models.CharField(max_length=60, blank=True)
    value = models.BigIntegerField(default=0)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("name", "label"), name="one_tally"),)

    def __str__(self) -> str:
        return f"{self.name} {self.label}: {self.value}"


def add_counts(counts: Counts) -> None:
    """Add to the counters in one statement, in the order of their names, which avoids deadlocks."""
    rows = sorted((name, label, value) for (name, label), value in counts.items() if value)
    if rows:
        with connection.cursor() as cursor:
            cursor.execute(
                ADD_SQL.format(rows=", ".join(["(%s, %s, %s)"] * len(rows))),
                [part for count_row in rows for part in count_row],
            )
