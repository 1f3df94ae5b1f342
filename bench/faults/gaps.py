"""Kills of web and workers in each state of a gap, while it is opened, waits, is read and closes: a
webhook is deleted at Pipedrive, records change unheard, and each last state and each deletion is
one event. A copy of the installation, and an account that is disconnected meanwhile, read nothing.
"""

import itertools
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

from bench import seed
from bench.faults.installation import is_true_or_unknown
from bench.faults.supervised_process import SupervisedProcess
from bench.figures import Bar, Figure
from bench.installation import web
from bench.installation.processes import MANAGE, wait_until
from bench.installation.sandbox import Sandbox, sandbox_process
from bench.sink.client import Sink
from bench.suite import Options
from hub.audit import ActorContext
from hub.connections.actions.disconnection import disconnect_account
from hub.connections.models import Connection
from hub.db.clock import clock
from hub.incoming.gaps import open_gap
from hub.incoming.models import (
    InboundEndpoint,
    InboundGap,
    InboundItem,
    InboundMessage,
    InboundSource,
    WebhookSubscription,
)
from hub.incoming.registration.scheduling.checks import create_missing_endpoints, request_check
from hub.outgoing.models import Event, EventBody
from hub.processes.failpoints import DONE_FOLDER_NAME, SETTING_NAME, parse_plans
from hub.queue import Heartbeat

DATABASES = ("postgresql", "sqlite")
COMPANY, DOMAIN, TOKEN = "701", "acme", "v1u:bench"
MANY = 100_000_000  # no quota is measured here
WORLD = {
    "pipedrive": [
        {
            "company": COMPANY,
            "domain": DOMAIN,
            "access_token": TOKEN,
            "scopes": "base,contacts:full,deals:full,activities:full,admin",
            "expires_in": MANY,
            "daily_tokens": MANY,
            "burst": MANY,
        }
    ],
}
MAPPING = {"type": "type", "timestamp": "occurred_at", "data": "data"}
SMALL_PAGES = {
    "DJANGO_SETTINGS_MODULE": "bench.programs.small_page_settings",
    "HUB_BENCH_PAGE_SIZE": "3",
}
# opened, waiting for its run, between two pages, between a page and its cursor, closing
PLAN = "G1=kill@1,G2=kill@1,G3=kill@1,G4=kill@1,G5=kill@1"
POINTS = tuple(parse_plans(PLAN))
SLOWLY = "G3=sleep:2"
COPY_URL = "http://127.0.0.1:1"
WORKERS, ROUNDS = 2, 3
BACK_WITHIN = 300.0  # seconds; a check that is killed leaves a lease of a minute
SWEPT_AFTER = timedelta(seconds=12)  # in which all sweeps have looked at a gap
ACCEPTED = 200  # the status
NONE = Bar("==", 0)
Change = tuple[str, str, str]  # record, kind, title


@dataclass
class Company:
    """Deals, as people change them on the sandbox's pages; titles name the version of a deal.

    `is_heard`: a webhook is registered, and each change waits until its own has been accepted, as
    two that are sent at once may overtake each other.
    """

    sandbox: Sandbox
    is_heard: bool = True
    titles: dict[str, str] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)

    def create(self, name: str) -> str:
        id = self._submit("deals/", title=f"{name} v1").rpartition("/")[2]
        self.titles[id] = f"{name} v1"
        return id

    def change(self, id: str) -> None:
        name, _, version = self.titles[id].rpartition("v")
        self.titles[id] = f"{name}v{int(version) + 1:03}"
        self._submit(f"deals/{id}", do="save", title=self.titles[id])

    def delete(self, id: str) -> None:
        self._submit(f"deals/{id}", do="delete")
        self.deleted.add(id)

    def act(self, name: str) -> None:
        """Create, change and delete, so that a read has several pages."""
        existing = [id for id in self.titles if id not in self.deleted][:4]
        for id in existing[:2] * 2:
            self.change(id)
        for id in existing[3:]:
            self.delete(id)
        created = [self.create(f"{name} {number}") for number in range(6)]
        self.change(created[0])
        self.delete(created[1])

    def delete_webhook(self, id: str) -> None:
        self.is_heard = False
        self._submit(f"webhooks/{id}", do="delete")

    def _submit(self, path: str, **values: str) -> str:
        count = self._count_accepted()
        location = self.sandbox.post_form(f"/pipedrive/{COMPANY}/{path}", values)
        if self.is_heard:
            wait_until(
                lambda: self._count_accepted() > count, within=BACK_WITHIN, what="its webhook"
            )
        return location

    def _count_accepted(self) -> int:
        rows = json.loads(self.sandbox.get("/_control/sent?since=0"))["sent"]
        return sum(row["status"] == ACCEPTED for row in rows)

    def count_reads(self, since: int) -> int:
        rows = self.sandbox.get_rows(f"/_control/ledger?since={since}")
        return sum(row["system"] == "pipedrive" and "/deals" in row["path"] for row in rows)

    def read_position(self) -> int:
        return int(json.loads(self.sandbox.get("/_control/health"))["seq"])


class GapInstallation:
    """A context: the sandbox, web and two workers, kept running; the webhook is registered."""

    def __init__(self) -> None:
        self.kills: list[str] = []

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            prefix = "hub-bench-gaps-"
            self.notes = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=prefix)))
            sandbox = stack.enter_context(sandbox_process(WORLD))
            self.company = Company(sandbox)
            self.connection = connect(sandbox.url)
            self.port = web.free_port()
            shell = web.environment_of(self.port) | SMALL_PAGES
            shell["HUB_PUBLIC_URL"] = self.url = f"http://127.0.0.1:{self.port}"
            shell["HUB_EGRESS_ALLOW"] += f",{sandbox.place}"
            commands = [web.command(), *[[*MANAGE, "work"]] * WORKERS]
            self.processes = [
                stack.enter_context(SupervisedProcess(command, shell)) for command in commands
            ]
            web.wait_until_it_answers(self.port)
            create_missing_endpoints(now=clock())
            self.wait_for(is_registered, "the registration of the webhook")
            self.closing = stack.pop_all()  # from here on __exit__ does it
        return self

    def __exit__(self, *error: object) -> None:
        self.closing.close()

    def restart(self, **environment: str) -> None:
        for process in self.processes:
            process.environment = {**process.environment, **environment}
            process.stop()
        web.wait_until_it_answers(self.port)

    def wait_for(self, condition: Callable[[], bool], what: str) -> None:
        """Wait until a look at the database says so."""
        wait_until(
            lambda: not is_true_or_unknown(lambda: not condition()),
            within=BACK_WITHIN,
            every=0.3,
            what=what,
        )

    # --- what is done -----------------------------------------------------------------------------

    def lose_and_read(self, number: int) -> None:
        """Delete the webhook, let records change, and kill a process in each state of the gap."""
        folder = self.notes / str(number)
        folder.mkdir()
        self.company.delete_webhook(WebhookSubscription.unscoped.get().external_id)
        self.company.act(f"unheard {number}")
        self.restart(**{SETTING_NAME: PLAN, DONE_FOLDER_NAME: str(folder)})
        request_check(InboundEndpoint.unscoped.get(), is_awaited=True, now=clock())
        marks = [folder / point for point in POINTS]
        self.wait_for(lambda: all(mark.exists() for mark in marks), f"kills at {PLAN}")
        self.kills += [mark.name for mark in marks]
        self.wait_for(is_all_read, "the end of the gap")
        self.company.is_heard = True
        self.company.act(f"heard {number}")
        self.wait_for(is_inbox_empty, "the inbox")

    def be_a_copy(self) -> int:
        """Run as a copy for a while, in which a gap waits; return how often it was read."""
        self.restart(HUB_PUBLIC_URL=COPY_URL, **{SETTING_NAME: ""})
        since, opened_at = self.company.read_position(), clock()
        self.open_gap()
        swept = Heartbeat.objects.filter(name="sweep", at__gt=opened_at + SWEPT_AFTER)
        self.wait_for(swept.exists, "a sweep of the copy")
        count = self.company.count_reads(since)
        self.restart(HUB_PUBLIC_URL=self.url)
        self.wait_for(is_all_read, "the gap that the copy left")
        return count

    def disconnect_meanwhile(self) -> int:
        """Disconnect the account while a gap is read; return 1 if the gap was not cancelled."""
        self.restart(**{SETTING_NAME: SLOWLY})
        gap = self.open_gap()
        reading = InboundGap.unscoped.filter(pk=gap.pk, state="reading", read_count__gt=0)
        self.wait_for(reading.exists, "the first page")
        connection = Connection.unscoped.get(pk=self.connection.pk)
        disconnect_account(connection, ActorContext.system(), now=clock())
        unfinished = InboundGap.unscoped.filter(state__in=InboundGap.UNFINISHED_STATES)
        self.wait_for(lambda: not unfinished.exists(), "the end of the gap")
        gap.refresh_from_db()
        return int(gap.state != "cancelled")

    def open_gap(self) -> InboundGap:
        now, source = clock(), InboundSource.unscoped.get()
        past = timedelta(hours=1)
        return open_gap(source, "by_hand", from_at=now - past, to_at=now - past / 60, now=now)


def connect(url: str) -> Connection:
    """Connect the company, with a route that takes all changes of deals."""
    seed.empty()
    (connection,) = seed.connections(
        1,
        url,
        connector="pipedrive",
        secret={"access_token": TOKEN, "refresh_token": "none"},
        account=COMPANY,
    )
    connection.settings = {"api_domain": f"{url}/pipedrive/{DOMAIN}"}
    connection.save()
    seed.route(mapping=MAPPING, event_type="pipedrive.deal.*", origin="pipedrive")
    return connection


def is_registered() -> bool:
    return WebhookSubscription.unscoped.filter(state="verified").exists()


def is_all_read() -> bool:
    unfinished = InboundGap.unscoped.filter(state__in=InboundGap.UNFINISHED_STATES)
    return is_registered() and not unfinished.exists() and is_inbox_empty()


def is_inbox_empty() -> bool:
    waiting = InboundMessage.unscoped.filter(due_at__isnull=False)
    return not waiting.exists() and not InboundItem.unscoped.filter(state="received").exists()


def list_changes() -> list[Change]:
    """Return what was published of each deal, in order."""
    types = dict(Event.unscoped.filter(source="pipedrive").values_list("pk", "type"))
    changes = []
    for pk, body in EventBody.objects.filter(event_id__in=types).values_list("event_id", "body"):
        data = json.loads(bytes(body))["data"]
        title = data["record"].get("title", "")
        changes.append((pk, (str(data["id"]), types[pk].rpartition(".")[2], title)))
    return [change for _pk, change in sorted(changes)]


def judge(
    titles: Mapping[str, str], deleted: set[str], changes: Sequence[Change]
) -> Mapping[str, list[Any]]:
    """Return what is lost (the last state of a record, or its deletion), doubled, and the records
    whose changes are not in order.
    """
    published = Counter(
        (record, kind, "" if kind == "deleted" else title) for record, kind, title in changes
    )
    lost = [
        id
        for id, title in titles.items()
        if not (
            published[id, "deleted", ""]
            if id in deleted
            else published[id, "created", title] or published[id, "updated", title]
        )
    ]
    updates: dict[str, list[str]] = {}
    for record, kind, title in changes:
        if kind == "updated":
            updates.setdefault(record, []).append(title)
    return {
        "lost": lost,
        "doubled": [change for change, count in published.items() if count > 1],
        "order_breaks": [id for id, names in updates.items() if names != sorted(names)],
    }


def measure(sink: Sink, options: Options) -> Iterator[Figure]:
    rounds = 1 if options.quick else ROUNDS
    with GapInstallation() as installation:
        company = installation.company
        company.act("before")
        for number in range(rounds):
            installation.lose_and_read(number)
        read_by_copy = installation.be_a_copy()
        found = judge(company.titles, company.deleted, list_changes())
        not_cancelled = installation.disconnect_meanwhile()
    for name, wrong in found.items():
        for entry in itertools.islice(wrong, 5):
            print(f"{name}: {entry}", file=sys.stderr)
    closed = InboundGap.unscoped.filter(state="closed")
    yield figure("closed", closed.count(), "gaps", Bar(">=", rounds))
    yield figure("kills", len(installation.kills), "kills")
    fewest = min(Counter(installation.kills)[point] for point in POINTS)
    yield figure("kills_at_each_point", fewest, "kills", Bar(">=", rounds))
    yield figure("records", len(company.titles), "records")
    for name, wrong in found.items():
        yield figure(name, len(wrong), "records", NONE)
    yield figure("reads_by_a_copy", read_by_copy, "calls", NONE)
    yield figure("not_cancelled", not_cancelled, "gaps", NONE)


def figure(name: str, value: float, unit: str, bar: Bar | None = None) -> Figure:
    return Figure(f"faults_gaps_{name}", value, unit, bar=bar)
