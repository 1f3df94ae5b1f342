"""Two directories of one company, with all that goes wrong in them, and who is who."""

import random
import string
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from bench.identities.company import (
    BOUGHT_DOMAIN,
    MAIN_DOMAIN,
    Employee,
    hire_employees,
    spell_plainly,
    strip_marks,
)
from bench.identities.names import SHORT_FORMS
from connectors.directories import Person

LOCAL_ONLY, REMOTE_ONLY = 0.07, 0.06
WITHOUT_EMAIL, SHARED, RENAMED, ALIASED = 0.15, 0.05, 0.05, 0.12
DEACTIVATED, RECREATED, TYPING_ERRORS = 0.03, 0.01, 0.025
HANDED_ON = 0.004  # a leaver's address that a newcomer has on the other side
LOGIN_KNOWN, HANDLE_IS_LOGIN, HANDLE_IS_MAILBOX = 0.9, 0.45, 0.3
NAME_STYLES = (
    (75, "{given} {surname}"),
    (5, "{surname}, {given}"),
    (3, "{surname} {given}"),
    (3, "{g}. {surname}"),
    (2, "{given} {s}."),
    (2, "{given}"),
    (2, "Dr. {given} {surname}"),
    (2, "{given} {surname} (she/her)"),
    (2, "{given} {surname} | Sales"),
    (2, "{given} {surname} 🌴"),
    (2, "{given} {surname} (extern)"),
)
TEAMS = ("info", "sales", "support", "office", "lager", "empfang", "team-berlin", "kasse3", "hr")


@dataclass(slots=True)
class Directories:
    """Both lists, and the pairs that are true: ids of ours to ids of theirs."""

    local: list[Person] = field(default_factory=list)
    remote: list[Person] = field(default_factory=list)
    pairs: dict[str, str] = field(default_factory=dict)
    # ids of ours whose only account there is deactivated: a person has to decide
    deactivated: set[str] = field(default_factory=set)
    tags: dict[str, set[str]] = field(default_factory=dict)


def build_directories(count: int, seed: int) -> Directories:
    """Build the lists of about so many people; the same for the same seed."""
    dice = random.Random(seed)
    employees = hire_employees(count, dice)
    made = Directories()
    for employee in employees:
        _add_employee(made, employee, dice)
    _hand_on_addresses(made, dice)
    made.remote += [
        Person(f"B{number}", f"{name} Bot", login=f"{name.lower()}bot", is_bot=number % 2 == 0)
        for number, name in enumerate(("Deploy", "Jira", "Standup", "Giphy", "Backup", "Polly"))
    ]
    made.remote += [
        Person(f"T{number}", team.title(), f"{team}@{MAIN_DOMAIN}")
        for number, team in enumerate(TEAMS)
    ]
    dice.shuffle(made.local)
    dice.shuffle(made.remote)
    return made


def _add_employee(made: Directories, employee: Employee, dice: random.Random) -> None:
    local_id, remote_id = f"u-{employee.number}", f"U{employee.number:05d}"
    ours, theirs = _describe_locally(employee, dice), _describe_remotely(employee, dice)
    for share, damage in DAMAGES:
        if dice.random() < share:
            ours, theirs = damage(employee, ours, theirs, dice)
    chance = dice.random()
    if chance >= LOCAL_ONLY:
        made.remote.append(replace(theirs, id=remote_id))
    if LOCAL_ONLY <= chance < LOCAL_ONLY + REMOTE_ONLY:
        return
    made.local.append(replace(ours, id=local_id))
    made.tags[local_id] = employee.tags
    if chance < LOCAL_ONLY:
        return
    made.pairs[local_id] = remote_id
    fate = dice.random()
    if fate < DEACTIVATED:
        made.remote[-1] = replace(made.remote[-1], is_active=False)
        made.deactivated.add(local_id)
    elif fate < DEACTIVATED + RECREATED:  # an old account beside the one that is used
        made.remote.append(replace(theirs, id=f"X{employee.number:05d}", is_active=False))


def _describe_locally(employee: Employee, dice: random.Random) -> Person:
    """As an administrator types people in."""
    name = employee.name
    if employee.middle and dice.random() < 0.5:
        name = f"{employee.given} {employee.middle} {employee.surname}"
    login = employee.login if dice.random() < LOGIN_KNOWN else ""
    return Person("", name, employee.address, login)


def _describe_remotely(employee: Employee, dice: random.Random) -> Person:
    """As people introduce themselves."""
    handle = dice.random()
    if handle < HANDLE_IS_LOGIN:
        login = employee.login
    elif handle < HANDLE_IS_LOGIN + HANDLE_IS_MAILBOX:
        login = employee.mailbox
    else:
        login = "".join(dice.choices(string.ascii_lowercase, k=7))
    name = _spell_otherwise(_style_name(employee, dice), dice)
    return Person("", name, employee.address, login)


def _style_name(employee: Employee, dice: random.Random) -> str:
    given, surname = employee.given, employee.surname
    short = SHORT_FORMS.get(given)
    if short and dice.random() < 0.25:
        given = short
    if employee.middle and dice.random() < 0.4:
        return f"{given} {employee.middle[0]}. {surname}"
    (style,) = dice.choices([style for _, style in NAME_STYLES], [w for w, _ in NAME_STYLES])
    named = style.format(given=given, surname=surname, g=given[0], s=surname[0])
    return dice.choice((named.lower(), named.upper())) if dice.random() < 0.04 else named


def _spell_otherwise(name: str, dice: random.Random) -> str:
    """Write letters of other alphabets as people on foreign keyboards do."""
    chance = dice.random()
    if chance < 0.3:
        return " ".join(spell_plainly(word).title() for word in name.split(" "))
    return strip_marks(name) if chance < 0.45 else name


# --- what goes wrong ------------------------------------------------------------------------------

Damage = Callable[[Employee, Person, Person, random.Random], tuple[Person, Person]]


def _lose_email(
    employee: Employee, ours: Person, theirs: Person, dice: random.Random
) -> tuple[Person, Person]:
    employee.tags.add("without e-mail")
    side = dice.random()
    if side < 0.45:
        return replace(ours, email=""), theirs
    if side < 0.9:
        return ours, replace(theirs, email="")
    return replace(ours, email=""), replace(theirs, email="")


def _share_mailbox(
    employee: Employee, ours: Person, theirs: Person, dice: random.Random
) -> tuple[Person, Person]:
    employee.tags.add("shared mailbox")
    address = f"{dice.choice(TEAMS)}@{MAIN_DOMAIN}"
    side = dice.random()
    if side < 0.4:
        return replace(ours, email=address), theirs
    if side < 0.7:
        return ours, replace(theirs, email=address)
    return replace(ours, email=address), replace(theirs, email=address)


def _rename(
    employee: Employee, ours: Person, theirs: Person, dice: random.Random
) -> tuple[Person, Person]:
    """Marry: one side has the new name; sometimes with a new address, and the old one as alias."""
    employee.tags.add("renamed")
    surname = dice.choice(
        ("Wagner", "Bishop", "Sokołowska", "Nyström", "Vidal", "Kessler", "Adler")
    )
    new = f"{employee.given} {surname}"
    if dice.random() < 0.25:
        new = f"{employee.given} {employee.surname}-{surname}"
    renamed = replace(theirs, name=new)
    fate = dice.random()
    if fate < 0.5 or not renamed.email:
        return ours, renamed
    address = f"{spell_plainly(employee.given)}.{spell_plainly(surname)}@{employee.domain}"
    aliases = (theirs.email,) if fate < 0.8 else ()
    return ours, replace(renamed, email=address, aliases=aliases)


def _use_alias(
    employee: Employee, ours: Person, theirs: Person, dice: random.Random
) -> tuple[Person, Person]:
    employee.tags.add("alias")
    if not theirs.email or employee.is_contractor:
        mailbox, _, domain = theirs.email.partition("@")
        dotted = ".".join((mailbox[:3], mailbox[3:])) if domain == "gmail.com" else mailbox
        return ours, replace(theirs, email=f"{dotted}@{domain}" if domain else "")
    mailbox, _, domain = theirs.email.partition("@")
    other = BOUGHT_DOMAIN if domain == MAIN_DOMAIN else MAIN_DOMAIN
    fate = dice.random()
    if fate < 0.25:
        return ours, replace(theirs, email=f"{mailbox}+chat@{domain}")
    if fate < 0.5:
        return ours, replace(theirs, email=theirs.email.upper())
    if fate < 0.75:
        return ours, replace(theirs, email=f"{mailbox}@{other}")
    nick = f"{spell_plainly(employee.given)[0]}{spell_plainly(employee.surname)}{employee.number}"
    return ours, replace(theirs, email=f"{nick}@{domain}", aliases=(theirs.email,))


def _mistype(
    employee: Employee, ours: Person, theirs: Person, dice: random.Random
) -> tuple[Person, Person]:
    employee.tags.add("typing error")
    name = theirs.name
    place = dice.randrange(1, max(len(name) - 1, 2))
    slips = (
        name[:place] + name[place + 1 :],
        name[:place] + name[place : place + 1] * 2 + name[place + 1 :],
        name[: place - 1] + name[place : place + 1] + name[place - 1 : place] + name[place + 1 :],
    )
    return ours, replace(theirs, name=dice.choice(slips))


DAMAGES: tuple[tuple[float, Damage], ...] = (
    (WITHOUT_EMAIL, _lose_email),
    (SHARED, _share_mailbox),
    (RENAMED, _rename),
    (ALIASED, _use_alias),
    (TYPING_ERRORS, _mistype),
)


def _hand_on_addresses(made: Directories, dice: random.Random) -> None:
    """Give addresses of people who left to others: ours still has the leaver with it."""
    remote_ids = set(made.pairs.values())
    leavers = [number for number, person in enumerate(made.local) if person.id not in made.pairs]
    newcomers = [number for number, person in enumerate(made.remote) if person.id not in remote_ids]
    count = min(len(leavers), len(newcomers), round(len(made.local) * HANDED_ON))
    for leaver, newcomer in zip(
        dice.sample(leavers, count), dice.sample(newcomers, count), strict=True
    ):
        address = made.local[leaver].email
        made.remote[newcomer] = replace(made.remote[newcomer], email=address)
