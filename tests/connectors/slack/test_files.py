"""Slack files: what the connector sends, and where it sends it."""

import json

import pytest

from connectors.file_uploads import BegunUpload, FileContent
from connectors.http import Response, Unreadable
from connectors.outcomes import Outcome
from connectors.registry import CONNECTORS
from tests.connectors.recorded import credential

FILE = FileContent("report.png", b"\x89PNG", "image/png", "a chart")
FILES = CONNECTORS["slack"].file_upload
URL = "https://files.slack.com/upload/v1/ABC"


def answer(**body):
    return Response(200, json.dumps(body).encode())


def begin(**body):
    return FILES.parse_begin(answer(**body), credential("slack"))


def test_a_file_is_begun_sent_and_finished():
    request = FILES.begin_request(credential("slack"), FILE)
    assert request.url.endswith("/files.getUploadURLExternal")
    assert request.form == {"filename": "report.png", "length": "4", "alt_txt": "a chart"}
    begun = begin(ok=True, upload_url=URL, file_id="F123ABC456")
    assert begun == BegunUpload("F123ABC456", URL)
    sent = FILES.content_request(begun, FILE)
    assert (sent.url, sent.body, sent.bearer) == (URL, b"\x89PNG", "")
    finished = FILES.finish_request(credential("slack"), begun, FILE)
    assert finished.json == {"files": [{"id": "F123ABC456", "title": "report.png"}]}
    outcome = FILES.parse_finish(answer(ok=True, files=[{"id": "F123ABC456", "title": "x"}]))
    assert (outcome.kind, outcome.reference) == ("delivered", "F123ABC456")


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/upload",
        "http://files.slack.com/x",
        "https://files.slack.com@evil.example",
        "https://files.slack.com.evil.example/x",
        "file:///etc/passwd",
        None,
        7,
    ],
)
def test_the_bytes_go_to_slack_only(url):
    outcome = begin(ok=True, upload_url=url, file_id="F123ABC456")
    assert isinstance(outcome, Outcome) and outcome.reason == "host_refused"


@pytest.mark.parametrize("id", ["", "../F1", "F1", "f123abc456", 7, None, "F" * 99])
def test_an_id_that_is_none_is_unreadable(id):
    with pytest.raises(Unreadable):
        begin(ok=True, upload_url=URL, file_id=id)


def test_a_missing_permission_does_not_concern_the_connection():
    outcome = begin(ok=False, error="missing_scope", needed="files:write")
    assert (outcome.kind, outcome.reason) == ("never", "missing_scope")
    assert "files:write" in outcome.detail


def test_a_spent_quota_is_waited_for():
    response = Response(429, b'{"ok": false, "error": "ratelimited"}', {"retry-after": "7"})
    outcome = FILES.parse_begin(response, credential("slack"))
    assert (outcome.kind, outcome.after, outcome.costs_no_attempt) == ("later", 7.0, True)
