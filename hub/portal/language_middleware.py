"""The language of a request: pages use the reader's, programs get English."""

from django.http import HttpRequest, HttpResponseBase
from django.middleware.locale import LocaleMiddleware
from django.utils import translation

from hub.problems.responses import API_PREFIXES

PROGRAM_LANGUAGE = "en"


class LanguageMiddleware(LocaleMiddleware):
    """Choose the language of pages among `LANGUAGES`: by cookie, then by Accept-Language."""

    def process_request(self, request: HttpRequest) -> None:
        if not request.path_info.startswith(API_PREFIXES):
            super().process_request(request)
            return
        translation.activate(PROGRAM_LANGUAGE)
        request.LANGUAGE_CODE = PROGRAM_LANGUAGE

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        if request.path_info.startswith(API_PREFIXES):
            return response
        return super().process_response(request, response)
