"""The customers' pages on a phone, at 200 % zoom and on paper: nothing is cut or hidden."""

import pytest
from django.test import Client
from django.urls import reverse

from hub.scheduled.models import Run
from tests.hub.outgoing.operating import put
from tests.journeys.chromium import emulate, window

pytestmark = [pytest.mark.desk, pytest.mark.django_db, pytest.mark.timeout(300)]

PHONE, ZOOMED, PAPER = 390, 700, 718  # CSS pixels: 1,400 at 200 %, and the width of A4
PAGES = (
    "",
    "events/",
    "events/incoming/",
    "jobs/",
    "runs/",
    "members/",
    "settings/",
    "search/?q=o",
)
TABLES = ("events/", "jobs/", "runs/", "discrepancies/", "members/")
OUTSIDE = """
(selector) => [...document.querySelectorAll(selector)].filter((place) => {
  if (place.matches("[type=hidden], [hidden], [hidden] *, details:not([open]) *")) return false;
  const box = place.getBoundingClientRect();
  return !box.width || box.left < 0 || Math.floor(box.right) > document.documentElement.clientWidth;
}).map((place) => place.outerHTML.slice(0, 120))
"""

COVERED = """
(selector) => [...document.querySelectorAll(selector)].filter((row) => {
  const boxes = [...row.cells].map((cell) => cell.getBoundingClientRect());
  return boxes.some((box, place) => boxes.slice(place + 1).some((other) =>
    box.left < other.right - 1 && other.left < box.right - 1 &&
    box.top < other.bottom - 1 && other.top < box.bottom - 1));
}).map((row) => row.textContent.trim().slice(0, 120))
"""


@pytest.fixture
def owner(make):
    """The owner of a tenant with deliveries of one event to two connections, a job and a run."""
    acme = make.tenant("acme", name="Acme Teas")
    client = Client()
    client.force_login(make.membership(acme, make.user("olga@acme.test"), "owner").user)
    make.membership(acme, make.user("a-very-long-mail-address@an-even-longer-domain.test"))
    make.invitation(acme, "carol@acme.test")
    for name in ("Warehouse", "Accounting"):
        put([make.delivery(make.connection(acme, name=name))], "failed", "exhausted")
    make.run(make.job(acme, name="Nightly orders"))
    make.discrepancy(make.connection(acme, "salesforce"))
    return client


@pytest.fixture
def look(browser, owner):
    """Return a function that opens pages at a width and returns what a script says of each."""

    def look(width, script, argument, *paths, media="screen", theme=None, scripts=True):
        size = {"width": width, "height": 900}
        with window(browser, owner, viewport=size, java_script_enabled=scripts) as page:
            if theme:
                owner.cookies["hub_theme"] = theme
            emulate(page, media=media)
            answers = {}
            for path in paths:
                page.goto(f"/t/acme/{path}")
                answers[path] = page.evaluate(script, argument)
            return answers

    return look


def test_a_row_of_the_log_tells_its_destination_on_a_phone(look):
    assert look(PHONE, OUTSIDE, ".log tbody :is(th, td[data-label='To'], .badge)", "events/") == {
        "events/": []
    }
    (labels,) = look(
        PHONE,
        "() => [...document.querySelectorAll('.log td[data-label=To]')].map((cell) =>"
        " getComputedStyle(cell, '::before').content + cell.textContent)",
        None,
        "events/",
    ).values()
    assert set(labels) == {'"To: "Accounting', '"To: "Warehouse'}


def test_no_cell_of_a_row_covers_another_one_on_a_phone(look):
    findings = look(PHONE, COVERED, ".scroll tbody tr", *TABLES)
    assert findings == {path: [] for path in TABLES}


def test_no_control_and_no_section_is_cut_on_a_phone_or_zoomed(look):
    for width in (PHONE, ZOOMED):
        findings = look(width, OUTSIDE, "main :is(select, button, input, a), .sections a", *PAGES)
        assert findings == {path: [] for path in PAGES}


def test_no_page_is_wider_than_the_screen(look):
    script = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
    for width in (320, PHONE, ZOOMED):
        assert look(width, script, None, *PAGES) == dict.fromkeys(PAGES, 0)


def test_every_cell_is_on_paper_and_nothing_that_is_only_pressed(look):
    cells = look(PAPER, OUTSIDE, ".scroll :is(th, td)", "events/", "runs/", media="print")
    assert cells == {"events/": [], "runs/": []}
    shown = (
        "(selector) => [...document.querySelectorAll(selector)]"
        ".filter((place) => place.offsetParent).length"
    )
    pressed = ".sections, .find, .menu, .button, .copy, .foot"
    assert look(PAPER, shown, pressed, "events/", media="print") == {"events/": 0}


def test_a_dark_page_is_printed_on_white(look):
    colour = (
        "() => [getComputedStyle(document.body).backgroundColor,"
        " document.documentElement.dataset.theme]"
    )
    answers = look(PAPER, colour, None, "events/", media="print", theme="dark")
    assert answers == {"events/": ["rgb(255, 255, 255)", "dark"]}


def test_a_moment_is_on_paper_once(look):
    script = """() => [...document.querySelectorAll("main time")].map((time) =>
        [time.textContent, getComputedStyle(time, "::after").content])"""
    for path, times in look(PAPER, script, None, "jobs/", "runs/", media="print").items():
        assert times, path
        for words, more in times:
            assert more == "none" or "ago" in words, (words, more)


def test_a_dark_page_of_staff_is_printed_on_white_without_its_buttons(browser, owner, make):
    staff = Client()
    staff.force_login(make.staff(is_superuser=True))
    run = Run.unscoped.get()
    with window(browser, staff, viewport={"width": PAPER, "height": 900}) as page:
        emulate(page, media="print", color_scheme="dark")
        page.goto(reverse("admin:scheduled_run_change", args=[run.pk]))
        page.evaluate("document.documentElement.classList.add('dark')")
        page.wait_for_timeout(500)  # colours change slowly
        card = "getComputedStyle(document.querySelector('.subject .card')).backgroundColor"
        assert page.evaluate(card) == "rgb(255, 255, 255)"
        assert (
            page.evaluate(
                "[...document.querySelectorAll('.subject :is(.button, .copy)')]"
                ".filter((place) => place.offsetParent).length"
            )
            == 0
        )
