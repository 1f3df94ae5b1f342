"""The guides: pages of docs/, and sections of them, in the order of the menu.

The text has one source, the Markdown of the repository. Where it names a local installation, the
served page names this hub, and its examples have a place for the reader's key.
"""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from posixpath import normpath

from django.conf import settings
from django.urls import reverse

from hub.api_docs.markdown import Passage, build_anchor, render_page

FIRST_SLUG = "introduction"
FOLDER = settings.BASE_DIR / "docs"
LOCAL_URL = "http://127.0.0.1:8000"
LOCAL_SANDBOX_URL = "http://127.0.0.1:8100"
READERS_SERVER = "https://your-server.example"  # in examples, of a hub without a sandbox
KEY_LINES = {  # how the examples read a key of the local installation, by language
    re.compile(r"^KEY=\$\(python3 .*\)$", re.M): "KEY=hub_live_…  # your key",
    re.compile(r"^KEY = json\.load.*$", re.M): 'KEY = "hub_live_…"  # your key',
    re.compile(r"^const KEY = .*$", re.M): 'const KEY = "hub_live_…"; // your key',
}
SECTION = re.compile(r"^## (.+)$", re.M)
PARTNERS = "partners.md"
TITLES = {  # of sections whose heading names too little, beside other guides
    "Keys": "Authentication",
    "What other systems send": "What other systems send to us",
    "Receiving webhooks": "Receiving webhooks from us",
}
# The groups of the menu: guides by file, sections of the partners' page by heading.
GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Start", ("api/introduction.md", "api/quick-start.md", "Keys")),
    ("Basics", ("Errors", "api/idempotency.md", "api/paging.md", "Limits")),
    ("Webhooks", ("Receiving webhooks", "What other systems send")),
)
OTHER_GROUP = "Guides"  # every other section, in the order of the page


@dataclass(frozen=True, slots=True)
class Guide:
    """A page of the documentation. `source` is its Markdown text, `file` its path."""

    slug: str
    title: str
    group: str
    file: str
    source: str

    @property
    def url(self) -> str:
        if self.slug == FIRST_SLUG:
            return reverse("api_docs:introduction")
        return reverse("api_docs:guide", args=[self.slug])


@dataclass(frozen=True, slots=True)
class GuidePage:
    guide: Guide
    html: str
    passages: tuple[Passage, ...]


@cache
def list_guides() -> tuple[Guide, ...]:
    """Return all guides in the order of the menu."""
    sections = _split_sections((FOLDER / PARTNERS).read_text())
    guides = [
        _read_file(entry, group) if entry.endswith(".md") else _build(entry, group, sections)
        for group, entries in GROUPS
        for entry in entries
    ]
    named = {entry for _group, entries in GROUPS for entry in entries}
    others = (
        _build(heading, OTHER_GROUP, sections) for heading in sections if heading not in named
    )
    return (*guides, *others)


def _split_sections(text: str) -> dict[str, str]:
    """Return the text of each section by its heading, with the heading as the page's title."""
    _intro, *parts = SECTION.split(text)
    return dict(zip(parts[::2], parts[1::2], strict=True))


def _build(heading: str, group: str, sections: dict[str, str]) -> Guide:
    title = TITLES.get(heading, heading)
    body = re.sub(r"^###", "##", sections[heading], flags=re.M)
    return Guide(build_anchor(heading), title, group, PARTNERS, f"# {title}\n{body}")


def _read_file(file: str, group: str) -> Guide:
    source = (FOLDER / file).read_text()
    title = source.partition("\n")[0].removeprefix("# ")
    return Guide(Path(file).stem, title, group, file, source)


def find_guide(slug: str) -> Guide | None:
    return next((guide for guide in list_guides() if guide.slug == slug), None)


@cache
def render_guide(guide: Guide) -> GuidePage:
    source = guide.source.replace(LOCAL_URL, settings.HUB_PUBLIC_URL)
    source = source.replace(LOCAL_SANDBOX_URL, find_example_server())
    for line, own in KEY_LINES.items():
        source = line.sub(own, source)
    page = render_page(source, lambda href: find_guide_url(guide, href))
    return GuidePage(guide, page.html, page.passages)


def find_example_server() -> str:
    """Return the address of the local installation's sandbox, or a place for the reader's own."""
    allowed = settings.HUB_EGRESS_ALLOW
    return f"http://{allowed[0]}" if allowed else READERS_SERVER


def find_guide_url(guide: Guide, href: str) -> str:
    """Return the URL to which a relative link of the guide leads; empty if it is not served."""
    path, _mark, anchor = href.partition("#")
    file = normpath(f"{Path(guide.file).parent}/{path}") if path else guide.file
    for other in list_guides():
        anchors = {build_anchor(line) for line in re.findall(r"^#+ (.+)$", other.source, re.M)}
        if other.file == file and (anchor in ("", other.slug) or anchor in anchors):
            is_part = anchor in anchors and anchor != other.slug
            return f"{other.url}#{anchor}" if is_part else other.url
    return ""
