"""Saved records make active flows send outbound messages; the control can save some."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from random import Random
from typing import Any, NamedTuple

from sandbox.salesforce.accounts import ORGS, Org
from sandbox.salesforce.ids import id_of
from sandbox.salesforce.outbound.metadata import OrgMetadata, Row
from sandbox.salesforce.outbound.soap import envelope, is_acknowledged, notification
from sandbox.salesforce.records import Record, Records, SavedRecord
from sandbox.salesforce.schema import Object, objects
from sandbox.sending.deliveries import Attempt, Delivery, SendingRules, SignedMessage
from sandbox.storage.account_store import AccountStore

MOST = 100  # notifications of a message
OBJECTS = ("Order", "Lead", "Account", "Opportunity")
FIRST_WAIT, LONGEST_WAIT, DROPPED_AFTER = 15, 2 * 3600, 24 * 3600


def retry_waits() -> tuple[float, ...]:
    """Growing gaps of 2 hours at most; after 24 hours a message is dropped."""
    waits: list[float] = []
    wait = float(FIRST_WAIT)
    while sum(waits) + wait <= DROPPED_AFTER:
        waits.append(wait)
        wait = min(2 * wait, LONGEST_WAIT)
    return tuple(waits)


RULES = SendingRules(60.0, waits=retry_waits(), is_acknowledged=is_acknowledged)


class Notification(NamedTuple):
    id: str
    record_id: str


class SalesforceEvents:
    """`times` records are saved in one call, and so share outbound messages of up to 100."""

    key = "salesforce"
    tampers: tuple[str, ...] = ("body", "signature")

    def __init__(
        self,
        store: AccountStore,
        records: Records,
        metadata: OrgMetadata,
        session_of: Callable[[Org, float], str],
        random: Random,
    ):
        """`session_of` starts a session of the org's user, for messages that send one."""
        self._store = store
        self._records = records
        self._metadata = metadata
        self._session_of = session_of
        self._random = random

    def accounts(self) -> list[str]:
        return list(self._store[ORGS])

    def events(self) -> list[str]:
        return [f"{kind}.{change}" for kind in OBJECTS for change in ("create", "update")]

    def cause(
        self, account: str, event: str, *, times: int, at: float, base: str
    ) -> list[Delivery]:
        org = self._store[ORGS][account]
        name, _, change = event.partition(".")
        kind = objects(org)[name.lower()]
        is_new = change == "create"
        if not any(self._metadata.messages_for(org, name, is_new=is_new)):
            raise ValueError(f"no active flow of {account} sends a message for {event}")
        body = self._required(org, kind, at)
        if not is_new and not self._records.all(org, kind):
            self._records.create(org, kind, body, at)
        self._records.begin()
        for _ in range(times):
            self._save(org, kind, body, at, is_new=is_new)
        return self.deliveries(org, self._records.take_saved())

    def deliveries(self, org: Org, saved: Iterable[SavedRecord]) -> list[Delivery]:
        """The messages that active flows send of these, in packs of up to 100 notifications."""
        records: dict[str, list[Notification]] = defaultdict(list)
        messages: dict[str, Row] = {}
        for one in saved:
            for message in self._metadata.messages_for(org, one.kind, is_new=one.is_new):
                messages[message["Id"]] = message
                notice = Notification(self._notification_id(), one.id)
                records[message["Id"]].append(notice)
        return [
            self._delivery(org, messages[id], notices[start : start + MOST])
            for id, notices in records.items()
            for start in range(0, len(notices), MOST)
        ]

    def _delivery(self, org: Org, message: Row, notices: list[Notification]) -> Delivery:
        kind = objects(org)[message["FullName"].partition(".")[0].lower()]
        names = [
            field.name
            for name in message["Metadata"]["fields"]
            if (field := kind.field(str(name))) is not None
        ]

        def build(attempt: Attempt) -> SignedMessage:
            """With the data of now, not of when the record was saved."""
            session = self._session_of(org, attempt.at) if message["IncludeSessionId"] else ""
            parts = (
                notification(notice.id, kind.name, self._latest(org, kind, notice), names)
                for notice in notices
            )
            headers = {"Content-Type": "text/xml; charset=UTF-8", "SOAPAction": '""'}
            return SignedMessage(envelope(org, message, parts, session), headers)

        return Delivery(
            system="salesforce",
            account=org.org,
            event=message["FullName"],
            id=notices[0].id,
            url=message["EndpointUrl"],
            rules=RULES,
            build=build,
        )

    def _latest(self, org: Org, kind: Object, notice: Notification) -> Record:
        return self._records.latest(org, kind, notice.record_id) or {"Id": notice.record_id}

    def _save(
        self, org: Org, kind: Object, body: dict[str, Any], at: float, *, is_new: bool
    ) -> None:
        mark = f"{self._random.getrandbits(32):08x}"
        if is_new:
            values = body | {"Description": f"Made {mark}"}
            self._records.create(org, kind, values, at, author=org.colleague)
            return
        newest = self._records.all(org, kind)[-1]
        values = {"Description": f"Changed {mark}"}
        self._records.update(org, kind, newest["Id"], values, at, author=org.colleague)

    def _required(self, org: Org, kind: Object, at: float) -> dict[str, Any]:
        """What a new record of this object must have."""
        if kind.name == "Order":
            accounts = objects(org)["account"]
            if not self._records.all(org, accounts):
                self._records.create(org, accounts, {"Name": "Acme Retail"}, at)
            account = self._records.all(org, accounts)[0]["Id"]
            return {"AccountId": account, "EffectiveDate": "2026-12-01", "Status": "Draft"}
        return {
            "Lead": {"LastName": "Lovelace", "FirstName": "Ada", "Company": "Acme"},
            "Account": {"Name": "Acme Retail"},
            "Opportunity": {"Name": "Tea", "StageName": "Prospecting", "CloseDate": "2026-12-01"},
        }[kind.name]

    def _notification_id(self) -> str:
        return id_of("04l", self._random.randrange(10**12))
