"""The codes of HEC, with their status and exact text."""

from typing import Any

from sandbox.system import ApiResponse

CODES = {
    0: (200, "Success"),
    1: (403, "Token disabled"),
    2: (401, "Token is required"),
    3: (401, "Invalid authorization"),
    4: (403, "Invalid token"),
    5: (400, "No data"),
    6: (400, "Invalid data format"),
    7: (400, "Incorrect index"),
    8: (500, "Internal server error"),
    9: (503, "Server is busy"),
    10: (400, "Data channel is missing"),
    11: (400, "Invalid data channel"),
    12: (400, "Event field is required"),
    13: (400, "Event field cannot be blank"),
    14: (400, "ACK is disabled"),
    15: (400, "Error in handling indexed fields"),
    16: (400, "Query string authorization is not enabled"),
    17: (200, "HEC is healthy"),
    21: (400, "Invalid token"),
    22: (400, "Token disabled"),
    23: (503, "Server is shutting down"),
    26: (429, "HEC queue is at capacity and cannot process any more requests"),
    28: (
        400,
        "Data channel is missing. If you have multiple indexers, sticky session load balancers "
        "must be provisioned "
        "and client requests must be routed accordingly.",
    ),
}
OF_STATUS = {400: 6, 401: 3, 403: 4, 429: 26, 500: 8, 503: 9}
KINDS = {"Content-Type": "application/json; charset=UTF-8"}


class Refused(Exception):
    """A code, and for a batch further fields of the response."""

    def __init__(self, code: int, **more: Any):
        super().__init__(code)
        self.code, self.more = code, more


def build_code_response(code: int, **more: Any) -> ApiResponse:
    status, text = CODES[code]
    return ApiResponse(status, {"text": text, "code": code, **more}, KINDS)
