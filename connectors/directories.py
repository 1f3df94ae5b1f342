"""The role of a connector that lists the people of its system: its directory of users."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from connectors.http import Request, Response
from connectors.outcomes import Outcome
from connectors.schema import Credential

USER = "user"  # the kind of the identities of people


@dataclass(frozen=True, slots=True)
class Person:
    """A user of a system.

    `aliases` are further e-mail addresses and logins, `other_names` other names of the person.
    """

    id: str
    name: str = ""
    email: str = ""
    login: str = ""
    aliases: tuple[str, ...] = ()
    other_names: tuple[str, ...] = ()
    is_active: bool = True
    is_bot: bool = False  # an application, or a mailbox that belongs to no single person


@dataclass(frozen=True, slots=True)
class PeoplePage:
    """The people of one response; `cursor` continues after them, empty: this was the last page.

    If it is not `is_complete`, people may be missing from it.
    """

    people: Sequence[Person]
    cursor: str = ""
    is_complete: bool = True


class Directory:
    """Builds requests for the users of an account, page by page, and parses the answers."""

    kind = USER
    permissions: tuple[str, ...] = ()  # that reading it needs
    # our own application serves all tenants: `page_request` needs the tenant's reference
    by_tenant = False

    def page_request(
        self, credential: Credential, *, at: datetime, cursor: str = "", tenant: str = ""
    ) -> Request:
        """Build the request for a page. A cursor survives a restart."""
        raise NotImplementedError

    def parse_people(self, response: Response, *, tenant: str = "") -> PeoplePage | Outcome:
        """Parse a page of people; return the Outcome if the system refuses the request.

        Raises Unreadable, also if the page contains people of a tenant other than `tenant`.
        """
        raise NotImplementedError
