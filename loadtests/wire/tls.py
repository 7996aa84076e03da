"""TLS as a device has it: certificates are verified, names are checked, and HTTP/1.1 is what is spoken inside.

One context for all connections of a process: making one reads all authorities of the machine.
"""

import ssl
from collections.abc import Iterator
from typing import Final

ALPN: Final = ("http/1.1",)
"""What devices offer: neither WebSockets nor re-fetches need HTTP/2, and a server must not choose it for them."""


class TlsError(RuntimeError):
    """The certificates that are to be trusted cannot be read. The text says what to do."""


def client_context(ca_file: str = "") -> ssl.SSLContext:
    """Return what verifies a target by this machine's authorities, and by those in `ca_file` if it is given.

    OpenSSL's own variables SSL_CERT_FILE and SSL_CERT_DIR replace this machine's.

    Raises:
        TlsError: `ca_file` cannot be read, or holds no certificate.

    """
    context = ssl.create_default_context()
    context.set_alpn_protocols(list(ALPN))
    if ca_file:
        try:
            context.load_verify_locations(cafile=ca_file)
        except (OSError, ssl.SSLError) as error:
            raise TlsError(
                f"ca_file {ca_file} cannot be used: {error.strerror or error}; it must hold the certificate of the "
                f"authority, as text that begins with -----BEGIN CERTIFICATE-----"
            ) from error
    return context


def explain(error: BaseException, host: str) -> str:
    """Return why there is no connection to `host`, in one sentence that says what to do where that is known."""
    for cause in _causes(error):
        if (told := _of_tls(cause, host) or _of_network(cause, host)) is not None:
            return told
    return str(error) or type(error).__name__


def _of_tls(cause: BaseException, host: str) -> str | None:
    if isinstance(cause, ssl.SSLCertVerificationError):
        if "mismatch" in cause.verify_message:
            return f"the certificate of {host} is somebody else's: {cause.verify_message}"
        return (
            f"the certificate of {host} is not trusted ({cause.verify_message}): name the file of its authority "
            f"with ca_file, or in SSL_CERT_FILE"
        )
    if isinstance(cause, ssl.SSLError) and cause.reason == "WRONG_VERSION_NUMBER":
        return f"{host} does not speak TLS on this port: use http:// and ws://, or another port"
    return None


def _of_network(cause: BaseException, host: str) -> str | None:
    if isinstance(cause, ConnectionRefusedError):
        return f"nothing listens at {host}: is it running, and is the port right?"
    if isinstance(cause, TimeoutError):
        return f"{host} does not answer in time: it hangs, or something on the way drops packets"
    if isinstance(cause, OSError) and (cause.errno or 0) < 0:  # those of a failed look-up are negative
        return f"{host} has no address ({cause.strerror}): is the name right, and is there a network?"
    return None


def is_unreachable(error: BaseException) -> bool:
    """Return whether there was no connection, whoever has wrapped that meanwhile."""
    return any(isinstance(cause, OSError) for cause in _causes(error))


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__
