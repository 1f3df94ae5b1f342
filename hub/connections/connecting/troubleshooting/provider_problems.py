"""Problems between us and the external system: registration, responses, tests."""

from collections.abc import Mapping

from django.utils.translation import gettext_noop as _

from connectors.schema import Advice
from hub.connections.connecting.troubleshooting.problem import ConnectProblem

PROVIDER_PROBLEMS: Mapping[str, ConnectProblem] = {
    # --- our registration at the system ---
    "not_set_up": ConnectProblem(
        _("%(system)s is not set up yet"),
        Advice(
            _("%(hub)s is not registered at %(system)s yet, so it cannot be connected."),
            "us",
            _("Please set up %(system)s in %(hub)s: we would like to connect it."),
        ),
    ),
    "unreadable_here": ConnectProblem(
        _("We cannot read what we stored"),
        Advice(
            _(
                "%(hub)s cannot decrypt what it stored for connecting %(system)s. Nothing was "
                "connected. Send the text below to the people who run %(hub)s, then begin again."
            ),
            "us",
            _(
                "%(hub)s cannot decrypt what it stored for %(system)s. Please look whether a key "
                "is missing in HUB_FIELD_KEYS, and test the connector app for %(system)s."
            ),
        ),
    ),
    "environment_refused": ConnectProblem(
        _("This kind of account cannot be connected yet"),
        Advice(
            _("%(hub)s is not configured for the sign-in address of such accounts of %(system)s."),
            "us",
            _(
                "Please check the connector app for %(system)s: its host patterns do not "
                "allow the sign-in address of our account."
            ),
        ),
    ),
    "client_refused": ConnectProblem(
        _("%(system)s does not recognise our app"),
        Advice(
            _("Our client ID or client secret was rejected. You cannot fix this yourself."),
            "us",
            _(
                "%(system)s rejects the client ID or the client secret of %(hub)s. Please "
                "check the connector app."
            ),
        ),
    ),
    "redirect_refused": ConnectProblem(
        _("%(system)s does not accept our redirect URL"),
        Advice(
            _("The address for the way back to us is not registered with our app there."),
            "us",
            _(
                "%(system)s rejects the redirect URL of %(hub)s. Please register it as "
                "shown on the page of the connector app."
            ),
        ),
    ),
    "request_refused": ConnectProblem(
        _("%(system)s rejects our request"),
        Advice(
            _("The registration of our app there does not match our request."),
            "us",
            _(
                "%(system)s rejects the token request of %(hub)s. Please compare the app's "
                "registration with the page of the connector app."
            ),
        ),
    ),
    # --- the system's responses ---
    "code_refused": ConnectProblem(
        _("The authorization code has expired"),
        Advice(
            _(
                "The code from %(system)s has expired or was already used. Codes are valid "
                "for a few minutes only."
            ),
            "you",
        ),
    ),
    "clock_off": ConnectProblem(
        _("The clocks differ"),
        Advice(
            _(
                "Our clock and the clock of %(system)s differ by more than five minutes, "
                "so codes expire too early."
            ),
            "us",
            _(
                "The clock of %(hub)s or of its database is wrong: %(system)s reports "
                "another time. Please synchronise it with NTP."
            ),
        ),
    ),
    "certificate": ConnectProblem(
        _("The certificate of %(system)s could not be verified"),
        Advice(
            _(
                "A proxy intercepts our calls to %(system)s, a certificate has expired, or "
                "our clock is wrong."
            ),
            "us",
            _(
                "%(hub)s cannot verify the certificate of %(system)s. Please check the "
                "clock and the proxies in between."
            ),
        ),
    ),
    "unavailable": ConnectProblem(
        _("%(system)s does not respond"),
        Advice(_("%(system)s could not be reached or reports that it is unavailable."), "wait"),
    ),
    "busy": ConnectProblem(
        _("Too many accounts are being tested right now"),
        Advice(
            _(
                "%(system)s was not called, and nothing was changed. Wait ten seconds, "
                "then press the button again."
            ),
            "you",
        ),
    ),
    "throttled": ConnectProblem(
        _("%(system)s asks us to wait"),
        Advice(_("Too many connections were made within a short time."), "wait"),
    ),
    "strange_answer": ConnectProblem(
        _("%(system)s sent an unexpected response"),
        Advice(
            _("The response does not match the documentation of %(system)s, so it was rejected."),
            "us",
            _(
                "Connecting %(system)s with %(hub)s failed: the response of the token "
                "endpoint could not be read."
            ),
        ),
    ),
    "host_refused": ConnectProblem(
        _("The response names an unexpected host"),
        Advice(
            _(
                "The response names an address that does not belong to %(system)s, so it "
                "was rejected."
            ),
            "us",
            _(
                "Connecting %(system)s with %(hub)s failed: the response names a host "
                "outside the app's host patterns."
            ),
        ),
    ),
    "bad_signature": ConnectProblem(
        _("The signature of %(system)s is not valid"),
        Advice(
            _("The identity in the response is not signed with our secret, so it was rejected."),
            "us",
            _(
                "Connecting %(system)s with %(hub)s failed: the signature of the response "
                "does not match our secret."
            ),
        ),
    ),
    "no_access_token": ConnectProblem(
        _("We did not receive a token"),
        Advice(
            _(
                "The response of %(system)s does not contain the required token. Check "
                "that the app is approved for this account."
            ),
            "their_admin",
            _(
                "Please check whether “%(hub)s” is fully approved in our %(system)s: it "
                "did not receive a token."
            ),
        ),
    ),
    "token_refused": ConnectProblem(
        _("%(system)s rejects its own token"),
        Advice(
            _(
                "We received a token, but the first call with it was rejected. An IP "
                "address rule or a policy can cause this."
            ),
            "their_admin",
            _(
                "The first call of “%(hub)s” to our %(system)s was rejected. Is there a "
                "rule for IP addresses or apps?"
            ),
        ),
    ),
    # --- a test of form input ---
    "incomplete": ConnectProblem(
        _("Some values are missing or invalid"),
        Advice(
            _("Some of the values are missing or invalid. The failed check shows which."), "you"
        ),
    ),
    "address_refused": ConnectProblem(
        _("This address is not allowed"),
        Advice(
            _(
                "The hub only calls public HTTPS addresses: no private networks and no "
                "unusual ports."
            ),
            "you",
        ),
    ),
    "unreachable": ConnectProblem(
        _("%(system)s could not be reached at this address"),
        Advice(
            _(
                "The host name is unknown, or the host does not respond. A firewall can "
                "also cause this."
            ),
            "their_admin",
            _(
                "“%(hub)s” cannot reach our %(system)s. Is the address correct, and can "
                "the hub reach it?"
            ),
        ),
    ),
    "credential_refused": ConnectProblem(
        _("%(system)s does not accept the credential"),
        Advice(
            _("The system responds, but reports that the credential is unknown or has expired."),
            "their_admin",
            _(
                "%(system)s rejects the credential of “%(hub)s”. Can you check it or "
                "create a new one?"
            ),
        ),
    ),
    "answered_no": ConnectProblem(
        _("%(system)s responds with an error"),
        Advice(
            _(
                "The system was reached, but responded with an error. The address or a "
                "setting there is probably wrong."
            ),
            "you",
        ),
    ),
    "tenant_suspended": ConnectProblem(
        _("This tenant is suspended"),
        Advice(
            _("Nothing can be connected while the tenant is suspended."),
            "us",
            _(
                "We would like to connect %(system)s with %(hub)s, but our tenant is "
                "suspended. What do we need to do?"
            ),
        ),
    ),
    "refused": ConnectProblem(
        _("%(system)s refused"),
        Advice(
            _("%(system)s gave a reason that we do not recognise."),
            "us",
            _(
                "Connecting %(system)s with %(hub)s was refused for a reason that the hub "
                "does not recognise."
            ),
        ),
    ),
}
