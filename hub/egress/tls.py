"""The TLS settings of both clients: TLS 1.2 or later, certificate and name verified."""

import functools
import ssl

import certifi


@functools.cache
def build_verified_context() -> ssl.SSLContext:
    """Build a context that trusts the public authorities and those of the machine.

    SSL_CERT_FILE adds an authority of the operator.
    """
    context = ssl.create_default_context(cafile=certifi.where())
    context.load_default_certs()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context
