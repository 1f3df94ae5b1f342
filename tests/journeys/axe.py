"""Pages as axe sees them, in both themes and at two widths."""

from axe_playwright_python.sync_playwright import Axe

from tests.journeys.chromium import window

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
}
"""


def looked_at(browser, client, *urls, looks=tuple(LOOKS), rules=RULES):
    """In one window, one after the other, each loaded once and seen in each look: axe objects to
    nothing, nothing is too wide, and nothing breaks.
    """
    with window(browser, client) as shown:
        found = {url: wrong for url in urls if (wrong := wrong_with(shown, url, looks, rules))}
        complaints = [said for said in shown.complaints if not said.startswith(OF_ITS_STATUS)]
    assert not (found or complaints), f"{found} {complaints}"


def wrong_with(shown, url, looks, rules=RULES):
    wear(shown, *LOOKS[looks[0]])
    shown.goto(url)
    if not shown.url.endswith(url):
        return [f"leads to {shown.url}"]
    return [wrong for look in looks if (wrong := wrong_in(shown, look, rules))]


def wrong_in(shown, look, rules):
    scheme, width = LOOKS[look]
    wear(shown, scheme, width)
    wrong = wrong_as_it_is(shown, width, rules)
    return wrong and (look, wrong)


def wear(shown, scheme, width):
    """Show the page that is loaded, and those to come, in this theme and at this width."""
    shown.set_viewport_size({"width": width, "height": 900})
    shown.emulate_media(color_scheme=scheme)
    shown.evaluate(WEAR, scheme)


def wrong_as_it_is(shown, width, rules=RULES, without=""):
    """What axe objects to, `without` what a selector names, and a width that is too wide."""
    context = {"exclude": [without]} if without else None
    found = Axe().run(shown, context=context, options=rules).response["violations"]
    wide = shown.evaluate("document.documentElement.scrollWidth")
    said = [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found]
    return said + ([f"{wide} pixels wide"] if wide > width else [])
