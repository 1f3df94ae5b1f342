"""The people of a company as they are: the truth behind both directories."""

import random
import unicodedata
from dataclasses import dataclass, field
from functools import cache

from bench.identities.names import COUNTRIES, SOUTH, Names

MAIN_DOMAIN, BOUGHT_DOMAIN, PRIVATE_DOMAINS = (
    "acme.example",
    "globex.example",
    ("gmail.com", "outlook.com", "web.de", "icloud.com"),
)
SPELLINGS = str.maketrans(
    {
        "ä": "ae",
        "ö": "oe",
        "ü": "ue",
        "ß": "ss",
        "ø": "oe",
        "å": "aa",
        "æ": "ae",
        "ł": "l",
        "đ": "d",
    }
)
CYRILLIC = str.maketrans(
    {
        **dict(zip("абвгдезийклмнопрстуфыэ", "abvgdeziyklmnoprstufye", strict=True)),
        **{"ж": "zh", "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "shch", "ю": "yu"},
        **{"я": "ya", "ё": "yo", "ь": "", "ъ": ""},
    }
)
NAMESAKES = 0.015  # of the people: they are called as someone else
DOUBLE_GIVEN, DOUBLE_SURNAME, CONTRACTORS, BOUGHT = 0.12, 0.04, 0.04, 0.12


@dataclass(slots=True)
class Employee:
    """A person with everything that is true of them."""

    number: int
    given: str
    middle: str
    surname: str
    mailbox: str = ""
    login: str = ""
    domain: str = MAIN_DOMAIN
    is_contractor: bool = False
    tags: set[str] = field(default_factory=set)  # what was done to them, for the report

    @property
    def address(self) -> str:
        return f"{self.mailbox}@{self.domain}"

    @property
    def name(self) -> str:
        return f"{self.given} {self.surname}"


def hire_employees(count: int, dice: random.Random) -> list[Employee]:
    """Return so many people; each has a mailbox and a login of their own."""
    employees = [_invent_employee(number, dice) for number in range(count)]
    for employee in dice.sample(employees, round(count * NAMESAKES)):
        other = dice.choice(employees)
        employee.given, employee.surname = other.given, other.surname
    mailboxes: set[str] = set()
    logins: set[str] = set()
    style = dice.choice(("given.surname", "initial.surname"))
    for employee in employees:
        _assign_accounts(employee, style, mailboxes, logins, dice)
    return employees


def _invent_employee(number: int, dice: random.Random) -> Employee:
    countries = list(COUNTRIES.values())
    (country,) = dice.choices(countries, [entry.weight for entry in countries])
    given_names = dice.choice((country.women, country.men))
    given_name, surname = _draw(given_names, dice), _draw(country.surnames, dice)
    middle = _draw(given_names, dice) if dice.random() < DOUBLE_GIVEN else ""
    if dice.random() < DOUBLE_SURNAME or (country is SOUTH and dice.random() < 0.3):
        surname = _double_surname(country, surname, dice)
    employee = Employee(number, given_name, "" if middle == given_name else middle, surname)
    chance = dice.random()
    if chance < CONTRACTORS:
        employee.is_contractor, employee.domain = True, dice.choice(PRIVATE_DOMAINS)
    elif chance < CONTRACTORS + BOUGHT:
        employee.domain = BOUGHT_DOMAIN
    return employee


def _double_surname(country: Names, surname: str, dice: random.Random) -> str:
    separator = " " if country is SOUTH else "-"
    return f"{surname}{separator}{_draw(country.surnames, dice)}"


def _draw(text: str, dice: random.Random) -> str:
    """Draw a name; those at the front of the list are more common (Zipf, flattened)."""
    names = _split_names(text)
    weights = [1 / (rank + 4) for rank in range(len(names))]
    return dice.choices(names, weights)[0]


@cache
def _split_names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _assign_accounts(
    employee: Employee, style: str, mailboxes: set[str], logins: set[str], dice: random.Random
) -> None:
    given_name, surname = spell_plainly(employee.given), spell_plainly(employee.surname)
    long, short = f"{given_name}.{surname}", f"{given_name[0]}.{surname}"
    wanted_login = short if style == "initial.surname" and dice.random() < 0.9 else long
    if dice.random() < 0.03:
        wanted_login = given_name  # the first of a name, years ago
    employee.mailbox = _find_free(wanted_login, mailboxes)
    login = {
        0: f"{given_name[0]}{surname}",
        1: f"{given_name}.{surname}",
        2: f"{given_name[:2]}{surname[:4]}",
    }.get(dice.choices((0, 1, 2, 3), (6, 2, 1, 2))[0], f"e{10_000 + employee.number}")
    employee.login = _find_free(login[:20], logins)


def _find_free(login: str, used_logins: set[str]) -> str:
    name, number = login, 2
    while name in used_logins:
        name, number = f"{login}{number}", number + 1
    used_logins.add(name)
    return name


def spell_plainly(text: str) -> str:
    """Spell a name as mail administrators do."""
    spelt = text.lower().translate(CYRILLIC).translate(SPELLINGS)
    spelt = spelt.replace("'", "").replace(" ", "")
    return strip_marks(spelt).replace("ı", "i")


def strip_marks(text: str) -> str:
    decomposed = unicodedata.normalize("NFD", text)
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))
