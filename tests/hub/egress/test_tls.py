"""Never in clear, never unverified: what cannot be verified gets nothing."""

import datetime
import ipaddress
import ssl
import warnings

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from connectors.http import Request
from hub.egress import EgressRules, RequestNotSent
from hub.egress.tls import build_verified_context
from tests.hub.egress.hostile import Hostile

DAY = datetime.timedelta(days=1)
NOW = datetime.datetime.now(datetime.UTC)  # certificates are judged by the machine's clock


def certificate(folder, *, address="127.0.0.1", starts=NOW - DAY, ends=NOW + DAY):
    """A self-signed one, with its key, in a file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    builder = x509.CertificateBuilder(
        name, name, key.public_key(), x509.random_serial_number(), starts, ends
    )
    names = x509.SubjectAlternativeName(
        [x509.IPAddress(ipaddress.ip_address(address)), x509.DNSName("localhost")]
    )
    authority = x509.BasicConstraints(ca=True, path_length=None)
    signed = (
        builder.add_extension(names, False)
        .add_extension(authority, True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "certificate.pem"
    path.write_bytes(signed.public_bytes(pem) + private)
    return path


def serve_tls(path, newest=ssl.TLSVersion.TLSv1_3):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    if newest < ssl.TLSVersion.TLSv1_2:
        context.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
            context.minimum_version = context.maximum_version = newest
    return context


def build_trusting_context(path):
    context = ssl.create_default_context(cafile=path)
    context.minimum_version = build_verified_context().minimum_version
    return context


def post_request(send, server, tls, host="127.0.0.1"):
    rules = EgressRules(allow=frozenset({f"{host}:{server.port}"}))
    request = Request("POST", f"https://{host}:{server.port}/ok", json={"secret": 1})
    return send(request, rules, tls=tls, lookup=lambda name: ["127.0.0.1"], timeout=1.0)


def get_tls_failure(send, server, tls, host="127.0.0.1"):
    with pytest.raises(RequestNotSent) as failure:
        post_request(send, server, tls, host)
    return failure.value.reason


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_trusted_certificate_for_the_name_is_spoken_to(send, tmp_path, host):
    path = certificate(tmp_path)
    with Hostile(serve_tls(path)) as server:
        assert post_request(send, server, build_trusting_context(path), host).body == b"fine"


def test_a_self_signed_certificate_gets_nothing(send, tmp_path):
    with Hostile(serve_tls(certificate(tmp_path))) as server:
        assert (get_tls_failure(send, server, None), server.heard) == ("tls_failed", [])


def test_an_expired_certificate_gets_nothing(send, tmp_path):
    path = certificate(tmp_path, starts=NOW - 2 * DAY, ends=NOW - DAY)
    with Hostile(serve_tls(path)) as server:
        assert (
            get_tls_failure(send, server, build_trusting_context(path)),
            server.heard,
        ) == ("tls_failed", [])


def test_a_certificate_for_another_host_gets_nothing(send, tmp_path):
    path = certificate(tmp_path, address="127.0.0.2")
    with Hostile(serve_tls(path)) as server:
        assert (
            get_tls_failure(send, server, build_trusting_context(path)),
            server.heard,
        ) == ("tls_failed", [])


def test_an_old_version_gets_nothing(send, tmp_path):
    path = certificate(tmp_path)
    with Hostile(serve_tls(path, ssl.TLSVersion.TLSv1_1)) as server:
        assert get_tls_failure(send, server, build_trusting_context(path)) in (
            "tls_failed",
            "connect_failed",
        )  # asyncio sees a reset
        assert server.heard == []


def test_a_server_without_tls_gets_nothing_in_clear(send, hostile):
    assert get_tls_failure(send, hostile, None) in ("tls_failed", "connect_failed")
    assert hostile.heard == []


def test_a_handshake_that_stalls_ends_in_time_and_sent_nothing(send, canary):
    assert get_tls_failure(send, canary, None) == "connect_failed"


def test_tls_is_verified_with_the_name_and_not_old():
    context = build_verified_context()
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert context.cert_store_stats()["x509_ca"] > 50
