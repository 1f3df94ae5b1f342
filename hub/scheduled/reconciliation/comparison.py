"""Compare the staged records, in chunks; each one's findings are stored with the next cursor."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC
from functools import partial
from typing import Any

from hub.connections.models import Connection
from hub.scheduled.models import Run
from hub.scheduled.reconciliation.changes_in_flight import InFlightTexts
from hub.scheduled.reconciliation.options import ReconcileOptions
from hub.scheduled.reconciliation.progress import (
    COMPARED,
    COMPARING,
    LOCAL_SIDE,
    REMOTE_SIDE,
    Progress,
)
from hub.scheduled.reconciliation.recording import (
    JudgedKeys,
    find_ambiguous_keys,
    has_open_discrepancies,
    preview_states,
    record_findings,
)
from hub.scheduled.reconciliation.staging import find_superseded, read_slice
from hub.scheduled.reconciliation.values.record_keys import decode_key
from hub.scheduled.reconciliation.verdicts.judge import (
    EQUAL,
    UNPROVEN,
    UNSETTLED,
    Judgement,
    ReadCoverage,
    judge_records,
)
from hub.scheduled.reconciliation.verdicts.merge import cut_chunk, group_by_key
from hub.scheduled.reconciliation.verdicts.repair_side import is_change_by_repair
from hub.scheduled.runs.context import RunContext

CHUNK_SIZE = 4000  # rows of each side


@dataclass(slots=True)
class ComparisonCounts:
    """The counts of a comparison so far: keys by outcome, discrepancies by verdict and by field."""

    keys: int = 0
    equal: int = 0
    unsettled: int = 0
    unproven: int = 0
    changes: int = 0  # records that a run which applies repairs would change
    verdicts: dict[str, int] = field(default_factory=dict)
    states: dict[str, int] = field(default_factory=dict)  # of a dry run, which stores no findings
    fields: dict[str, int] = field(default_factory=dict)
    digest: str = ""  # SHA-256 over keys and outcomes, chunk by chunk
    # ISO 8601: a read of what changed from here on contains every unsettled key; empty: none is
    unsettled_since: str = ""

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "ComparisonCounts":
        names = ("keys", "equal", "unsettled", "unproven", "changes")
        numbers = {name: document.get(name, 0) for name in names}
        return cls(
            **numbers,
            verdicts=dict(document.get("verdicts", {})),
            states=dict(document.get("states", {})),
            fields=dict(document.get("fields", {})),
            digest=document.get("digest", ""),
            unsettled_since=document.get("unsettled_since", ""),
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "keys": self.keys,
            "equal": self.equal,
            "unsettled": self.unsettled,
            "unproven": self.unproven,
            "changes": self.changes,
            "verdicts": self.verdicts,
            "states": self.states,
            "fields": self.fields,
            "digest": self.digest,
            "unsettled_since": self.unsettled_since,
        }

    def add(self, judgement: Judgement, options: ReconcileOptions) -> None:
        self.keys += 1
        self.equal += judgement.outcome == EQUAL
        self.unsettled += judgement.outcome == UNSETTLED
        self.unproven += judgement.outcome == UNPROVEN
        if judgement.outcome == UNSETTLED and judgement.changed_at:
            changed_at = judgement.changed_at.astimezone(UTC).isoformat()
            self.unsettled_since = min(self.unsettled_since or changed_at, changed_at)
        self.changes += any(is_change_by_repair(finding, options) for finding in judgement.findings)
        for finding in judgement.findings:
            self.verdicts[finding.verdict] = self.verdicts.get(finding.verdict, 0) + 1
            if finding.field:
                self.fields[finding.field] = self.fields.get(finding.field, 0) + 1

    def add_states(self, states: Mapping[str, int]) -> None:
        for state, count in states.items():
            self.states[state] = self.states.get(state, 0) + count


@dataclass(frozen=True, slots=True)
class ComparedChunk:
    """The judgements of one chunk, and the key after which the next one begins."""

    keys: JudgedKeys
    counts: ComparisonCounts
    last_key: bytes | None  # None: it was the last


def load_coverage(
    run: Run, progress: Progress, options: ReconcileOptions, texts: InFlightTexts
) -> ReadCoverage:
    """Return what this run has read, which determines the verdicts that are possible."""
    is_full = not progress.cursor.get("since")
    local, remote = progress.read_state(LOCAL_SIDE), progress.read_state(REMOTE_SIDE)
    whole_local = progress.read_state(f"whole.{LOCAL_SIDE}")
    whole_remote = progress.read_state(f"whole.{REMOTE_SIDE}")
    has_all_here = whole_local.is_done and whole_local.is_complete
    has_all_there = whole_remote.is_done and whole_remote.is_complete
    is_partial = not is_full and not (has_all_here and has_all_there)
    return ReadCoverage(
        began_at=progress.began_at,
        proves_missing_here=is_full and local.is_complete,
        proves_missing_there=is_full and remote.is_complete,
        superseded_hashes={
            True: find_superseded(run, is_local=True),
            False: find_superseded(run, is_local=False),
        },
        in_flight_texts=texts,
        matches_by_identity=bool(options.match.identity),
        has_all_here=has_all_here,
        has_all_there=has_all_there,
        ambiguous_keys=find_ambiguous_keys(run) if is_partial else frozenset(),
    )


async def compare_sides(
    context: RunContext,
    connection: Connection,
    progress: Progress,
    options: ReconcileOptions,
    texts: InFlightTexts,
) -> None:
    """Compare the remaining chunks, and record their findings."""
    run = context.run
    coverage = await context.in_database(partial(load_coverage, run, progress, options, texts))
    has_open = await context.in_database(partial(has_open_discrepancies, run))
    while True:
        after, counts = progress.cursor.get("after"), progress.counts
        chunk = await context.in_database(
            partial(compare_chunk, run, after, counts, coverage, options)
        )
        write = None
        if run.is_dry:
            states = await context.in_database(partial(preview_states, run, chunk.keys))
            chunk.counts.add_states(states)
        else:
            write = partial(
                record_findings, run, connection, chunk.keys, has_open=has_open, now=context.now()
            )
        next_after = chunk.last_key.hex() if chunk.last_key is not None else None
        stage = COMPARING if next_after else COMPARED
        await progress.save(
            {"stage": stage, "after": next_after, "counts": chunk.counts.to_json()}, write=write
        )
        if chunk.last_key is None:
            return


def compare_chunk(
    run: Run,
    after: str | None,
    counts: Mapping[str, Any],
    coverage: ReadCoverage,
    options: ReconcileOptions,
    *,
    size: int = CHUNK_SIZE,
) -> ComparedChunk:
    """Compare the next chunk of both sides after the key `after` (hex)."""
    start = bytes.fromhex(after) if after else None
    local = read_slice(run, start, size, is_local=True)
    remote = read_slice(run, start, size, is_local=False)
    chunk = cut_chunk(local, remote, size=size)
    keys, new_counts = JudgedKeys(), ComparisonCounts.from_json(counts)
    digest = hashlib.sha256(new_counts.digest.encode())
    for group in group_by_key(chunk):
        judgement = judge_records(group.key, group.local, group.remote, options.fields, coverage)
        if judgement is None:
            keys.judged_keys.append(decode_key(group.key))
            continue
        digest.update(group.key + b" " + judgement.outcome.encode() + b"\n")
        new_counts.add(judgement, options)
        add_judgement(keys, group.key, judgement)
    new_counts.digest = digest.hexdigest()
    return ComparedChunk(keys, new_counts, chunk.until)


def add_judgement(keys: JudgedKeys, key: bytes, judgement: Judgement) -> None:
    is_postponed = judgement.outcome in (UNSETTLED, UNPROVEN)
    (keys.postponed_keys if is_postponed else keys.judged_keys).append(decode_key(key))
    keys.findings.extend(judgement.findings)
