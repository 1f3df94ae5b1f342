"""Count the echoes that arrived, and close the expectations that a later change has ended."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta

from hub.db import bulk
from hub.outgoing.echo.remember import CREATED
from hub.outgoing.models import RememberedWrite

MOMENT = timedelta(microseconds=1)


class EchoCounts:
    """What a batch of received changes alters in remembered writes, by delivery."""

    def __init__(self) -> None:
        self.echoes = Counter[int]()
        self.closed: set[int] = set()
        self.ends: dict[int, datetime] = {}  # just before the first later change of the record
        self.states: dict[int, str] = {}  # the record's state that was published last
        self.echo_states: dict[int, str] = {}  # the record's state that an echo told

    def count_echo(self, writes: Iterable[RememberedWrite]) -> bool:
        """Count an echo of the first write that expects one; return whether there is one."""
        for write in writes:
            if write.echo_count < write.expected_echoes:
                write.echo_count += 1
                self.echoes[write.pk] += 1
                return True
        return False

    def close_earlier(self, writes: Iterable[RememberedWrite], changed_at: datetime | None) -> None:
        """End what these writes explain, as another change of their record is published.

        A write of which the time is known explains no later change anyway.
        """
        for write in writes:
            if write.change == CREATED:
                continue
            if changed_at is None:
                write.expected_echoes = write.echo_count
                self.closed.add(write.pk)
            elif write.changed_until is None and changed_at > write.written_at:
                write.changed_until = self.ends[write.pk] = changed_at - MOMENT

    def note_state(self, write: RememberedWrite, state: str) -> None:
        """Note the state of the record that is published after its last write."""
        write.published_state = self.states[write.pk] = state

    def note_echo_state(self, writes: Iterable[RememberedWrite], state: str) -> None:
        """Note the state that an echo told as the one that the first free of these writes made."""
        listed = list(writes)
        if any(write.echo_state == state for write in listed):
            return
        for write in listed:
            if not write.echo_state:
                write.echo_state = self.echo_states[write.pk] = state
                return

    def store(self) -> None:
        """Store the alterations; a settlement may have completed the writes meanwhile."""
        ids = {*self.echoes, *self.closed, *self.ends, *self.states, *self.echo_states}
        if not ids:
            return
        # in one order, as the settling of deliveries locks them, too
        rows = RememberedWrite.unscoped.filter(pk__in=ids).select_for_update().order_by("pk")
        writes = list(rows)
        for write in writes:
            write.echo_count += self.echoes[write.pk]
            if write.pk in self.closed:
                write.expected_echoes = write.echo_count
            write.changed_until = write.changed_until or self.ends.get(write.pk)
            write.published_state = self.states.get(write.pk, write.published_state)
            write.echo_state = self.echo_states.get(write.pk, write.echo_state)
        names = ("echo_count", "expected_echoes", "changed_until", "published_state", "echo_state")
        columns = {name: [getattr(write, name) for write in writes] for name in names}
        bulk.update_rows(RememberedWrite, [write.pk for write in writes], columns)
