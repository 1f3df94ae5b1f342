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
    directories = Directories()
    for employee in employees:
        _add_employee(directories, employee, dice)
    _hand_on_addresses(directories, dice)
    directories.remote += [
        Person(f"B{number}", f"{name} Bot", login=f"{name.lower()}bot", is_bot=number % 2 == 0)
        for number, name in enumerate(("Deploy", "Jira", "Standup", "Giphy", "Backup", "Polly"))
    ]
    directories.remote += [
        Person(f"T{number}", team.title(), f"{team}@{MAIN_DOMAIN}")
        for number, team in enumerate(TEAMS)
    ]
    dice.shuffle(directories.local)
    dice.shuffle(directories.remote)
    return directories


def _add_employee(directories: Directories, employee: Employee, dice: random.Random) -> None:
    local_id, remote_id = f"u-{employee.number}", f"U{employee.number:05d}"
    our_person, their_person = _describe_locally(employee, dice), _describe_remotely(employee, dice)
    for share, damage in DAMAGES:
        if dice.random() < share:
            our_person, their_person = damage(employee, our_person, their_person, dice)
    chance = dice.random()
    if chance >= LOCAL_ONLY:
        directories.remote.append(replace(their_person, id=remote_id))
    if LOCAL_ONLY <= chance < LOCAL_ONLY + REMOTE_ONLY:
        return
    directories.local.append(replace(our_person, id=local_id))
    directories.tags[local_id] = employee.tags
    if chance < LOCAL_ONLY:
        return
    directories.pairs[local_id] = remote_id
    fate = dice.random()
    if fate < DEACTIVATED:
        directories.remote[-1] = replace(directories.remote[-1], is_active=False)
        directories.deactivated.add(local_id)
    elif fate < DEACTIVATED + RECREATED:  # an old account beside the one that is used
        directories.remote.append(
            replace(their_person, id=f"X{employee.number:05d}", is_active=False)
        )


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
    given_name, surname = employee.given, employee.surname
    short = SHORT_FORMS.get(given_name)
    if short and dice.random() < 0.25:
        given_name = short
    if employee.middle and dice.random() < 0.4:
        return f"{given_name} {employee.middle[0]}. {surname}"
    (style,) = dice.choices([style for _, style in NAME_STYLES], [w for w, _ in NAME_STYLES])
    named = style.format(given=given_name, surname=surname, g=given_name[0], s=surname[0])
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
    employee: Employee, our_person: Person, their_person: Person, dice: random.Random
) -> tuple[Person, Person]:
    employee.tags.add("without e-mail")
    side = dice.random()
    if side < 0.45:
        return replace(our_person, email=""), their_person
    if side < 0.9:
        return our_person, replace(their_person, email="")
    return replace(our_person, email=""), replace(their_person, email="")


def _share_mailbox(
    employee: Employee, our_person: Person, their_person: Person, dice: random.Random
) -> tuple[Person, Person]:
    employee.tags.add("shared mailbox")
    address = f"{dice.choice(TEAMS)}@{MAIN_DOMAIN}"
    side = dice.random()
    if side < 0.4:
        return replace(our_person, email=address), their_person
    if side < 0.7:
        return our_person, replace(their_person, email=address)
    return replace(our_person, email=address), replace(their_person, email=address)


def _rename(
    employee: Employee, our_person: Person, their_person: Person, dice: random.Random
) -> tuple[Person, Person]:
    """Marry: one side has the new name; sometimes with a new address, and the old one as alias."""
    employee.tags.add("renamed")
    surname = dice.choice(
        ("Wagner", "Bishop", "Sokołowska", "Nyström", "Vidal", "Kessler", "Adler")
    )
    new = f"{employee.given} {surname}"
    if dice.random() < 0.25:
        new = f"{employee.given} {employee.surname}-{surname}"
    renamed = replace(their_person, name=new)
    fate = dice.random()
    if fate < 0.5 or not renamed.email:
        return our_person, renamed
    address = f"{spell_plainly(employee.given)}.{spell_plainly(surname)}@{employee.domain}"
    aliases = (their_person.email,) if fate < 0.8 else ()
    return our_person, replace(renamed, email=address, aliases=aliases)


def _use_alias(
    employee: Employee, our_person: Person, their_person: Person, dice: random.Random
) -> tuple[Person, Person]:
    employee.tags.add("alias")
    if not their_person.email or employee.is_contractor:
        mailbox, _, domain = their_person.email.partition("@")
        dotted = ".".join((mailbox[:3], mailbox[3:])) if domain == "gmail.com" else mailbox
        return our_person, replace(their_person, email=f"{dotted}@{domain}" if domain else "")
    mailbox, _, domain = their_person.email.partition("@")
    other = BOUGHT_DOMAIN if domain == MAIN_DOMAIN else MAIN_DOMAIN
    fate = dice.random()
    if fate < 0.25:
        return our_person, replace(their_person, email=f"{mailbox}+chat@{domain}")
    if fate < 0.5:
        return our_person, replace(their_person, email=their_person.email.upper())
    if fate < 0.75:
        return our_person, replace(their_person, email=f"{mailbox}@{other}")
    nick = f"{spell_plainly(employee.given)[0]}{spell_plainly(employee.surname)}{employee.number}"
    return our_person, replace(
        their_person, email=f"{nick}@{domain}", aliases=(their_person.email,)
    )


def _mistype(
    employee: Employee, our_person: Person, their_person: Person, dice: random.Random
) -> tuple[Person, Person]:
    employee.tags.add("typing error")
    name = their_person.name
    place = dice.randrange(1, max(len(name) - 1, 2))
    slips = (
        name[:place] + name[place + 1 :],
        name[:place] + name[place : place + 1] * 2 + name[place + 1 :],
        name[: place - 1] + name[place : place + 1] + name[place - 1 : place] + name[place + 1 :],
    )
    return our_person, replace(their_person, name=dice.choice(slips))


DAMAGES: tuple[tuple[float, Damage], ...] = (
    (WITHOUT_EMAIL, _lose_email),
    (SHARED, _share_mailbox),
    (RENAMED, _rename),
    (ALIASED, _use_alias),
    (TYPING_ERRORS, _mistype),
)


def _hand_on_addresses(directories: Directories, dice: random.Random) -> None:
    """Give addresses of people who left to others: ours still has the leaver with it."""
    remote_ids = set(directories.pairs.values())
    leavers = [
        number
        for number, person in enumerate(directories.local)
        if person.id not in directories.pairs
    ]
    newcomers = [
        number for number, person in enumerate(directories.remote) if person.id not in remote_ids
    ]
    count = min(len(leavers), len(newcomers), round(len(directories.local) * HANDED_ON))
    for leaver, newcomer in zip(
        dice.sample(leavers, count), dice.sample(newcomers, count), strict=True
    ):
        address = directories.local[leaver].email
        directories.remote[newcomer] = replace(directories.remote[newcomer], email=address)
