"""The sentences for invalid options, marked for translation; a check translates them."""

from django.utils.translation import gettext_noop

REQUIRED = gettext_noop("This is required.")
NOT_AN_OBJECT = gettext_noop("This must be an object.")
TOO_MANY_ENTRIES = gettext_noop("This must be an object of at most %d entries.")
UNKNOWN_OPTION = gettext_noop("There is no such option.")
NOT_ONE_OF = gettext_noop("This must be one of: %s.")
NO_SUCH_CONNECTION = gettext_noop("There is no such connection.")
