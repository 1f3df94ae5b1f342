"""The editor of a mapping: rows, JSON, drafts that are not lost, and saving."""

import html as entities
import json
import re

import pytest

from tests.hub.portal.mappings.test_mappings import page_of, text

pytestmark = pytest.mark.django_db
BODY = {"channel": "'C1'", "text": "concat('New order ', data.number)", "blocks": []}


@pytest.fixture
def mapping(make, acme):
    mapping = make.mapping(acme, "slack", "post_message", BODY)
    make.route(make.connection(acme, "slack"), mapping=mapping, name="New orders")
    return mapping


def build_posted_rows(*rows, **more):
    """Rows as a browser posts them: field, kind, value, conversion and kind of record."""
    columns = {
        "row_path": [],
        "row_kind": [],
        "row_value": [],
        "row_converter": [],
        "row_identity": [],
    }
    for row in rows:
        for name, value in zip(columns, [*row, "", ""], strict=False):
            columns[name].append(value)
    return {"view": "table", "name": "Orders", **columns, **more}


def inputs(html):
    """What a browser would post from the page."""
    found = {}
    for tag in re.findall(r"<(?:input|select|textarea|option)[^>]*>[^<]*", html):
        name = re.search(r'name="([^"]+)"', tag)
        if name:
            current = name[1]
            value = re.search(r'value="([^"]*)"', tag)
            content = tag.partition(">")[2].removeprefix("\n") if "<textarea" in tag else None
            if not tag.startswith("<select"):
                chosen = content if content is not None else value[1] if value else ""
                found.setdefault(current, []).append(entities.unescape(chosen))
        elif tag.startswith("<option") and " selected" in tag:
            value = re.search(r'value="([^"]*)"', tag)[1]
            found.setdefault(current, []).append(entities.unescape(value))
    return found


def test_every_leaf_is_a_row(admin, mapping):
    page = text(admin.get(page_of(mapping, "edit")))
    found = inputs(page)
    assert found["row_path"] == ["channel", "text", "blocks", ""]
    assert found["row_value"] == ["C1", "concat('New order ', data.number)", "[]", ""]
    assert found["row_kind"] == ["constant", "expression", "constant", "path"]


def test_rows_and_json_keep_the_order_in_which_they_were_written(admin, mapping):
    rows = [
        ("text", "path", "data.number"),
        ("unfurl_links", "constant", "false"),
        ("channel", "constant", "C1"),
    ]
    admin.post(page_of(mapping, "edit"), build_posted_rows(*rows, do="save"))
    page = text(admin.get(page_of(mapping, "edit")))
    assert inputs(page)["row_path"] == ["text", "unfurl_links", "channel", ""]
    shown = entities.unescape(text(admin.get(page_of(mapping, "edit") + "?view=json")))
    assert re.search(r'"text".*"unfurl_links".*"channel"', shown, re.DOTALL)
    admin.post(page_of(mapping, "edit"), build_posted_rows(*reversed(rows), do="save"))
    assert mapping.versions.count() == 2  # another order alone is no other version
    page = text(admin.get(page_of(mapping, "edit")))
    assert inputs(page)["row_path"] == ["channel", "unfurl_links", "text", ""]


def test_saved_rows_become_a_version(admin, mapping):
    rows = [
        ("channel", "identity", "data.channel", "", "channel"),
        ("text", "path", "data.number", "upper"),
        ("link_names", "constant", "true"),
        ("", "path", ""),
    ]
    answer = admin.post(page_of(mapping, "edit"), build_posted_rows(*rows, do="save"))
    assert answer.url == page_of(mapping)
    assert mapping.current.body == {
        "channel": "identity('channel', data.channel)",
        "text": "upper(data.number)",
        "link_names": True,
    }
    mapping.refresh_from_db()
    assert (mapping.name, mapping.current.number) == ("Orders", 2)
    assert mapping.current.created_by is not None


def test_what_another_person_saved_meanwhile_is_replaced_only_on_purpose(admin, make, mapping):
    page = inputs(text(admin.get(page_of(mapping, "edit"))))
    make.version(mapping, {"text": "'by another person'"})
    data = build_posted_rows(("text", "constant", "mine"), do="add", version=page["version"][0])
    page = inputs(text(admin.post(page_of(mapping, "edit"), data)))
    data |= {"do": "save", "version": page["version"][0]}
    html = text(admin.post(page_of(mapping, "edit"), data))
    assert "Version 2 was stored meanwhile" in html and inputs(html)["row_value"] == ["mine"]
    assert mapping.current.body == {"text": "'by another person'"}
    admin.post(page_of(mapping, "edit"), data | {"version": inputs(html)["version"][0]})
    assert (mapping.current.number, mapping.current.body) == (3, {"text": "'mine'"})


def test_an_error_is_shown_at_its_row_and_nothing_is_stored_or_lost(admin, mapping):
    rows = [
        ("channel", "constant", "C1"),
        ("text", "path", "data number"),
        ("x", "expression", "up("),
    ]
    page = text(admin.post(page_of(mapping, "edit"), build_posted_rows(*rows, do="save")))
    assert 'id="row-2-error"' in page and "This is not a path such as" in page
    assert 'id="row-3-error"' in page and 'id="row-1-error"' not in page
    assert inputs(page)["row_value"] == ["C1", "data number", "up("]
    assert mapping.current.number == 1


def test_rows_are_added_and_removed_without_saving(admin, mapping):
    rows = [("channel", "constant", "C9"), ("text", "path", "not yet right")]
    page = text(admin.post(page_of(mapping, "edit"), build_posted_rows(*rows, do="add")))
    assert inputs(page)["row_path"] == ["channel", "text", ""]
    page = text(admin.post(page_of(mapping, "edit"), build_posted_rows(*rows, do="remove 1")))
    assert inputs(page)["row_path"] == ["text"]
    assert mapping.current.number == 1


@pytest.mark.parametrize("do", ["remove 99", "remove x", "remove", "remove -1", "unknown", ""])
def test_a_button_that_does_not_exist_changes_nothing(admin, mapping, do):
    page = text(
        admin.post(page_of(mapping, "edit"), build_posted_rows(("text", "constant", "a"), do=do))
    )
    assert inputs(page)["row_path"] == ["text"]
    assert mapping.current.number == 1


def test_the_draft_goes_to_json_and_back_without_loss(admin, mapping):
    rows = [("channel", "constant", "C9"), ("blocks[0].text", "path", "data.number", "text")]
    page = text(admin.post(page_of(mapping, "edit"), build_posted_rows(*rows, do="json")))
    body = inputs(page)["body"][0]
    assert json.loads(body) == {"channel": "'C9'", "blocks": [{"text": "text(data.number)"}]}
    again = {"view": "json", "name": "Orders", "body": body, "do": "table"}
    page = text(admin.post(page_of(mapping, "edit"), again))
    assert inputs(page)["row_path"] == ["channel", "blocks[0].text", ""]
    assert inputs(page)["row_converter"][1] == "text"


def test_experts_save_json(admin, mapping):
    data = {"view": "json", "name": "Orders", "body": '{"text": "data.a", "n": 1.0}', "do": "save"}
    admin.post(page_of(mapping, "edit"), data)
    assert mapping.current.body == {"text": "data.a", "n": 1.0}


@pytest.mark.parametrize("body", ["{", "[]", '{"a": "up("}', '{"a": "\\ud800"}', ""])
def test_json_with_an_error_is_refused_and_not_lost(admin, mapping, body):
    for do in ("save", "table", "preview"):
        data = {"view": "json", "name": "Orders", "body": body, "do": do}
        page = admin.post(page_of(mapping, "edit"), data).content.decode()
        if body or do == "save":
            assert 'role="alert"' in page and inputs(page)["body"] == [body]
    assert mapping.current.number == 1


def test_a_line_end_that_browsers_change_is_kept(admin, make, acme):
    body = {"channel": "'C1'", "text": "concat('a\r\nb', data.number)", "markdown_text": "'x\ny'"}
    mapping = make.mapping(acme, "slack", "post_message", body)
    found = inputs(admin.get(page_of(mapping, "edit")).content.decode())
    rows = zip(found["row_path"], found["row_kind"], found["row_value"], strict=True)
    sent = [
        (path, kind, value.replace("\r\n", "\n").replace("\n", "\r\n"))
        for path, kind, value in rows
    ]
    admin.post(page_of(mapping, "edit"), build_posted_rows(*sent, do="save"))
    assert mapping.current.body == body and mapping.current.number == 1


def test_a_mapping_too_large_for_a_table_is_edited_as_json(admin, make, acme):
    body = {f"f{number}": "data" for number in range(200)}
    mapping = make.mapping(acme, "webhook", "send", body)
    page = text(admin.get(page_of(mapping, "edit")))
    assert json.loads(inputs(page)["body"][0]) == body and "row_path" not in inputs(page)


def test_hostile_rows_are_refused_as_errors(admin, mapping):
    rows = [("a" * 5000, "no such kind", "x" * 5000, "no such converter", "k" * 500)]
    assert (
        admin.post(page_of(mapping, "edit"), build_posted_rows(*rows, do="save")).status_code == 200
    )
    uneven = {"view": "table", "row_path": ["a", "b"], "row_kind": ["path"], "do": "save"}
    assert admin.post(page_of(mapping, "edit"), uneven).status_code == 200
    assert mapping.current.number == 1


def test_our_paths_are_offered_from_real_events_with_values(admin, make, acme, mapping):
    make.event(acme, data={"order": {"no": "A-17"}, "odd-name": 1, "lines": [{"sku": "x"}]})
    make.event(acme, "lead.won", data={"other": 1})
    page = text(admin.get(page_of(mapping, "edit")))
    offered = re.findall(r'<option value="([^"]*)">([^<]*)</option>', page)
    assert ("data.order.no", "A-17") in offered
    assert ("data.&quot;odd-name&quot;", "1") in offered
    assert ("data.lines[0].sku", "x") in offered and ("type", "order.created") in offered
    assert not any(path == "data.other" for path, _value in offered)


def test_their_fields_are_offered_and_missing_ones_named(admin, mapping):
    page = text(
        admin.post(
            page_of(mapping, "edit"), build_posted_rows(("text", "constant", "a"), do="preview")
        )
    )
    assert '<option value="markdown_text">Markdown</option>' in page
    assert "Required, and not filled yet:" in page and "<code>channel</code>" in page
