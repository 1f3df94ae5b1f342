"""HTML as a browser lays it out, so that assertions do not depend on the line breaks of
templates.
"""

import re

BLOCKS = (
    "address|article|aside|body|caption|dd|details|div|dl|dt|fieldset|figcaption|figure|footer|form"
    "|h[1-6]|head|header|html|legend|li|link|main|meta|nav|ol|option|p|pre|script|section|summary"
    "|svg|table|tbody|td|tfoot|th|thead|tr|ul"
)
SPACE_AROUND_BLOCK = re.compile(rf"\s*(</?(?:{BLOCKS})\b[^>]*>)\s*")
SPACE_IN_TAG = re.compile(r"\s+>")


def normalize_markup(html: str) -> str:
    """Return the page with single spaces, and without those beside tags of blocks."""
    single = " ".join(html.split())
    return SPACE_IN_TAG.sub(">", SPACE_AROUND_BLOCK.sub(r"\1", single))
