"""Controls of one account: end its tokens, deny its next consent, let its admin refuse the
application.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from markupsafe import Markup

from sandbox.gateway import Gateway
from sandbox.pages.html import markup, render_table
from sandbox.system import Callback, System

DOES = ("expire", "revoke", "uninstall")
END = """
<form method="post" action="/_control/tokens" class="levers">$whose
<button class="quiet" name="do" value="expire">Expire</button>
<button class="quiet" name="do" value="revoke">Revoke</button>
<button class="quiet" name="do" value="uninstall">Uninstall</button></form>
"""
DENY = """
<form method="post" action="/_control/faults" class="levers">$whose
<button class="quiet" name="consent"
  value='{"error": "access_denied"}'>Deny the next</button></form>
"""
APPROVAL = """
<form method="post" action="/_control/approval" class="levers">$whose
<select name="approval" aria-label="Approval in $account">$options</select>
<button class="quiet">Set</button></form>
"""
WHOSE = (
    '<input type="hidden" name="system" value="$system"><input type="hidden" name="account" '
    'value="$account">'
)


class AccountControls:
    def __init__(self, gateway: Gateway, systems: Iterable[System]):
        self._gateway = gateway
        self._systems = {system.key: system for system in systems}

    def tokens(self, system: str, account: str) -> list[dict[str, Any]]:
        """Oldest first; empty names mean all."""
        rows = [
            {"system": key, **row}
            for key, one in self._systems.items()
            for row in one.tokens(self._gateway.clock())
            if system in ("", key) and account in ("", row["account"])
        ]
        return sorted(rows, key=lambda row: row["at"] or 0)

    def end(self, request_body: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Raises ValueError with a sentence."""
        if unknown := set(request_body) - {"system", "account", "do", "kind"}:
            raise ValueError(
                f"unknown field {sorted(unknown)[0]!r}; known are account, do, kind, system"
            )
        if request_body.get("system") not in self._systems:
            raise ValueError(f"system is one of {', '.join(sorted(self._systems))}")
        if request_body.get("do") not in DOES:
            raise ValueError(f"do is one of {', '.join(DOES)}")
        system, account = str(request_body["system"]), str(request_body.get("account") or "")
        self._systems[system].end(
            account,
            str(request_body["do"]),
            str(request_body.get("kind") or ""),
            self._gateway.clock(),
        )
        return self.tokens(system, account)

    def callbacks(self, request_body: Mapping[str, Any]) -> list[Callback]:
        """What our application receives for this request; must be called before the action."""
        system = self._systems.get(str(request_body.get("system")))
        if system is None or request_body.get("do") != "uninstall":
            return []
        return system.uninstall_callbacks(
            str(request_body.get("account") or ""), self._gateway.clock()
        )

    def approve(self, request_body: Mapping[str, Any]) -> None:
        """Raises ValueError with a sentence."""
        system = str(request_body.get("system"))
        if system not in self._systems or not self._systems[system].approvals:
            raise ValueError("that system has no approval")
        if request_body.get("account") not in [
            account for account, *_ in self._systems[system].oauth_accounts()
        ]:
            raise ValueError("account is one that is connected by OAuth")
        self._gateway.store.change_account(
            system, str(request_body["account"]), approval=request_body.get("approval")
        )

    def table(self) -> Markup:
        alive = Counter(
            (row["system"], row["account"])
            for row in self.tokens("", "")
            if row["state"] == "alive"
        )
        rows = [
            (key, title, account, alive[key, account], *self._levers(system, account, approval))
            for key, system in self._systems.items()
            for account, title, approval in system.oauth_accounts()
        ]
        heads = (
            "System",
            "Name",
            "Account",
            "Valid tokens",
            "Invalidate tokens",
            "Consent",
            "Approval by its admin",
        )
        return render_table(
            heads, rows, caption="Accounts that are connected by OAuth", empty="None."
        )

    def _levers(self, system: System, account: str, approval: str) -> tuple[Markup, Markup, Markup]:
        account_fields = markup(WHOSE, system=system.key, account=account)
        options = [
            markup(
                '<option value="$value"$selected>$name</option>',
                value=value,
                selected=Markup(" selected" if value == approval else ""),
                name=value or "not needed",
            )
            for value in system.approvals
        ]
        approval_form = (
            markup(APPROVAL, whose=account_fields, account=account, options=options)
            if options
            else Markup()
        )
        return markup(END, whose=account_fields), markup(DENY, whose=account_fields), approval_form
