"""The parts of a call of the Web API: method, token, arguments."""

from typing import Any

from sandbox.slack.messages import Refused
from sandbox.slack.multipart import is_multipart, read_fields
from sandbox.system import ApiRequest

JSON, FORM = "application/json", "application/x-www-form-urlencoded"


def method_of(call: ApiRequest) -> str:
    return call.path.strip("/")


def token(call: ApiRequest) -> str:
    """Of the header, or the argument `token` of a form."""
    if bearer := call.credential("Bearer"):
        return bearer
    if is_multipart(call):
        return read_fields(call).get("token", "")
    is_form = call.headers.get("Content-Type", "").startswith(FORM)
    return call.form().get("token", "") if is_form else ""


def arguments(call: ApiRequest) -> dict[str, Any]:
    """Of the query and the body together; an unreadable body counts as none."""
    try:
        return checked_arguments(call)
    except Refused:
        return dict(call.query)


def checked_arguments(call: ApiRequest) -> dict[str, Any]:
    kind = call.headers.get("Content-Type", "").lower()
    if not call.body:
        return dict(call.query)
    if kind.startswith(JSON):
        body = call.json()
        if body is None:
            raise Refused("invalid_json")
        if not isinstance(body, dict):
            raise Refused("json_not_object")
        return {**call.query, **body}
    if kind.startswith(FORM):
        return {**call.query, **call.form()}
    if is_multipart(call):
        return {**call.query, **read_fields(call)}
    raise Refused("invalid_post_type" if kind else "missing_post_type")
