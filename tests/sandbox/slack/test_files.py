"""Files of the simulated Slack, by the official client and by hand."""

import pytest
import requests
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
SCOPES = "chat:write,chat:write.public,channels:read,channels:history,files:write,files:read"


@pytest.fixture
def slack(desk):
    desk.world(slack=[{"team": "T0000ACME", "scopes": SCOPES}])
    return WebClient(token="xoxb-acme-1", base_url=f"{desk.url}/slack/api/")


def get_refusal(call, **more):
    with pytest.raises(SlackApiError) as caught:
        call(**more)
    return caught.value.response


def upload(slack, content=PNG, **more):
    begun = slack.files_getUploadURLExternal(filename="chart.png", length=len(content))
    assert requests.post(begun["upload_url"], data=content, timeout=5).status_code == 200
    finished = slack.files_completeUploadExternal(files=[{"id": begun["file_id"]}], **more)
    return finished["files"][0]["id"]


def picture(id, **more):
    return {"type": "image", "slack_file": {"id": id}, "alt_text": "a chart", **more}


def post(slack, *blocks):
    return slack.chat_postMessage(channel="C0000ORD1", text="report", blocks=list(blocks))


def test_a_message_shows_a_private_file_once_it_is_processed(desk, slack):
    id = upload(slack)
    early = get_refusal(slack.chat_postMessage, channel="C0000ORD1", text="x", blocks=[picture(id)])
    assert early["error"] == "invalid_blocks"
    assert "invalid slack file [json-pointer:/blocks/0/slack_file]" in early["errors"]
    desk.now += 3
    assert post(slack, picture(id))["ok"]
    history = slack.conversations_history(channel="C0000ORD1")["messages"]
    assert len(history) == 1  # the upload itself posted nothing
    page = desk.get("/slack/T0000ACME/C0000ORD1").text
    assert f'<img src="/slack/files/view/{id}" alt="a chart"' in page
    response = desk.get(f"/slack/files/view/{id}")
    assert (response.content, response.headers["Content-Type"]) == (PNG, "image/png")


def test_the_official_upload_works_and_shares_the_file(desk, slack):
    slack.files_upload_v2(
        channel="C0000ORD1",
        file=PNG,
        filename="chart.png",
        initial_comment="see",
        request_file_info=False,
    )
    (message,) = slack.conversations_history(channel="C0000ORD1")["messages"]
    assert (message["text"], message["files"][0]["name"]) == ("see", "chart.png")


def test_the_ledger_names_a_picture_without_its_bytes(desk, slack):
    upload(slack)
    begun, sent, finished = desk.ledger()[-3:]
    assert "getUploadURLExternal" in begun["path"] and "completeUpload" in finished["path"]
    assert (sent["account"], sent["status"]) == ("T0000ACME", 200)
    link = slack.files_getUploadURLExternal(filename="c.png", length=len(PNG))["upload_url"]
    requests.post(link, data=PNG, headers={"Content-Type": "image/png"}, timeout=5)
    assert desk.ledger()[-1]["body"] == f"{len(PNG)} bytes of image/png"


def test_files_need_their_permission(desk):
    slack = WebClient(token="xoxb-acme-1", base_url=f"{desk.url}/slack/api/")
    answer = get_refusal(slack.files_getUploadURLExternal, filename="a.png", length=1)
    assert (answer["error"], answer["needed"]) == ("missing_scope", "files:write")


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"filename": "", "length": 3}, "invalid_arguments"),
        ({"filename": "a.png", "length": 0}, "invalid_arguments"),
        ({"filename": "a.png", "length": 3, "alt_txt": "x" * 1001}, "alt_txt_too_large"),
    ],
)
def test_an_upload_is_described(slack, arguments, error):
    assert get_refusal(slack.files_getUploadURLExternal, **arguments)["error"] == error


def test_a_file_is_finished_only_with_all_of_its_bytes(slack):
    begun = slack.files_getUploadURLExternal(filename="chart.png", length=len(PNG))
    assert requests.post(begun["upload_url"], data=PNG[:-1], timeout=5).status_code == 400
    files = [{"id": begun["file_id"]}]
    answer = get_refusal(slack.files_completeUploadExternal, files=files)
    assert answer["error"] == "file_not_found"
    assert requests.post(f"{begun['upload_url']}x", data=PNG, timeout=5).status_code == 404


def test_another_workspaces_file_and_text_are_no_pictures(desk, slack):
    text = upload(slack, b"just text")
    desk.now += 3
    for id in (text, "F00000000"):
        answer = get_refusal(
            slack.chat_postMessage, channel="C0000ORD1", text="x", blocks=[picture(id)]
        )
        assert answer["error"] == "invalid_blocks"
