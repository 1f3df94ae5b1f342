"""The problem codes of the API with status, title and explanation, also for docs and pages."""

from typing import NamedTuple


class ProblemKind(NamedTuple):
    status: int
    title: str
    explanation: str  # what happened, and what to do about it
    retryable: bool = False  # the same request, unchanged, may succeed later


CATALOGUE = {
    # --- the key ---
    "authentication-required": ProblemKind(
        401,
        "An API key is required",
        "The request carries no API key. Send one in the header `Authorization: Bearer hub_…`.",
    ),
    "malformed-key": ProblemKind(
        401,
        "The API key is malformed",
        "The Authorization header does not contain an API key, or the key is incomplete or "
        "mistyped: its checksum does not match. Send the complete key after the word "
        "Bearer.",
    ),
    "unknown-key": ProblemKind(
        401,
        "The API key is unknown",
        "This hub has no such API key. The key may belong to another hub, or it has been deleted.",
    ),
    "expired-key": ProblemKind(
        401,
        "The API key has expired",
        "The expiry date of the key has passed. Request a new key.",
    ),
    "revoked-key": ProblemKind(
        401,
        "The API key was revoked",
        "A person revoked this key. Request a new one if you still need access.",
    ),
    "wrong-environment": ProblemKind(
        401,
        "The API key is for another environment",
        "Keys that begin with hub_test_ work only at a test hub, and keys that begin with "
        "hub_live_ only at a live hub.",
    ),
    "scope-missing": ProblemKind(
        403,
        "The API key lacks a scope",
        "The key does not have the scope that this request requires. `GET /api/v1/me` "
        "lists the scopes of the key.",
    ),
    "permission-denied": ProblemKind(
        403,
        "Permission denied",
        "The sender of the request does not have the required permission.",
    ),
    "csrf-failed": ProblemKind(
        403,
        "CSRF verification failed",
        "A request authenticated by cookie must carry the page's CSRF token. Programs use "
        "an API key instead.",
    ),
    # --- the tenant ---
    "tenant-required": ProblemKind(
        400,
        "The request must name a tenant",
        "A platform key works for all tenants, so each request must name one by its reference.",
    ),
    "tenant-not-found": ProblemKind(
        404,
        "Tenant not found",
        "No tenant that this key can access has this reference.",
    ),
    "tenant-suspended": ProblemKind(
        409,
        "The tenant is suspended",
        "Nothing can be connected for a suspended tenant. Restore it first: `PUT "
        "/tenants/<reference>`.",
    ),
    "too-many-links": ProblemKind(
        409,
        "Too many connect links are open",
        "A tenant can have at most 100 open connect links. Revoke some (`DELETE "
        "/connect-links/<id>`) or wait until they expire.",
    ),
    "safety-valve-stopped": ProblemKind(
        409,
        "The safety valve stopped a complete list of users",
        "The list is empty, or leaves out more than half of more than ten active users: these "
        "would be deactivated. `detail` says how many, and nothing was stored. Check the list. "
        'If it is right, send it again with `"confirm_deactivations": true`.',
    ),
    # --- the request ---
    "invalid-json": ProblemKind(
        400,
        "The body is not valid JSON",
        "The body must be one JSON document in UTF-8 without BOM: no repeated names, no NaN or "
        "Infinity, "
        "no NUL characters, no lone surrogates, nested at most 64 deep.",
    ),
    "validation-failed": ProblemKind(
        400,
        "The request has wrong or missing fields",
        "`errors` lists each field as a JSON pointer, with the reason.",
    ),
    "invalid-line": ProblemKind(
        400,
        "A log line is invalid",
        "`detail` names the first line that cannot be accepted, and why. No line of the request "
        "was accepted. Correct the line, or leave it out, and send the request again.",
    ),
    "unreadable-body": ProblemKind(
        400,
        "The body could not be read",
        "The connection ended before the whole body had arrived. Send it again.",
        retryable=True,
    ),
    "request-timeout": ProblemKind(
        408,
        "The body took too long to arrive",
        "The rest of the body did not arrive in time, and nothing was accepted. Send the request "
        "again.",
        retryable=True,
    ),
    "bad-request": ProblemKind(
        400,
        "The request is malformed",
        "The request is not valid HTTP, or it was sent to an unknown host name.",
    ),
    "not-found": ProblemKind(
        404,
        "Not found",
        "The address is wrong, or the resource does not exist or is not visible to this key.",
    ),
    "endpoint-suspended": ProblemKind(
        403,
        "This address takes no webhooks at present",
        "The tenant is suspended. The webhook was not stored; send it again when the tenant is "
        "restored.",
    ),
    "endpoint-gone": ProblemKind(
        410,
        "This address no longer receives webhooks",
        "The connection was disconnected. Remove the webhook in the system that sends it.",
    ),
    "method-not-allowed": ProblemKind(
        405,
        "Method not allowed",
        "The Allow header lists the supported methods.",
    ),
    "not-acceptable": ProblemKind(
        406,
        "The requested format is not supported",
        "The API responds in JSON. Omit the Accept header, or include application/json in it.",
    ),
    "payload-too-large": ProblemKind(
        413,
        "The body is too large",
        "Send smaller requests. `GET /api/v1/me` lists the limits.",
    ),
    "unsupported-media-type": ProblemKind(
        415,
        "Unsupported body format",
        "Send JSON in UTF-8 with `Content-Type: application/json` (log lines: "
        "`application/x-ndjson`), and without Content-Encoding.",
    ),
    # --- the state of things ---
    "wrong-state": ProblemKind(
        409,
        "The current state does not allow this",
        "The resource has changed in the meantime, or its state does not allow this "
        "change. Read it again, then decide.",
    ),
    "already-connected": ProblemKind(
        409,
        "This account is already connected",
        "A second connection of the same account would receive everything twice. Change or "
        "disconnect the existing connection.",
    ),
    "other-account": ProblemKind(
        409,
        "This is another account",
        "Waiting deliveries belong to the account that was connected first. Disconnect it, "
        "then connect the other account as a new connection.",
    ),
    "test-failed": ProblemKind(
        422,
        "The test failed, and nothing was changed",
        "The settings were tested at the other system. `detail` names the failed check, "
        "and `errors` gives the reason as a code. Fix the cause. If the other system was "
        "unavailable, try again later.",
    ),
    "event-conflict": ProblemKind(
        409,
        "This event ID was already used with another body",
        "An ID identifies one event permanently. A repeated event must have the same body; "
        "a different event needs a different ID.",
    ),
    "idempotency-key-reused": ProblemKind(
        422,
        "This Idempotency-Key was already used for another request",
        "A key identifies one request: its method, address and body. A repeated request receives "
        "the first response; a different request needs a different key.",
    ),
    # --- the hub ---
    "quota-exceeded": ProblemKind(
        429,
        "Too many requests",
        "A limit of the key or of its tenant is used up. `errors` names it, and the "
        "RateLimit headers show what is left. Wait for the time given in the Retry-After "
        "header, then send the request again.",
        retryable=True,
    ),
    "limit-reached": ProblemKind(
        409,
        "The tenant has reached a limit",
        "`errors` names the limit. Remove one that you no longer need, or ask the operator "
        "of the hub for a higher limit. `GET /api/v1/me` lists the limits.",
    ),
    "too-many-rows": ProblemKind(
        429,
        "Too many rows within an hour",
        "The number of rows that one person or key can change within an hour is limited. "
        "Narrow the filter of the operation, or confirm it later: if waiting helps, the "
        "Retry-After header gives the time.",
        retryable=True,
    ),
    "internal-error": ProblemKind(
        500,
        "Internal error",
        "The error has been logged. Send the request again later. If it fails again, "
        "contact the operator of the hub and include the request ID.",
        retryable=True,
    ),
    "overloaded": ProblemKind(
        503,
        "The hub is overloaded",
        "Nothing was accepted. Wait for the time given in the Retry-After header, then "
        "send the request again.",
        retryable=True,
    ),
    "temporarily-unavailable": ProblemKind(
        503,
        "The hub is unavailable",
        "The database does not respond. Nothing was accepted. Send the request again.",
        retryable=True,
    ),
}
