"""Pages as axe sees them, in both themes and at two widths."""

import itertools

from axe_playwright_python.base import AXE_SCRIPT

from tests.journeys.chromium import emulate, window

RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],  # to list what is right takes as long as to look
}
WCAG = RULES | {"runOnly": RULES["runOnly"][:-1]}  # the frame of the staff pages is Unfold's
LOOKS = {"light and wide": ("light", 1280), "dark and narrow": ("dark", 320)}
OF_ITS_STATUS = "Failed to load resource: the server responded with a status of 4"


# A page that is loaded asks no more which theme is preferred, and fades from one into the other.
WEAR = """
(theme) => {
  document.documentElement.classList.toggle("dark", theme === "dark");
  document.getAnimations().filter((one) => one instanceof CSSTransition)
    .forEach((one) => one.finish());
  return matchMedia("(prefers-color-scheme: dark)").matches;
}
"""
LOOK_AT = """
async ([context, rules]) => {
  const { violations } = await axe.run(context, rules);
  const found = violations.map((rule) => [rule.id, rule.nodes.map((node) => node.html)]);
  return [found, document.documentElement.scrollWidth];
}
"""


def assert_accessible(browser, client, *urls, looks=tuple(LOOKS), rules=RULES):
    """Assert of each page, loaded once and seen in each look, in one window: axe objects to
    nothing, nothing is too wide, and nothing breaks. Each loads in the last look of the one before.
    """
    orders = itertools.cycle([looks, looks[::-1]])
    with window(browser, client) as page:
        bring_axe(page)
        found = {
            url: wrong
            for url, order in zip(urls, orders, strict=False)
            if (wrong := wrong_with(page, url, order, rules))
        }
        complaints = [said for said in page.complaints if not said.startswith(OF_ITS_STATUS)]
    assert not (found or complaints), f"{found} {complaints}"


def bring_axe(shown):
    """Have axe in each page from its start, which is quicker than to send it to each."""
    shown.add_init_script(AXE_SCRIPT)


def wrong_with(shown, url, looks, rules=RULES):
    prefer(shown, *LOOKS[looks[0]])
    shown.goto(url)
    if not shown.url.endswith(url):
        return [f"leads to {shown.url}"]
    return [wrong for look in looks if (wrong := wrong_in(shown, look, rules))]


def wrong_in(shown, look, rules):
    scheme, width = LOOKS[look]
    wear(shown, scheme, width)
    wrong = wrong_as_it_is(shown, width, rules)
    return wrong and (look, wrong)


def prefer(shown, scheme, width):
    """Let the window prefer this theme, and be so wide, if it is not so yet."""
    if shown.look != (scheme, width):
        shown.set_viewport_size({"width": width, "height": 900})
        emulate(shown, color_scheme=scheme)
        shown.look = scheme, width


def wear(shown, scheme, width):
    """Show the page that is loaded, and those to come, in this theme and at this width."""
    prefer(shown, scheme, width)
    assert shown.evaluate(WEAR, scheme) == (scheme == "dark")


def wrong_as_it_is(shown, width, rules=RULES, without=""):
    """What axe objects to, `without` what a selector names, and a width that is too wide."""
    if not shown.evaluate("'axe' in window"):
        shown.evaluate(AXE_SCRIPT)
    context = {"exclude": [without]} if without else {"include": ["html"]}
    found, wide = shown.evaluate(LOOK_AT, [context, rules])
    return found + ([f"{wide} pixels wide"] if wide > width else [])
