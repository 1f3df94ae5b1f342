"""Two systems for reconciliations in tests: our order application, and Pipedrive's deals.

They answer the requests of the real connectors; no network is involved.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

from connectors.http import Request, Response, dump_json, load_json
from tests.factories import NOON


@dataclass
class SimulatedClock:
    """A clock that goes on by a moment whenever it is read."""

    at: datetime = NOON
    step: timedelta = timedelta(milliseconds=1)

    def __call__(self) -> datetime:
        self.at += self.step
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@dataclass
class SimulatedSystem:
    """Records by id, in the order of ids; each change has its time and a version."""

    clock: SimulatedClock
    records: dict[str, dict] = field(default_factory=dict)
    page_size: int = 10
    write_count: int = 0
    pages_read: list[str] = field(default_factory=list)
    is_away: bool = False
    # pages to come that are cut: fewer orders than announced, half of a later page of deals
    cut_pages: int = 0

    def put(self, id: str, at: datetime | None = None, **fields: object) -> None:
        known = self.records.get(id, {"version": 0, "deleted": False})
        self.records[id] = {
            **known,
            **fields,
            "version": known["version"] + 1,
            "at": at or self.clock(),
        }

    def delete(self, id: str) -> None:
        self.put(id, deleted=True)

    def select(
        self, *, after: str, since: str, deleted: bool, ids: str
    ) -> tuple[list[tuple[str, dict]], str]:
        """Return the next page, and the cursor behind it."""
        wanted = ids.split(",") if ids else None
        found = [
            (id, record)
            for id, record in sorted(self.records.items())
            if id > after
            and (not since or record["at"] >= datetime.fromisoformat(since))
            and (deleted or not record["deleted"])
            and (wanted is None or id in wanted)
        ]
        page = found[: self.page_size]
        self.pages_read.append(f"{after}|{since}")
        return page, page[-1][0] if len(found) > len(page) else ""


class OrderApplication(SimulatedSystem):
    def answer(self, request: Request) -> Response:
        url = urlsplit(request.url)
        if request.method in ("PATCH", "POST", "DELETE"):
            return self._write(request, url.path.rpartition("/")[2])
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        page, cursor = self.select(
            after=query.get("after", ""),
            since=query.get("updated_since", ""),
            deleted=query.get("include_deleted") == "true",
            ids=query.get("ids", ""),
        )
        orders = [
            {
                **{name: value for name, value in record.items() if name != "at"},
                "number": id,
                "tenant": query["tenant"],
                "updated_at": record["at"].isoformat(),
            }
            for id, record in page
        ]
        count = len(orders)
        if self.cut_pages and orders:
            self.cut_pages -= 1
            orders = orders[:-1]
        return _answer({"orders": orders, "count": count, "next_after": cursor or None})

    def _write(self, request: Request, number: str) -> Response:
        record = self.records.get(number)
        condition = request.headers.get("If-Match", "*")
        if record and condition not in ("*", f'"{record["version"]}"'):
            return Response(412)
        if request.method == "DELETE":
            self.write_count += 1
            self.delete(number)
            return Response(204)
        fields = load_json(request.content())
        fields.pop("tenant", None)
        if request.method == "POST":
            number = str(fields.pop("number"))
        self.write_count += 1
        self.put(number, **fields)
        return _answer({"number": number})


class DealSystem(SimulatedSystem):
    def answer(self, request: Request) -> Response:
        if self.is_away:
            self.pages_read.append("away")
            return Response(503)
        url = urlsplit(request.url)
        if request.method == "DELETE":
            id = int(url.path.rpartition("/")[2])
            self.write_count += 1
            self.delete(f"{id:05}")
            return _answer({"success": True, "data": {"id": id}})
        if request.method in ("PATCH", "PUT", "POST"):
            is_new = request.method == "POST"
            id = len(self.records) if is_new else int(url.path.rpartition("/")[2])
            self.write_count += 1
            self.put(f"{id:05}", **load_json(request.content()))
            return _answer({"success": True, "data": {"id": id}})
        if url.path.endswith("/archived"):
            return _answer({"success": True, "data": [], "additional_data": {"next_cursor": None}})
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        if self.cut_pages and "cursor" in query:
            self.cut_pages -= 1
            return Response(200, b'{"success": true, "data": [{')
        page, cursor = self.select(
            after=query.get("cursor", ""),
            since=query.get("updated_since", ""),
            deleted="deleted" in query.get("status", ""),
            ids=",".join(f"{int(id):05}" for id in query.get("ids", "").split(",") if id),
        )
        deals = [
            {
                **{name: value for name, value in record.items() if name != "at"},
                "id": int(id),
                "is_deleted": record["deleted"],
                "update_time": record["at"].astimezone(UTC).isoformat(),
            }
            for id, record in page
        ]
        return _answer(
            {"success": True, "data": deals, "additional_data": {"next_cursor": cursor or None}}
        )


def _answer(document: object) -> Response:
    return Response(200, dump_json(document), {"content-type": "application/json"})
