"""The received mails, stored on disk before the sender gets its response."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sandbox.mail.parsing import parse_mail
from sandbox.storage.journal import JournaledDict

KEPT = 5000
Mail = dict[str, Any]


class Mailbox:
    def __init__(self, state: Path):
        self._mails = JournaledDict(state / "mail.jsonl", keep=KEPT)
        self._seq = max((mail["seq"] for mail in self._mails.values()), default=0)

    def __len__(self) -> int:
        return len(self._mails)

    def add(self, recipients: list[str], raw: bytes, at: float) -> int:
        self._seq += 1
        self._mails[str(self._seq)] = {
            "seq": self._seq,
            "at": datetime.fromtimestamp(at, UTC)
            .isoformat(timespec="milliseconds")
            .replace("+00:00", "Z"),
            "to": recipients,
            **parse_mail(raw),
            "source": raw.decode(errors="replace"),
        }
        return self._seq

    def since(self, seq: int, *, to: str = "") -> list[Mail]:
        """Oldest first, without their source."""
        return [
            {key: value for key, value in mail.items() if key != "source"}
            for mail in self._mails.values()
            if mail["seq"] > seq and is_addressed_to(mail, to)
        ]

    def newest(self, *, to: str = "") -> Iterator[Mail]:
        return (mail for mail in self._mails.newest() if is_addressed_to(mail, to))

    def mail(self, seq: str) -> Mail | None:
        return self._mails.get(seq)

    def close(self) -> None:
        self._mails.close()


def is_addressed_to(mail: Mail, to: str) -> bool:
    return not to or to.lower() in (recipient.lower() for recipient in mail["to"])
