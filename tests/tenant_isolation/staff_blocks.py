"""What only staff see: templates of their frame, and of the blocks that they add to a page."""

from pathlib import Path

from django.conf import settings

TEMPLATES = Path(settings.BASE_DIR) / "templates"
STAFF_FOLDERS = (
    "admin",
    "console",
    "drift",
    "incoming",
    "outgoing",
    "recipes",
    "scheduled",
    "unfold",
)


def list_staff_templates(answer):
    """Return the names of the templates of staff that an answer was rendered with."""
    names = [template.name or "" for template in answer.templates]
    return [name for name in names if name.split("/")[0] in STAFF_FOLDERS]


def list_shared_pages():
    """Return pairs of a page of staff and the customers' page that it extends."""
    pages = []
    for folder in STAFF_FOLDERS:
        for path in sorted((TEMPLATES / folder).rglob("*.html")):
            first = path.read_text().splitlines()[0]
            if first.startswith('{% extends "portal/'):
                pages.append((f"{path.relative_to(TEMPLATES)}", first.split('"')[1]))
    return pages
