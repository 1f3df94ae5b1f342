"""Somebody before a real browser, who does with it what a person does; each click is counted."""

import re
from urllib.parse import urlsplit

from playwright.sync_api import expect

PASSWORD = "correct horse battery"
LABELS = {
    "slack": "Slack",
    "salesforce": "Salesforce",
    "pipedrive": "Pipedrive",
    "splunk": "Splunk",
    "webhook": "Webhook",
}


class Visitor:
    """Somebody before pages of the portal."""

    def __init__(self, page, home):
        self.page, self.home = page, home
        self.clicks = 0

    def goes(self, url):
        self.page.goto(url)

    def press(self, name, role="button"):
        self.clicks += 1
        self.page.get_by_role(role, name=name, exact=True).click()

    def follow(self, name):
        self.press(name, role="link")

    def selects(self, name, **option):
        """In a list; it counts as a click."""
        self.clicks += 1
        self.page.get_by_label(name, exact=True).select_option(**option)

    def reads(self):
        return self.page.locator("main").inner_text()


class Person(Visitor):
    def __init__(self, page, running_hub, company):
        super().__init__(page, f"{running_hub.hub}/t/{company.reference}/")
        self.running_hub, self.company = running_hub, company

    # --- the door ---

    def signs_up(self):
        """By the link of the mail."""
        self.goes(self.link("invites you"))
        self.press("Create an account and accept")
        self.page.get_by_label("Your name").fill("Olga Owner")
        self.page.get_by_label("Password").fill(PASSWORD)
        self.press("Create the account")
        self.page.wait_for_url(self.home)
        return self

    def signs_in(self):
        """Where the page asks for it."""
        self.page.get_by_label("Email").fill(self.company.email)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.press("Sign in")

    def link(self, about):
        """Of the mail, on this hub."""
        (link,) = [
            url
            for url in self.running_hub.mail(self.company, about)["links"]
            if url.startswith(self.running_hub.hub)
        ]
        return link

    # --- connecting ---

    def connects(self, connector):
        """From the tenant's own page to the connection's."""
        self.goes(self.home)
        self.clicks = 0
        self.follow("Open the catalogue")
        self.follow(f"Connect {LABELS[connector]}")
        if connector in ("splunk", "webhook"):
            self.fills_in(connector)
        else:
            self.authorizes(connector)
        self.follow("Go to the connection")
        self.is_at_the_connection()
        return self

    def authorizes(self, connector):
        self.leaves_for(connector)
        self.allows()
        self.press("Connect")

    def is_asked_to_connect_again(self, connection):
        expect(self.page.get_by_role("heading", level=1)).to_have_text(
            f"Connect {connection} ({self.company.name}) again"
        )

    def reconnects(self, connector):
        """From the page of the connection, or from where the mail led."""
        if self.page.get_by_role("link", name="Reconnect", exact=True).count():
            self.follow("Reconnect")
        self.leaves_for(connector)
        self.allows()
        self.press("Connect again")
        self.is_at_the_connection()

    def leaves_for(self, connector):
        """To the consent page, which the page in between goes on to by itself."""
        self.press(re.compile(f"^(Authorize|Try again) at {LABELS[connector]}$"))
        self.page.wait_for_url(f"{self.running_hub.sandbox}/**")

    def allows(self, company=None):
        self.press(f"Allow in {(company or self.company).name}")

    def fills_in(self, connector, **otherwise):
        self.follow("Continue to the settings")
        self.writes(connector, **otherwise)

    def writes(self, connector, **otherwise):
        for label, value in (self.answers(connector) | otherwise).items():
            self.page.get_by_label(label, exact=True).fill(value)
        self.press("Test and connect")

    def answers(self, connector):
        here = f"{self.running_hub.sandbox}/{connector}/{self.company.reference}"
        token = {"Token": self.company.token} if connector == "splunk" else {}
        return {"Collector URL" if connector == "splunk" else "Endpoint URL": here} | token

    def is_at_the_connection(self):
        self.page.wait_for_url(re.compile(re.escape(self.home) + "connections/[-0-9a-f]+/$"))

    def assert_state(self, word):
        expect(self.page.locator("#word")).to_have_text(word)

    def names_the_channel(self):
        """Where the page of the connection asks for it: the one that orders go to."""
        self.press("Select channel orders", role="link")
        self.press("Read the list again")
        self.page.get_by_label("Matching record").select_option("#orders")
        self.press("Save")
        expect(self.page.get_by_role("row").filter(has_text="#orders")).to_contain_text(
            self.company.channel
        )

    # --- when it goes wrong ---

    def begins(self, connector):
        self.goes(f"{self.home}connect/{connector}/")
        self.leaves_for(connector)

    def opens(self, connection):
        self.goes(self.home)
        self.follow(connection)

    def assert_not_connected(self, connector):
        self.goes(f"{self.home}connect/{connector}/")
        assert "Connected already" not in self.reads()

    def tries_again(self):
        """Whether it goes better, as far as the question before anything is kept."""
        self.press("Try again")
        self.page.wait_for_url(f"{self.running_hub.sandbox}/**")
        self.allows()
        self.page.wait_for_url("**/connect/confirm/*/")
        return self.page.get_by_role("button", name="Connect", exact=True).count() > 0

    def assert_told(self, title, who):
        """The cause, who can fix it, and what to send to them, on a page of ours."""
        expect(self.page.locator("h1, h2").filter(has_text=title).first).to_be_visible()
        assert urlsplit(self.page.url).netloc == urlsplit(self.running_hub.hub).netloc
        assert who in self.reads(), self.reads()
