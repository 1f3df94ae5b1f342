"""Fresh databases that start as a copy of an earlier fresh one, as all migrations take long.

The copies lie in `.cache/migrated`, by a fingerprint of the migrations; a folder to delete at will.
"""

import contextlib
import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from cryptography.fernet import Fernet

from bench.installation import postgres
from bench.installation.processes import MANAGE, ROOT

COPIES = ROOT / ".cache" / "migrated"
PACKAGES = ("hub", "tenants")
FORGET_KEYS = "DELETE FROM hub_keycanary"  # migrate makes another, under the keys of today


def migrate_fresh(url: str, environment: Mapping[str, str]) -> None:
    """Migrate an empty database; if the same migrations have run before, copy their result, under
    the keys of this environment.
    """
    copy = copy_of(url)
    if copy.exists() and can_be_copied(url):
        restore(url, copy, afterwards=replace_key_canary(environment["HUB_FIELD_KEYS"]))
        return
    migrate(environment)
    if can_be_copied(url):
        with replacing(copy) as beside:
            store(url, beside)


def migrate(environment: Mapping[str, str]) -> None:
    command = [*MANAGE, "migrate", "--no-input", "--verbosity=0"]
    subprocess.run(command, env=environment, cwd=ROOT, check=True)


def copy_of(url: str) -> Path:
    """Return where the copy for databases of this kind lies, or will lie."""
    return COPIES / f"{fingerprint_migrations()}.{'sqlite3' if is_sqlite(url) else 'sql'}"


def fingerprint_migrations() -> str:
    """Return a text that changes with the migrations and with the packages."""
    files = [path for name in PACKAGES for path in sorted((ROOT / name).rglob("migrations/*.py"))]
    content = hashlib.sha256()
    for file in [*files, ROOT / "requirements.lock", ROOT / "hub" / "settings.py"]:
        content.update(f"{file.relative_to(ROOT)}\0".encode() + file.read_bytes() + b"\0")
    return content.hexdigest()


def is_sqlite(url: str) -> bool:
    return url.startswith("sqlite:///")


def can_be_copied(url: str) -> bool:
    """Whether it can be copied: a file, or on a server of ours, whose programs are its own."""
    return is_sqlite(url) or postgres.folder_of(url) is not None


def replace_key_canary(field_keys: str) -> str:
    """Return the statement that seals the key canary under the newest of these keys.

    `KeyCanary.ensure_exists` would do it with the keys of this process.
    """
    document = json.dumps({"binding": "canary", "document": {}})
    sealed = Fernet(field_keys.split(",")[0]).encrypt(document.encode()).decode()
    return f"UPDATE hub_keycanary SET sealed = '{sealed}'"


def restore(url: str, copy: Path, *, afterwards: str = FORGET_KEYS) -> None:
    """Fill an empty database from a copy, and run a statement on its key canary."""
    if is_sqlite(url):
        shutil.copyfile(copy, sqlite_file(url))
        with contextlib.closing(sqlite3.connect(sqlite_file(url))) as database, database:
            database.execute(afterwards)
    else:
        # the script ends with an empty search path
        script = f"SET search_path = public;\n{afterwards};\n"
        postgres.restore(url, copy.read_bytes() + script.encode())


def store(url: str, copy: Path) -> None:
    """Write the copy of a database that nobody else uses."""
    if is_sqlite(url):
        shutil.copyfile(sqlite_file(url), copy)
    else:
        copy.write_bytes(postgres.dump(url))


def sqlite_file(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///"))


@contextlib.contextmanager
def replacing(file: Path) -> Iterator[Path]:
    """Yield a path beside the file, which replaces it at the end: others see it whole."""
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        yield beside
        beside.replace(file)
    finally:
        beside.unlink(missing_ok=True)
