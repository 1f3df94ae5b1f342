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
        "This is not an API key",
        "The Authorization header does not hold an API key, or the key was mistyped or cut: its "
        "checksum does not fit. "
        "Send the whole key as it was shown, after the word Bearer.",
    ),
    "unknown-key": ProblemKind(
        401,
        "The API key is unknown",
        "No API key of this hub is like this one. It may belong to another hub, or have been "
        "deleted.",
    ),
    "expired-key": ProblemKind(
        401,
        "The API key has expired",
        "The key was given an end, and it has passed. Ask for a new key.",
    ),
    "revoked-key": ProblemKind(
        401,
        "The API key was revoked",
        "Somebody ended this key. Ask for a new one if that was not meant.",
    ),
    "wrong-environment": ProblemKind(
        401,
        "The API key is for another environment",
        "Keys that begin with hub_test_ work at a test hub only, keys that begin with hub_live_ "
        "at a live one.",
    ),
    "scope-missing": ProblemKind(
        403,
        "The API key may not do this",
        "The key lacks the scope that this request needs. `GET /api/v1/me` tells which scopes it "
        "has.",
    ),
    "permission-denied": ProblemKind(
        403,
        "This is not allowed",
        "The request was understood, and whoever sent it may not do this.",
    ),
    "csrf-failed": ProblemKind(
        403,
        "The request does not come from our own page",
        "A request that is signed in by cookie must carry the page's CSRF token. Programs use an "
        "API key instead.",
    ),
    # --- the tenant ---
    "tenant-required": ProblemKind(
        400,
        "The request must name a tenant",
        "A platform key works for every tenant, so each request says for which one, by the "
        "tenant's reference.",
    ),
    "tenant-not-found": ProblemKind(
        404,
        "There is no such tenant",
        "No tenant that this key can see has this reference.",
    ),
    "tenant-suspended": ProblemKind(
        409,
        "The tenant is suspended",
        "As long as a tenant is suspended, nothing is connected for it. Restore it first: `PUT "
        "/tenants/<reference>`.",
    ),
    "too-many-links": ProblemKind(
        409,
        "Too many connect links are open",
        "A tenant may have 100 connect links at a time that are neither used, taken back nor "
        "over. Take some back: "
        "`DELETE /connect-links/<id>`.",
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
        "`errors` names each of them by a JSON pointer, and says what is wrong.",
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
        "The request breaks the rules of HTTP, or was sent to a host that is not this hub.",
    ),
    "not-found": ProblemKind(
        404,
        "There is nothing here",
        "The address is wrong, or what it names is not there for this key.",
    ),
    "endpoint-gone": ProblemKind(
        410,
        "This address no longer receives webhooks",
        "The connection was disconnected. Remove the webhook in the system that sends it.",
    ),
    "method-not-allowed": ProblemKind(
        405,
        "This address does not take this method",
        "The header Allow names the methods that it takes.",
    ),
    "not-acceptable": ProblemKind(
        406,
        "The hub does not speak the format asked for",
        "The API answers in JSON: leave the header Accept out, or let it allow application/json.",
    ),
    "payload-too-large": ProblemKind(
        413,
        "The body is too large",
        "Send less at once. `GET /api/v1/me` tells the limits.",
    ),
    "unsupported-media-type": ProblemKind(
        415,
        "The body is in a format that is not read here",
        "Send JSON in UTF-8 with `Content-Type: application/json`, and without Content-Encoding.",
    ),
    # --- the state of things ---
    "wrong-state": ProblemKind(
        409,
        "It is not in a state that allows this",
        "What the request wants to change has moved on, or somebody else was first. Read it "
        "again, then decide.",
    ),
    "already-connected": ProblemKind(
        409,
        "This account is connected already",
        "The same account twice would get everything twice. Change the connection that is there, "
        "or disconnect it.",
    ),
    "other-account": ProblemKind(
        409,
        "This is another account",
        "What waits was meant for the account that was connected first. Disconnect it, and "
        "connect the other as new.",
    ),
    "test-failed": ProblemKind(
        422,
        "The test did not pass, and nothing was changed",
        "What was filled in was tried at the other system. `detail` names the check that failed, "
        "and `errors` tells "
        "why, by a code. Mend the cause; where the other system was down, try again later.",
    ),
    "event-conflict": ProblemKind(
        409,
        "This event id was used before, with another body",
        "An id names one event for ever. The same event again must have the same body; another "
        "event needs another id.",
    ),
    "idempotency-key-reused": ProblemKind(
        422,
        "This Idempotency-Key was used before, with another body",
        "A key names one request: the same request again gets the first answer, another request "
        "needs another key.",
    ),
    # --- the hub ---
    "quota-exceeded": ProblemKind(
        429,
        "Too many requests",
        "A limit of the key or of its tenant is used up: `errors` names it, and RateLimit headers "
        "tell what is left. "
        "Wait as long as the header Retry-After says, then send the request again.",
        retryable=True,
    ),
    "limit-reached": ProblemKind(
        409,
        "The tenant has as many of these as it may",
        "`errors` names the limit. Remove one that is not needed, or ask staff for a higher limit. "
        "`GET /api/v1/me` tells the limits.",
    ),
    "too-many-rows": ProblemKind(
        429,
        "Too many rows in an hour",
        "One person or key may work on so many rows in an hour, and not more. Narrow the filter "
        "of the operation, or "
        "confirm it later: the header Retry-After says when, where waiting helps.",
        retryable=True,
    ),
    "internal-error": ProblemKind(
        500,
        "The hub made a mistake",
        "It is not your fault, and it has been noted. Send the request again later; if it fails "
        "again, "
        "tell us the request id.",
        retryable=True,
    ),
    "overloaded": ProblemKind(
        503,
        "The hub has too much to do at this moment",
        "Nothing was accepted. Wait as long as the header Retry-After says, then send the request "
        "again.",
        retryable=True,
    ),
    "temporarily-unavailable": ProblemKind(
        503,
        "The hub cannot answer right now",
        "Its database does not answer. Nothing was accepted: send the request again.",
        retryable=True,
    ),
}
