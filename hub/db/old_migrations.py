"""A check of `migrate`: no database that migrations from before version 0.5.0 left half done.

Each app has one initial migration since then. Django would take its name, which the first of the
old ones had too, for proof that the tables are those of today.
"""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections
from django.db.migrations.recorder import MigrationRecorder

EARLY = ("hub", "0002_audit_is_append_only")  # every database of the old migrations has it
LAST = {
    ("tenants", "0008_support_visits"),
    ("hub", "0015_sealed_audit_heads"),
    ("notices", "0007_away_until"),
    ("throttle", "0006_background_shares"),
    ("operations", "0003_standard_names"),
    ("connections", "0018_account_since"),
    ("mappings", "0011_unique_both_ways"),
    ("outgoing", "0016_times_of_written_changes"),
    ("incoming", "0013_progress_of_checks"),
    ("scheduled", "0006_discrepancy_found_by_runs"),
    ("identities", "0005_suggestion_runs"),
    ("drift", "0002_removed_objects"),
    ("recipes", "0003_disabled_parts"),
    ("portal", "0003_portal_visits"),
}
LAST_COMMIT = "01829cd5"  # that has the old migrations


@register(Tags.database)
def check_old_migrations(
    app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any
) -> Sequence[CheckMessage]:
    """Refuse a database that some of the old migrations have not changed; one that all have
    changed is as new.
    """
    return [
        Error(
            f"This database was last migrated by an early version of the hub, without "
            f"{len(missing)} of its migrations, such as {'.'.join(min(missing))}. "
            f"Nothing was changed.",
            hint=f"Check out commit {LAST_COMMIT}, migrate there, and then with this version; "
            f"or start with an empty database.",
            id="hub.E005",
        )
        for missing in map(find_missing_migrations, databases or ())
        if missing
    ]


def find_missing_migrations(alias: str) -> set[tuple[str, str]]:
    """Return the old migrations that a database of theirs lacks; none of any other database."""
    applied = MigrationRecorder(connections[alias]).applied_migrations().keys()
    return LAST - applied if EARLY in applied else set()
