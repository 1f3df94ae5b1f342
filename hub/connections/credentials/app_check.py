"""Check our registration at an external system: exchange an invalid code, which has no effect."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from connectors.oauth import OAuth
from connectors.outcomes import Outcome, never
from hub.connections.credentials.connector_context import (
    build_credential,
    collect_secrets,
    iterate_texts,
)
from hub.connections.credentials.provider_call import BUSY, Call, call_provider
from hub.connections.models import Connection, ConnectorApp
from hub.crypto.sealed import CannotOpen

INVALID_CODE = "hub-asks-whether-you-know-it"
UNREADABLE_SENTENCE = (
    "The stored client id and client secret cannot be opened: their key is missing. Add the key to "
    "HUB_FIELD_KEYS, or fill in the client id and the client secret again."
)
BUSY_SENTENCE = (
    "Too many systems are being tested right now, so this test was not started. Wait ten "
    "seconds, then test again."
)


@dataclass(frozen=True, slots=True)
class AppCheckResult:
    """The result of a check; `is_recognised` is None if the response is inconclusive."""

    is_recognised: bool | None
    sentence: str
    detail: str = ""


def check_connector_app(
    app: ConnectorApp, connector: OAuth, *, redirect_uri: str, call: Call, now: datetime
) -> AppCheckResult:
    """Check the app in each environment, as some may not know it. Never raises."""
    try:
        app.open()
    except CannotOpen:
        return AppCheckResult(False, UNREADABLE_SENTENCE)
    if not app.is_set_up:
        return AppCheckResult(False, "Enter the client ID and the client secret first.")
    run_check = partial(
        _check_environment, app, connector, redirect_uri=redirect_uri, call=call, now=now
    )
    if not connector.environments:
        return run_check()
    results = [(entry, run_check(environment=entry.key)) for entry in app.environments]
    if not results:
        return AppCheckResult(
            False, "No one can sign in: the host patterns do not allow any of the login hosts."
        )
    worst = next((result.is_recognised for _, result in results if not result.is_recognised), True)
    return AppCheckResult(
        worst,
        " ".join(
            f"{entry.label}: {result.sentence} {result.detail}".strip() for entry, result in results
        ),
    )


def _check_environment(
    app: ConnectorApp,
    connector: OAuth,
    *,
    environment: str = "",
    redirect_uri: str,
    call: Call,
    now: datetime,
) -> AppCheckResult:
    """Exchange an invalid code: a system checks the client before the code."""
    outcome = _exchange_invalid_code(app, connector, redirect_uri, environment, call=call, now=now)
    if outcome.reason == BUSY:
        return AppCheckResult(None, BUSY_SENTENCE)
    detail = f"{connector.label} said: {outcome.reason} {outcome.detail}".strip()
    problem = connector.find_problem(outcome.reason)
    if problem == "code_refused":
        return AppCheckResult(
            True, f"{connector.label} accepts our client ID and client secret.", detail
        )
    if problem == "client_refused":
        return AppCheckResult(
            False,
            f"{connector.label} rejects this client ID or client secret.",
            detail,
        )
    if problem == "redirect_refused":
        return AppCheckResult(
            False,
            f"{connector.label} accepts the client, but not our redirect URL {redirect_uri}.",
            detail,
        )
    return AppCheckResult(
        None,
        f"The response of {connector.label} does not show whether the client is valid.",
        detail,
    )


def _exchange_invalid_code(
    app: ConnectorApp,
    connector: OAuth,
    redirect_uri: str,
    environment: str,
    *,
    call: Call,
    now: datetime,
) -> Outcome:
    connection = Connection(connector_key=app.connector_key, settings={"environment": environment})
    credential, client = build_credential(connection, app, {}), app.open()
    answer = call_provider(
        connection,
        partial(
            connector.exchange_request,
            client,
            credential,
            code=INVALID_CODE,
            redirect_uri=redirect_uri,
            verifier=INVALID_CODE * 2 if connector.uses_pkce else "",
        ),
        lambda response: connector.parse_token_response(response, client, credential),
        call=call,
        now=now,
        secrets=[*collect_secrets(credential), *iterate_texts(client)],
    )
    if isinstance(answer, Outcome):
        return answer
    return never("granted", "it issued tokens for an invalid code")
