"""The documentation of the API: what docs/ says, served beside the reference, for anyone."""

import re

import pytest
from django.urls import reverse

from hub.api_docs.guides import FOLDER, GROUPS, PARTNERS, find_guide, list_guides, render_guide
from hub.api_docs.markdown import build_anchor, render_page
from hub.problems import CATALOGUE

GUIDES = [guide.slug for guide in list_guides()]
PAGES = [guide.url for guide in list_guides()] + [
    "/api/docs/search/?q=retry",
    "/api/docs/search/",
    "/api/docs/search/?q=nothing+has+this+word",
    "/problems/",
]
EXAMPLE = re.compile(r"(.*)\n```(sh|python|js)\n")


def load_page(client, url):
    answer = client.get(url)
    assert answer.status_code == 200, url
    return answer.content.decode()


@pytest.mark.parametrize("url", PAGES)
def test_every_page_is_open_to_anyone_under_the_strict_policy(client, url):
    answer = client.get(url)
    text, policy = answer.content.decode(), answer.headers["Content-Security-Policy"]
    assert answer.status_code == 200 and "unsafe" not in policy
    assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=", text)
    assert not re.search(r"""(src|<link[^>]*href)="(https?:)?//""", text)


@pytest.mark.parametrize("url", PAGES)
def test_every_link_leads_to_a_page_and_to_a_heading_that_is_there(client, url):
    for link in set(re.findall(r'href="(/(?:api/docs|problems)/[^"]*)"', load_page(client, url))):
        page, _mark, anchor = link.partition("#")
        assert not anchor or f'id="{anchor}"' in load_page(client, page), link


def test_every_section_of_the_partners_page_is_served():
    headings = re.findall(r"^## (.+)$", (FOLDER / PARTNERS).read_text(), re.M)
    assert [heading for heading in headings if build_anchor(heading) not in GUIDES] == []
    assert len(GUIDES) == len(set(GUIDES))


def test_every_page_of_the_folder_is_served():
    named = {entry for _group, entries in GROUPS for entry in entries}
    assert {f"api/{page.name}" for page in (FOLDER / "api").glob("*.md")} <= named


def test_examples_name_this_hub_and_have_a_place_for_the_readers_key(client, settings):
    for guide in list_guides():
        text = load_page(client, guide.url)
        assert "127.0.0.1:8000" not in text and "demo.json" not in text.replace(
            "<code>var/demo.json</code>", ""
        )
    assert f"HUB={settings.HUB_PUBLIC_URL}" in load_page(client, "/api/docs/quick-start/")
    assert "KEY=hub_live_…  # your key" in load_page(client, "/api/docs/quick-start/")


@pytest.mark.corrections(item="3.9")
@pytest.mark.parametrize(
    ("allowed", "server"),
    [(["127.0.0.1:8310"], "http://127.0.0.1:8310"), ([], "https://your-server.example")],
)
def test_examples_name_the_sandbox_of_this_hub_or_a_server_of_the_reader(settings, allowed, server):
    settings.HUB_EGRESS_ALLOW = allowed
    html = render_guide.__wrapped__(find_guide("quick-start")).html
    assert f"SERVER={server}/webhook/quick-start" in html and "127.0.0.1:8100" not in html


@pytest.mark.parametrize("page", [PARTNERS, *(f"api/{page.name}" for page in FOLDER.glob("api/*"))])
def test_every_example_is_executed_by_a_test(page):
    """tests/desk/test_docs_commands.py and tests/journeys/test_docs.py run what has a name."""
    above = [line for line, _language in EXAMPLE.findall((FOLDER / page).read_text())]
    assert [line for line in above if not re.fullmatch(r"<!-- run: [\w -]+ -->", line)] == []


@pytest.mark.parametrize(
    ("term", "url"),
    [
        ("signature", "/api/docs/receiving-webhooks/#python"),
        ("idempotency-key", "/api/docs/idempotency/"),
        ("quota-exceeded", "/api/docs/limits/#limits"),
        ("first call", "/api/docs/quick-start/#2-make-the-first-call"),
    ],
)
def test_the_search_finds_passages(client, term, url):
    assert url in load_page(client, f"/api/docs/search/?q={term}")


def test_the_search_repeats_no_markup(client):
    text = load_page(client, "/api/docs/search/?q=<script>alert(1)</script>")
    assert "<script>alert" not in text and "No passage has" in text


def test_every_problem_is_listed_with_its_page(client):
    text = load_page(client, "/problems/")
    assert [code for code in CATALOGUE if f'href="/problems/{code}"' not in text] == []
    assert 'href="/problems/"' in load_page(client, "/problems/validation-failed")


@pytest.mark.django_db
def test_both_consoles_lead_there(client, make):
    make_link = 'href="/api/docs/"'
    client.force_login(make.membership(make.tenant("acme"), make.user(), "owner").user)
    assert make_link in load_page(client, "/t/acme/")
    client.force_login(make.staff(is_superuser=True))
    assert make_link in client.get(reverse("admin:index"), follow=True).content.decode()


def test_an_unknown_guide_is_not_found(client):
    assert client.get("/api/docs/nowhere/").status_code == 404


def test_markdown_keeps_no_html_and_no_link_to_a_page_that_is_not_served():
    source = "# A\n<b>x</b> [out](operators.md) [in](paging.md) <!-- run: x -->\n\n    <i>\n"
    html = render_page(source, {"paging.md": "/api/docs/paging/"}.get).html
    assert "<b>" not in html and "<i>" not in html and "run: x" not in html
    assert 'href="/api/docs/paging/"' in html and "operators" not in html and "out" in html
