"""Connect an account, or update its credential, with form input: test it, then store it.

Entry points: `connect_with_form`, `update_with_form`, `fulfil_link_with_form`; each returns one
`FormResult`. REST stores in the transaction of its Idempotency-Key, so it calls the two steps
itself: `probe_draft` outside every transaction, then `store_new_connection` or
`store_updated_credential` in the transaction.
"""

from collections.abc import Callable
from datetime import datetime

from django.db import transaction
from django.views.decorators.debug import sensitive_variables

from connectors.base import Connector
from hub.audit import ActorContext
from hub.connections.connecting import connect, reconnect
from hub.connections.connecting.connect_links import use_up_connect_link
from hub.connections.connecting.form_results import (
    REFUSAL_REASONS,
    Connected,
    ConnectionRefused,
    ConnectionTestFailed,
    FormInput,
    FormResult,
    ProbedDraft,
    RandomSource,
)
from hub.connections.credentials.account_probe import probe_credential
from hub.connections.credentials.provider_call import Call
from hub.connections.models import Connection, ConnectLink, Credential
from tenants.models import Tenant, User

# --- a new connection ---


@sensitive_variables()
def connect_with_form(
    tenant: Tenant | None,
    connector: Connector,
    name: str,
    form_input: FormInput,
    actor: ActorContext,
    *,
    connected_by: User | None,
    allow_untested: bool = False,
    reason: str = "",
    on_stored: Callable[[Connection], object] | None = None,
    call: Call,
    random: RandomSource,
    now: datetime,
) -> FormResult:
    """Test the input, then store a new connection and audit it.

    `on_stored` runs in the transaction that stores. An exception of `on_stored` undoes the
    connection and propagates.
    """
    draft = connect.draft_connection(tenant, connector.key, name, form_input.settings)
    probed = probe_draft(
        draft, form_input, allow_untested=allow_untested, call=call, random=random, now=now
    )
    if not isinstance(probed, ProbedDraft):
        return probed
    return store_new_connection(
        probed,
        actor,
        connected_by=connected_by,
        reason=reason,
        on_stored=on_stored,
        random=random,
        now=now,
    )


@sensitive_variables()
def store_new_connection(
    probed: ProbedDraft,
    actor: ActorContext,
    *,
    connected_by: User | None,
    reason: str = "",
    on_stored: Callable[[Connection], object] | None = None,
    random: RandomSource,
    now: datetime,
) -> Connected | ConnectionRefused:
    """Store a tested draft as a connection and audit it, then run `on_stored`, in a transaction."""

    @sensitive_variables()
    def store() -> Connection:
        connection = connect.connect_account(
            probed.connection,
            probed.document,
            probed.probe_result,
            connected_by=connected_by,
            random=random.random,
            now=now,
        )
        after = {
            name: getattr(connection, name) for name in ("name", "account", "state", "settings")
        }
        actor.audit("connection.connect", connection, after=after, reason=reason, now=now)
        return connection

    return _store(store, probed, on_stored)


# --- a connection that exists ---


@sensitive_variables()
def update_with_form(
    connection: Connection,
    form_input: FormInput,
    actor: ActorContext,
    *,
    allow_untested: bool = False,
    reason: str = "",
    on_stored: Callable[[Connection], object] | None = None,
    call: Call,
    random: RandomSource,
    now: datetime,
) -> FormResult:
    """Test the input, then store it as the connection's settings and credential and audit it.

    `on_stored` runs in the transaction that stores. An exception of `on_stored` undoes the update
    and propagates.
    """
    probed = probe_draft(
        draft_update(connection, form_input),
        form_input,
        tested_version=Credential.read_version(connection),
        allow_untested=allow_untested,
        call=call,
        random=random,
        now=now,
    )
    if not isinstance(probed, ProbedDraft):
        return probed
    return store_updated_credential(
        connection, probed, actor, reason=reason, on_stored=on_stored, random=random, now=now
    )


@sensitive_variables()
def store_updated_credential(
    connection: Connection,
    probed: ProbedDraft,
    actor: ActorContext,
    *,
    reason: str = "",
    on_stored: Callable[[Connection], object] | None = None,
    random: RandomSource,
    now: datetime,
) -> Connected | ConnectionRefused:
    """Store tested settings and credential, audit it and run `on_stored`, in one transaction."""

    @sensitive_variables()
    def store() -> Connection:
        before = {"settings": connection.settings, "state": connection.state}
        reconnect.reconnect_account(
            connection,
            probed.connection.settings,
            probed.document,
            probed.probe_result,
            tested_version=probed.tested_version,
            random=random.random,
            now=now,
        )
        after = {"settings": connection.settings, "state": connection.state}
        actor.audit(
            "connection.credential",
            connection,
            before=before,
            after=after,
            reason=reason,
            now=now,
        )
        return connection

    return _store(store, probed, on_stored)


# --- a connect link ---


@sensitive_variables()
def fulfil_link_with_form(
    link: ConnectLink,
    form_input: FormInput,
    actor: ActorContext,
    *,
    call: Call,
    random: RandomSource,
    now: datetime,
) -> FormResult:
    """Connect the system of the link, or update its connection, and mark the link used."""

    def use_up(connection: Connection) -> None:
        use_up_connect_link(link, connection, now=now)

    if link.connection:
        return update_with_form(
            link.connection, form_input, actor, on_stored=use_up, call=call, random=random, now=now
        )
    connector = link.connector
    return connect_with_form(
        link.tenant,
        connector,
        connector.label,
        form_input,
        actor,
        connected_by=None,
        on_stored=use_up,
        call=call,
        random=random,
        now=now,
    )


# --- the steps ---


def draft_update(connection: Connection, form_input: FormInput) -> Connection:
    """Build an unsaved connection with the changed settings, to test it."""
    return connect.draft_connection(
        connection.tenant, connection.connector_key, connection.name, form_input.settings
    )


@sensitive_variables()
def probe_draft(
    draft: Connection,
    form_input: FormInput,
    *,
    tested_version: int | None = None,
    allow_untested: bool = False,
    call: Call,
    random: RandomSource,
    now: datetime,
) -> ProbedDraft | ConnectionTestFailed | ConnectionRefused:
    """Test the input at the external system; nothing is stored.

    `tested_version` is the version of the credential that the input would replace; the input is
    stored only if the credential still has this version. No transaction may be open. A suspended
    tenant is refused without a call.
    """
    if draft.tenant and draft.tenant.suspended:
        return ConnectionRefused("tenant_suspended", str(connect.TenantSuspended.sentence))
    document, signing_secret = connect.add_signing_secret(
        draft.connector, form_input.document, random=random.randbytes
    )
    probe_result = probe_credential(draft, document, call=call, now=now)
    if not probe_result.passed and not allow_untested:
        return ConnectionTestFailed(probe_result)
    return ProbedDraft(draft, document, probe_result, signing_secret, tested_version)


@sensitive_variables()
def _store(
    store: Callable[[], Connection],
    probed: ProbedDraft,
    on_stored: Callable[[Connection], object] | None,
) -> Connected | ConnectionRefused:
    """Run `store` and `on_stored` in one transaction; a refusal undoes both."""
    try:
        with transaction.atomic():
            connection = store()
            if on_stored:
                on_stored(connection)
    except tuple(REFUSAL_REASONS) as refusal:
        return ConnectionRefused(REFUSAL_REASONS[type(refusal)], str(refusal), probed.probe_result)
    return Connected(connection, probed.probe_result, probed.signing_secret)
