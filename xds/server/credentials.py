"""Know how the port is secured: certificates from files, read anew at each handshake."""

import ssl
from dataclasses import dataclass
from pathlib import Path

import grpc
import structlog

_log = structlog.get_logger("xds.server")


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files: our certificate chain and its key, and who signs our clients' certificates.

    With `client_ca`, a client without a certificate from there is turned away.
    """

    cert: Path
    key: Path
    client_ca: Path | None = None


def server_credentials(files: TlsFiles) -> grpc.ServerCredentials:
    """Return credentials that follow their files; while those are broken, the last good ones stay.

    Raises OSError, which names the file, if they can not be used now.
    """

    def fetch() -> grpc.ServerCertificateConfiguration | None:
        try:
            return _configuration(files)
        except OSError as error:
            _log.error("certificates refused; the last good ones stay", reason=str(error))
            return None

    return grpc.dynamic_ssl_server_credentials(
        _configuration(files),
        fetch,  # type: ignore[arg-type]  # None is gRPC's word for "as before"
        require_client_authentication=files.client_ca is not None,
    )


def _configuration(files: TlsFiles) -> grpc.ServerCertificateConfiguration:
    for path in (files.cert, files.key, files.client_ca):
        if path is not None:
            path.open("rb").close()  # says which one is missing, where ssl does not
    _check(files)
    return grpc.ssl_server_certificate_configuration(
        [(files.key.read_bytes(), files.cert.read_bytes())],
        root_certificates=files.client_ca.read_bytes() if files.client_ca else None,
    )


def _check(files: TlsFiles) -> None:
    # gRPC takes anything, and then fails each handshake without a word.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(files.cert, files.key)
    except ssl.SSLError as error:
        message = f"{files.cert} and {files.key} are no certificate with its key: {error.reason}"
        raise OSError(message) from None
    if files.client_ca is not None:
        try:
            context.load_verify_locations(files.client_ca)
        except ssl.SSLError as error:
            message = f"{files.client_ca} holds no certificates: {error.reason}"
            raise OSError(message) from None
