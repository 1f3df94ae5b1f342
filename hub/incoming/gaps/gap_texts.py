"""Texts about a gap: what happens to it, what its read found, and what a person must do."""

from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from hub.incoming.models import InboundGap
from hub.number_texts import describe_length, format_whole
from hub.reason_codes import GAP_CAUSES, GAP_REASONS, REASONS
from hub.reason_codes.reason import START_READ_AGAIN, Reason

NOTHING = Reason("")


def describe_gap(gap: InboundGap, *, now: datetime) -> str:
    """Return what happens to an unfinished gap."""
    length = describe_length(((gap.to_at or now) - gap.incomplete_from).total_seconds())
    if gap.state == "reading" and (gap.expected_count or gap.read_count):
        return _describe_progress(gap, length)
    texts = {
        "open": _("a gap of %(length)s is open"),
        "due": _("a gap of %(length)s will be read"),
        "held": _("a gap of %(length)s waits until a person starts its read"),
        "reading": _("a gap of %(length)s is being read"),
    }
    return texts[gap.state] % {"length": length}


def _describe_progress(gap: InboundGap, length: str) -> str:
    done = {"length": length, "done": format_whole(gap.read_count)}
    if not gap.expected_count:
        return _("a gap of %(length)s is being read, %(done)s done so far") % done
    text = _("a gap of %(length)s is being read, %(done)s of %(expected)s done")
    return text % {**done, "expected": format_whole(gap.expected_count)}


def describe_counts(gap: InboundGap) -> str:
    """Return what the read of a gap found."""
    counts = {"read": gap.read_count, "known": gap.known_count, "new": gap.new_count}
    text = _("read %(read)s, known %(known)s, new %(new)s")
    return text % {name: format_whole(count) for name, count in counts.items()}


def explain_gap(gap: InboundGap) -> Reason:
    """Return why a gap is as it is, with what a person does; empty if nothing needs to be said."""
    if not gap.reason:
        return GAP_CAUSES[gap.cause] if gap.state == "open" else NOTHING
    known = GAP_REASONS.get(gap.reason) or REASONS.get(gap.reason)
    return known or Reason(
        gettext_noop("Not all changes could be read: %(word)s."),
        START_READ_AGAIN,
        {"word": gap.reason.replace("_", " ")},
    )


def describe_gap_fully(gap: InboundGap, *, now: datetime) -> str:
    """Return its cause, what happens or was found, and why something is missing."""
    is_unfinished = gap.state in InboundGap.UNFINISHED_STATES
    text = describe_gap(gap, now=now) if is_unfinished else describe_counts(gap)
    parts = [_("%(cause)s: %(text)s") % {"cause": gap.get_cause_display(), "text": text}]
    if sentence := explain_gap(gap).sentence:
        why = _("Not complete: %(why)s") % {"why": sentence}
        parts.append(why if gap.missing_from and gap.reason else sentence)
    return ". ".join(parts)
