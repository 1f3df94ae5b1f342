"""Sealed values: secrets that are stored encrypted under HUB_FIELD_KEYS and bound to their row."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NoReturn

from cryptography.fernet import InvalidToken, MultiFernet
from django.apps import apps as installed
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import FieldError, ValidationError
from django.db import DatabaseError, models
from django.utils.crypto import salted_hmac
from django.views.decorators.debug import sensitive_variables
from encrypted_model_fields.fields import EncryptedTextField, parse_key

from hub.crypto.redaction import MASK


class CannotOpen(Exception):
    """A stored value cannot be opened: it is under another key, of another row, or damaged."""


class WrongKey(CannotOpen):
    """No key in HUB_FIELD_KEYS opens the stored value."""


def field_cipher() -> MultiFernet:
    return _cipher_for(tuple(settings.HUB_FIELD_KEYS))


@lru_cache(maxsize=8)
def _cipher_for(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([parse_key(key) for key in keys])


def fingerprint(secret: str) -> str:
    """Return a keyed digest of a secret, so that two can be compared without showing them."""
    return salted_hmac("hub.fingerprint", secret, algorithm="sha256").hexdigest()[:12]


class Sealed:
    """A sealed value: it holds ciphertext; `open()` returns its document for the right binding."""

    __slots__ = ("_ciphertext",)

    def __init__(self, ciphertext: str) -> None:
        self._ciphertext = ciphertext

    @sensitive_variables()
    def open(self, binding: str) -> dict[str, Any]:
        inside = _parse_document(_decrypt_text(self._ciphertext, binding))
        if not isinstance(inside, dict) or inside.keys() != {"binding", "document"}:
            raise CannotOpen(f"{binding} holds no sealed document")
        if inside["binding"] != binding:
            raise CannotOpen(f"{binding} holds what was sealed for another row")
        document: dict[str, Any] = inside["document"]
        return document

    @property
    def fingerprint(self) -> str:
        """Return the fingerprint of the ciphertext, which differs after each sealing."""
        return fingerprint(self._ciphertext)

    def __repr__(self) -> str:
        return MASK

    def __copy__(self) -> "Sealed":
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> "Sealed":
        return self

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError("a sealed value is not pickled: hand on the id of its row")


@sensitive_variables()
def seal(document: Mapping[str, Any], binding: str) -> Sealed:
    inside = json.dumps({"binding": binding, "document": dict(document)})
    return Sealed(field_cipher().encrypt(inside.encode()).decode())


@sensitive_variables()
def seal_text(text: str, binding: str) -> str:
    """Encrypt a text for a column of a library's model, bound to its row; see `open_text()`."""
    return seal({"text": text}, binding)._ciphertext


@sensitive_variables()
def open_text(ciphertext: str, binding: str) -> str:
    text: str = Sealed(ciphertext).open(binding)["text"]
    return text


@sensitive_variables()
def rotate_sealed(sealed: Sealed) -> Sealed | None:
    """Return the value sealed under the newest key; None if it is under that key already.

    Raises WrongKey when no key of HUB_FIELD_KEYS opens it.
    """
    text = rotate_text(sealed._ciphertext)
    return None if text is None else Sealed(text)


@sensitive_variables()
def rotate_text(ciphertext: str) -> str | None:
    newest = _cipher_for((settings.HUB_FIELD_KEYS[0],))
    with suppress(InvalidToken):
        newest.decrypt(ciphertext)
        return None
    with suppress(InvalidToken):
        return field_cipher().rotate(ciphertext).decode()
    raise WrongKey("no key in HUB_FIELD_KEYS opens it")


@sensitive_variables()
def _decrypt_text(ciphertext: str, binding: str) -> bytes:
    with suppress(InvalidToken):
        return field_cipher().decrypt(ciphertext)
    raise WrongKey(f"no key in HUB_FIELD_KEYS opens {binding}")


@sensitive_variables()
def _parse_document(inside: bytes) -> Any:
    """Return the parsed JSON; None if it is invalid.

    Raises no exception, as its message would contain the secret text.
    """
    with suppress(ValueError):
        return json.loads(inside)
    return None


class SealedField(EncryptedTextField):
    """A column that stores a `Sealed` value and never shows its plain text.

    The base class would decrypt on load, encrypt expressions and appear in forms. Code that sets a
    secret calls `seal()`.
    """

    empty_strings_allowed = False

    if TYPE_CHECKING:  # the library has no types

        def __get__(self, row: models.Model, owner: type[models.Model]) -> Sealed: ...

        def __set__(self, row: models.Model, value: Sealed | None) -> None: ...

    needs_preparation = True  # for bulk statements, as its values are objects

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs | {"editable": False})

    def from_db_value(self, value: str | None, *args: Any) -> Sealed | None:
        return None if value is None else Sealed(value)

    def to_python(self, value: Any) -> Sealed | None:
        if value is None or isinstance(value, Sealed):
            return value
        raise ValidationError(
            "A secret is not read from text; it is set, replaced or cleared.", code="sealed"
        )

    def get_prep_value(self, value: Any) -> Any:
        if value is None or isinstance(value, Sealed) or hasattr(value, "resolve_expression"):
            return value
        raise TypeError(f"{self} takes what seal() gives, not {type(value).__name__}")

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        value = self.get_prep_value(value)
        return value._ciphertext if isinstance(value, Sealed) else value

    def get_db_prep_save(self, value: Any, connection: Any) -> Any:
        # the library's would encrypt expressions
        return models.TextField.get_db_prep_save(self, value, connection)

    def get_lookup(self, lookup_name: str) -> Any:
        if lookup_name != "isnull":
            raise FieldError(f"{self} is sealed: it can be filtered by isnull only")
        return super().get_lookup(lookup_name)

    def get_transform(self, lookup_name: str) -> Any:
        raise FieldError(f"{self} is sealed: it can be filtered by isnull only")

    def value_to_string(self, obj: models.Model) -> str:
        return MASK


class KeyCanary(models.Model):
    """The row sealed at the first migration: if it opens, HUB_FIELD_KEYS are the right keys."""

    BINDING = "canary"

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    sealed = SealedField()

    class Meta:
        constraints = (models.CheckConstraint(condition=models.Q(id=1), name="one_canary"),)

    def __str__(self) -> str:
        return self.BINDING

    @classmethod
    def ensure_exists(cls, *, using: str, apps: Any = installed, **kwargs: Any) -> None:
        """Create the canary after each migrate and flush, once its table exists."""
        with suppress(LookupError):
            canaries = apps.get_model(cls._meta.label).objects.using(using)
            canaries.get_or_create(id=1, defaults={"sealed": seal({}, cls.BINDING)})


def check_keys() -> None:
    """Raise WrongKey when HUB_FIELD_KEYS do not open the key canary; called before a start."""
    canary = KeyCanary.objects.first()
    if canary is None:
        raise WrongKey(
            "This database has no key canary, so HUB_FIELD_KEYS cannot be checked: "
            "run manage.py migrate."
        )
    try:
        canary.sealed.open(KeyCanary.BINDING)
    except CannotOpen:
        raise WrongKey(
            "HUB_FIELD_KEYS is wrong: these keys cannot decrypt the data in this database. "
            "Set the keys that encrypted it, newest first, and start again."
        ) from None


@register(Tags.security, deploy=True)
def check_keys_fit_database(app_configs: Any, **kwargs: Any) -> Sequence[CheckMessage]:
    try:
        check_keys()
    except WrongKey as error:
        return [Error(str(error), id="hub.E001")]
    except DatabaseError:
        return [
            Error(
                "HUB_FIELD_KEYS cannot be checked: the database does not exist or is not migrated.",
                id="hub.E002",
            )
        ]
    return []
