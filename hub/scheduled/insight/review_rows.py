"""What the review shows of one discrepancy: both values, and explanations."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from connectors.registry import CONNECTORS
from hub.scheduled.insight.value_comparison import DisplayValue, compare_values, show_value
from hub.scheduled.models import Discrepancy
from hub.scheduled.repairs.discrepancy_actions import describe_reason
from hub.scheduled.repairs.repair_choices import find_system_label, list_repair_choices

# characters of a value in a list, and on a page of its own
LIST_VALUE_LENGTH_MAX, PAGE_VALUE_LENGTH_MAX = 120, 4000
NO_RECORD = DisplayValue(label=gettext_lazy("no record"))

STATE_LABELS: dict[str, Promise] = {
    "new": gettext_lazy("new"),
    "open": gettext_lazy("still there"),
    "repairing": gettext_lazy("being repaired"),
    "ignored": gettext_lazy("ignored"),
    "resolved": gettext_lazy("resolved"),
}
VERDICT_SENTENCES: dict[str, Promise] = {
    "missing_here": gettext_lazy("%(system)s has this record, and our application does not."),
    "missing_there": gettext_lazy("Our application has this record, and %(system)s does not."),
    "differs": gettext_lazy("Both records exist, and this field has different values."),
    "ambiguous": gettext_lazy("Several records have this key, so they cannot be compared."),
    "unmapped": gettext_lazy(
        "The value has no counterpart on the other side. Add it to the mapping or the identities."
    ),
}
OWNER_SENTENCES: dict[str, Promise] = {
    "ours": gettext_lazy("Our application is right: a repair changes %(system)s."),
    "theirs": gettext_lazy("%(system)s is right: a repair changes our application."),
    "newer": gettext_lazy("The value that was changed last is right."),
    "report": gettext_lazy("The job only reports this field: change it in one of both systems."),
}


def can_refuse_stale_writes(connector_key: str) -> bool:
    """Return whether the system refuses to overwrite a value that was changed meanwhile."""
    connector = CONNECTORS.get(connector_key)
    return connector is None or connector.can_refuse_stale_writes


def describe_verdict(discrepancy: Discrepancy) -> str:
    """Return a sentence that explains the verdict."""
    system = find_system_label(discrepancy)
    return str(VERDICT_SENTENCES[discrepancy.verdict]) % {"system": system}


@dataclass(frozen=True, slots=True)
class ReviewRow:
    """A discrepancy with both values ready for display."""

    discrepancy: Discrepancy
    local: DisplayValue
    remote: DisplayValue
    replaced_value: DisplayValue | None  # the value before the repair

    @property
    def system(self) -> str:
        return find_system_label(self.discrepancy)

    @property
    def state_label(self) -> str:
        return str(STATE_LABELS[self.discrepancy.state])

    @property
    def sentence(self) -> str:
        """Return the sentence that explains the verdict."""
        return describe_verdict(self.discrepancy)

    @property
    def owner_sentence(self) -> str:
        """Return which side's value is right; "" if the field has no owner."""
        sentence = OWNER_SENTENCES.get(self.discrepancy.owner)
        return str(sentence) % {"system": self.system} if sentence else ""

    @property
    def reason_sentence(self) -> str:
        """Return why the discrepancy is not repaired; "" if no reason is known."""
        code = self.discrepancy.reason
        return describe_reason(self.discrepancy, code) if code else ""

    @property
    def has_precondition(self) -> bool:
        """Return whether the other system refuses to overwrite a value changed meanwhile."""
        return can_refuse_stale_writes(self.discrepancy.connection.connector_key)

    @property
    def repaired_side(self) -> str:
        """Return the name of the system that its repair changes; "" if no repair was requested."""
        names = {"local": _("our application"), "remote": self.system}
        return names.get(self.discrepancy.repair_side, "")

    @property
    def can_repair(self) -> bool:
        """Return whether a write can resolve it."""
        return bool(list_repair_choices(self.discrepancy))


def build_review_row(discrepancy: Discrepancy, *, limit: int = LIST_VALUE_LENGTH_MAX) -> ReviewRow:
    """Build the row of a discrepancy that was read by `readable_discrepancies`."""
    local, remote = compare_values(discrepancy.local_value, discrepancy.remote_value, limit=limit)
    if discrepancy.verdict == Discrepancy.Verdict.MISSING_HERE:
        local, remote = NO_RECORD, show_value(discrepancy.remote_value, limit=limit)
    elif discrepancy.verdict == Discrepancy.Verdict.MISSING_THERE:
        local, remote = show_value(discrepancy.local_value, limit=limit), NO_RECORD
    is_sent = discrepancy.repair_delivery_id is not None or discrepancy.repaired_at is not None
    is_change = discrepancy.verdict == Discrepancy.Verdict.DIFFERS
    replaced = (
        show_value(discrepancy.replaced_value, limit=limit) if is_sent and is_change else None
    )
    return ReviewRow(discrepancy, local, remote, replaced)
