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
    "environment_refused": ConnectProblem(
        _("This kind of account cannot be connected yet"),
        Advice(
            _(
                "The address where such accounts of %(system)s sign in is not one that %(hub)s "
                "sends people to."
            ),
            "us",
            _(
                "Please look at the connector app for %(system)s: its hosts do not allow where our "
                "account signs in."
            ),
        ),
    ),
    "client_refused": ConnectProblem(
        _("%(system)s does not know our app"),
        Advice(
            _("Our client id or our client secret is refused. It is not your fault."),
            "us",
            _(
                "%(system)s refuses the client id or the client secret of %(hub)s. Please look at "
                "the connector app."
            ),
        ),
    ),
    "redirect_refused": ConnectProblem(
        _("%(system)s does not know our address"),
        Advice(
            _("The address that you are sent back to is not registered with our app there."),
            "us",
            _(
                "%(system)s refuses the redirect URL of %(hub)s. Please register it as the "
                "connector app's page says."
            ),
        ),
    ),
    "request_refused": ConnectProblem(
        _("%(system)s does not take our request"),
        Advice(
            _("How our app is registered there and how we ask do not fit together."),
            "us",
            _(
                "%(system)s refuses how %(hub)s asks for a token. Please compare the app with the "
                "connector app's page."
            ),
        ),
    ),
    # --- the system's responses ---
    "code_refused": ConnectProblem(
        _("The code had ended"),
        Advice(
            _(
                "The code that %(system)s sent had ended, or was used already. It lives a few "
                "minutes only."
            ),
            "you",
        ),
    ),
    "clock_off": ConnectProblem(
        _("The clocks do not agree"),
        Advice(
            _(
                "Our clock and the one of %(system)s differ by more than five minutes, so that "
                "codes end too early."
            ),
            "us",
            _(
                "The clock of %(hub)s, or of its database, is wrong: %(system)s has another time. "
                "Please set it by NTP."
            ),
        ),
    ),
    "certificate": ConnectProblem(
        _("The certificate of %(system)s is not valid here"),
        Advice(
            _(
                "Somebody stands between us and %(system)s, a certificate has ended, or our clock "
                "is wrong."
            ),
            "us",
            _(
                "%(hub)s cannot verify the certificate of %(system)s. Please look at the clock, "
                "and at proxies between."
            ),
        ),
    ),
    "unavailable": ConnectProblem(
        _("%(system)s does not answer"),
        Advice(_("%(system)s could not be reached, or says that it is not available now."), "wait"),
    ),
    "busy": ConnectProblem(
        _("Too many accounts are being tested at this moment"),
        Advice(
            _(
                "%(system)s was not asked, so nothing was decided and nothing is lost. Wait ten "
                "seconds, then press "
                "the button again."
            ),
            "you",
        ),
    ),
    "throttled": ConnectProblem(
        _("%(system)s asks us to wait"),
        Advice(_("Too many have connected within a short time."), "wait"),
    ),
    "strange_answer": ConnectProblem(
        _("%(system)s answered something strange"),
        Advice(
            _("The answer is not what %(system)s documents, so we did not believe it."),
            "us",
            _(
                "Connecting %(system)s with %(hub)s failed: the answer of the token endpoint could "
                "not be read."
            ),
        ),
    ),
    "host_refused": ConnectProblem(
        _("The answer names a strange host"),
        Advice(
            _(
                "The answer names an address that is not one of %(system)s's own, so we did not "
                "believe it."
            ),
            "us",
            _(
                "Connecting %(system)s with %(hub)s failed: the answer names a host outside the "
                "app's patterns."
            ),
        ),
    ),
    "bad_signature": ConnectProblem(
        _("The answer is not signed by %(system)s"),
        Advice(
            _(
                "The identity in the answer is not signed with our secret, so we did not believe "
                "it."
            ),
            "us",
            _(
                "Connecting %(system)s with %(hub)s failed: the signature of the answer does not "
                "fit our secret."
            ),
        ),
    ),
    "no_access_token": ConnectProblem(
        _("We were given no token"),
        Advice(
            _(
                "%(system)s answered without the token that we need. Was the app approved for this "
                "account?"
            ),
            "their_admin",
            _(
                "Please look whether “%(hub)s” is fully approved in our %(system)s: it was given "
                "no token."
            ),
        ),
    ),
    "token_refused": ConnectProblem(
        _("%(system)s does not take its own token"),
        Advice(
            _(
                "We were given a token, and the first call with it was refused. An address rule or "
                "a policy does that."
            ),
            "their_admin",
            _(
                "“%(hub)s” is refused at its first call to our %(system)s. Is there a rule for "
                "addresses or for apps?"
            ),
        ),
    ),
    # --- a test of form input ---
    "incomplete": ConnectProblem(
        _("Something is missing, or not what it should be"),
        Advice(_("What was filled in cannot work as it is; the check says what."), "you"),
    ),
    "address_refused": ConnectProblem(
        _("This address is not called"),
        Advice(
            _(
                "The hub calls public addresses over https only: no private network, no other port "
                "than the usual ones."
            ),
            "you",
        ),
    ),
    "unreachable": ConnectProblem(
        _("%(system)s could not be reached at this address"),
        Advice(
            _(
                "The name is not known, or nobody answers there. A firewall in between does that, "
                "too."
            ),
            "their_admin",
            _(
                "“%(hub)s” cannot reach our %(system)s. Is the address right, and is it open to "
                "the hub?"
            ),
        ),
    ),
    "credential_refused": ConnectProblem(
        _("%(system)s does not accept the credential"),
        Advice(
            _("It answers, and says that it does not know the credential, or that it has ended."),
            "their_admin",
            _(
                "%(system)s refuses the credential that “%(hub)s” was given. Can you look at it, "
                "or make a new one?"
            ),
        ),
    ),
    "answered_no": ConnectProblem(
        _("%(system)s answers, but not as it should"),
        Advice(
            _(
                "It was reached and answered with an error: the address or a setting there is "
                "probably wrong."
            ),
            "you",
        ),
    ),
    "tenant_suspended": ConnectProblem(
        _("This tenant is suspended"),
        Advice(
            _("As long as it is suspended, nothing new is connected."),
            "us",
            _(
                "We would like to connect %(system)s with %(hub)s, and our tenant is suspended. "
                "What is missing?"
            ),
        ),
    ),
    "refused": ConnectProblem(
        _("%(system)s refused"),
        Advice(
            _("%(system)s gave a reason that we do not know."),
            "us",
            _(
                "Connecting %(system)s with %(hub)s was refused for a reason that the hub does not "
                "know."
            ),
        ),
    ),
}
