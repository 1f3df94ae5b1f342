"""The limits of the ASGI bridge."""

import resource
from dataclasses import dataclass

from hub.problems import Problem

KIBIBYTE = 1024
MEBIBYTE = 1024 * KIBIBYTE


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one web process."""

    threads: int = 32
    requests_in_progress: int = 256  # requests in Django or waiting for a thread
    body_bytes: int = 8 * MEBIBYTE  # bytes of one body
    all_bodies_bytes: int = 64 * MEBIBYTE  # bytes of the bodies of all unanswered requests
    bodies_bytes_per_client: int = 16 * MEBIBYTE
    body_seconds: float = 10.0  # seconds to receive a body; also the longest pause
    # bytes a second; a body that arrives as fast gets more time
    body_bytes_per_second: int = 128 * KIBIBYTE
    all_answers_bytes: int = 64 * MEBIBYTE  # bytes of large answers that clients have not read yet
    answers_bytes_per_client: int = 16 * MEBIBYTE
    # bytes of one answer, beyond which its thread waits for the client
    answer_bytes_ahead: int = 2 * MEBIBYTE
    piece_seconds: float = 20.0  # seconds for a client to read a piece
    webhook_answer_seconds: float = 1.7  # seconds for Django to answer a webhook
    long_answers: int = 8  # long answers whose threads may wait for their clients at a time
    long_answers_per_client: int = 2


def build_overloaded_problem() -> Problem:
    return Problem("overloaded", headers={"Retry-After": "1"})


def raise_file_limit() -> None:
    """Raise the soft limit of open files to the hard one, as each connection needs one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
