"""Two directories of people of another making than those of the bench, with their true pairs.

Our users all belong to one company. The system also has guests of customers, agencies and
suppliers; a part of them are namesakes of our users, whether or not these have an account.
"""

import random
from dataclasses import dataclass, field

from connectors.directories import Person

GIVEN = """
Aylin Berk Chiara Dmitri Elif Farid Giulia Hakan Ines Jorge Katarzyna Lars Mehmet Nadia Olga
Piotr Rosa Samir Tomasz Ursula Valentina Wiktor Yusuf Zeynep Marco Lucia Pedro Ana Jan Eva Ivan
Maria Ahmed Fatima Sven Astrid Pavel Jana Luca Sofia
"""
FAMILY = """
Yilmaz Kaya Rossi Ferrari Ivanov Petrov Kowalski Nowak Silva Santos Garcia Lopez Hansen Olsen
Novak Svoboda Horvat Kovac Haddad Mansour Demir Celik Bianchi Ricci Sokolov Wozniak Pereira
Costa Ruiz Moreno Larsen Berg Dvorak Kral Babic Maric Nasser Saleh Aydin Greco
"""
PARTNERS = ("brightpath.agency", "nordwind.de", "tressel.co", "olivetto.it", "kestrel.io")
HOME = "quillandsons.com"


@dataclass
class People:
    """Our users, the accounts of the system, and the account of each user who has one."""

    local: list[Person] = field(default_factory=list)
    remote: list[Person] = field(default_factory=list)
    pairs: dict[str, str] = field(default_factory=dict)


def build_people(count: int, seed: int) -> People:
    chance = random.Random(seed)
    people = People()
    for number, name in enumerate(choose_names(count, chance)):
        user_id, account_id = f"u{number}", f"a{number}"
        people.local.append(Person(user_id, name, write_address(name, HOME, chance)))
        if chance.random() < 0.7:
            people.pairs[user_id] = account_id
            people.remote.append(build_account(account_id, name, people.local[-1].email, chance))
        if chance.random() < 0.15:
            company = chance.choice(PARTNERS)
            address = write_address(name, company, chance)
            people.remote.append(Person(f"guest{number}", name, address))
    chance.shuffle(people.remote)
    return people


def choose_names(count: int, chance: random.Random) -> list[str]:
    """Return names of two or three words, most of which occur once."""
    names = []
    for _ in range(count):
        second = f" {chance.choice(FAMILY.split())}" if chance.random() < 0.6 else ""
        names.append(f"{chance.choice(GIVEN.split())} {chance.choice(FAMILY.split())}{second}")
    return names


def build_account(id: str, name: str, email: str, chance: random.Random) -> Person:
    """Return the account of a user: with the address, without one, or under a shorter name."""
    kind = chance.random()
    if kind < 0.75:
        shown = name if kind < 0.5 else " ".join(reversed(name.split(" ", 1)))
        return Person(id, shown, email.upper() if kind < 0.2 else email)
    return Person(id, name, "", login=email.partition("@")[0] if kind < 0.85 else "")


def write_address(name: str, domain: str, chance: random.Random) -> str:
    words = name.lower().split()
    forms = (".".join(words), f"{words[0][0]}{words[-1]}", f"{words[-1]}.{words[0]}")
    return f"{chance.choice(forms)}{chance.choice(('', '', chance.randint(2, 99)))}@{domain}"
