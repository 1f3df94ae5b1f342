"""TLS as we speak it: verified with the name, 1.2 or later, never otherwise."""

import functools
import ssl

import certifi


@functools.cache
def verified_context() -> ssl.SSLContext:
    """Trusts the public authorities, and what the machine trusts (SSL_CERT_FILE, for an authority of one's own)."""
    context = ssl.create_default_context(cafile=certifi.where())
    context.load_default_certs()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context
