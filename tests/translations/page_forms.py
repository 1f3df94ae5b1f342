"""The forms of a page as a browser submits them, with what stands in them."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

TYPED = {"email": "ann@acme.test", "number": "3", "url": "https://acme.test/", "date": "2030-01-01"}
TYPED |= {"time": "12:00", "datetime-local": "2030-01-01T12:00", "text": "x", "password": "x"}
BUTTONS = ("submit", "image")
NO_FIELDS = ("button", "reset", "file")


@dataclass
class Form:
    """A form that is posted; `buttons` are its submit buttons, each (action, name, value)."""

    action: str
    fields: dict = field(default_factory=dict)
    buttons: list = field(default_factory=list)

    def submissions(self):
        """Return address and data for each of its buttons."""
        buttons = self.buttons or [("", "", "")]
        return [
            (action or self.action, self.fields | ({name: [value]} if name else {}))
            for action, name, value in buttons
        ]


class Forms(HTMLParser):
    """The forms of a page that are posted; required texts that are empty are filled in."""

    def __init__(self, page, address):
        super().__init__()
        self.address, self.found = address, []
        self.form = self.select = self.textarea = None
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        given = {name: value or "" for name, value in attributes}
        if tag == "form":
            self.begin_form(given)
        elif self.form is not None and (begin := getattr(self, f"begin_{tag}", None)):
            begin(given)

    def begin_form(self, given):
        self.form = Form(given.get("action") or self.address)
        if given.get("method", "").lower() == "post":
            self.found.append(self.form)

    def begin_button(self, given):
        if given.get("type", "submit") == "submit":
            self.add_button(given)

    def begin_select(self, given):
        self.select = (given.get("name", ""), [], [])

    def begin_option(self, given):
        if self.select:
            self.select[2 if "selected" in given else 1].append(given.get("value", ""))

    def begin_textarea(self, given):
        self.textarea = (given, [])

    def handle_data(self, data):
        if self.textarea:
            self.textarea[1].append(data)

    def handle_endtag(self, tag):
        if tag == "select" and self.select:
            name, options, selected = self.select
            chosen = selected or [value for value in options if value][:1]
            self.put(name, *chosen)
            self.select = None
        elif tag == "textarea" and self.textarea:
            given, text = self.textarea
            default = "x" if "required" in given else ""
            self.put(given.get("name", ""), "".join(text).strip() or default)
            self.textarea = None
        elif tag == "form":
            self.form = None

    def begin_input(self, given):
        kind = given.get("type", "text")
        if kind in BUTTONS:
            self.add_button(given)
        elif kind in ("checkbox", "radio"):
            is_on = "checked" in given or "required" in given
            if is_on and (kind == "checkbox" or given.get("name") not in self.form.fields):
                self.put(given.get("name", ""), given.get("value", "on"))
        elif kind not in NO_FIELDS:
            default = TYPED.get(kind, "") if "required" in given else ""
            self.put(given.get("name", ""), given.get("value") or default)

    def add_button(self, given):
        entry = (given.get("formaction", ""), given.get("name", ""), given.get("value", ""))
        self.form.buttons.append(entry)

    def put(self, name, *values):
        if name and values:
            self.form.fields.setdefault(name, []).extend(values)


def find_submissions(page, address):
    """Yield address and data of all that can be submitted on a page."""
    for form in Forms(page, address).found:
        for action, data in form.submissions():
            yield action if action.startswith("/") else address, data
