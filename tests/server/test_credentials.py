"""A port that is secured: who may connect, and certificates that are replaced while it is open."""

import asyncio
import ssl
from pathlib import Path

import grpc
import grpc.aio
import pytest
import trustme

from xds.dataplane import envoy, find_envoy
from xds.server.ads import AdsServer
from xds.server.credentials import TlsFiles, server_credentials
from xds.snapshot import Snapshot
from xds.store import SnapshotStore
from xds.translate.bootstrap import Node, Tls, bootstrap
from xds.translate.text import to_dict, to_json

STREAM = "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources"


def write(folder: Path, ca: trustme.CA, name: str) -> tuple[Path, Path]:
    """Write a certificate for a name, and return its file and its key's."""
    issued = ca.issue_cert(name)
    cert, key = folder / f"{name}.pem", folder / f"{name}.key"
    issued.cert_chain_pems[0].write_to_path(str(cert))
    issued.private_key_pem.write_to_path(str(key))
    return cert, key


@pytest.fixture
def ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(ca: trustme.CA, tmp_path: Path) -> Path:
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return tmp_path / "ca.pem"


async def serial(port: int, ca_file: Path) -> object:
    """Return the serial number of the certificate that a port shows."""
    context = ssl.create_default_context(cafile=str(ca_file))
    context.set_alpn_protocols(["h2"])
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    shown = writer.get_extra_info("peercert")["serialNumber"]
    writer.close()
    return shown


async def test_certificates_are_read_anew_at_each_handshake(
    ca: trustme.CA, ca_file: Path, tmp_path: Path
) -> None:
    cert, key = write(tmp_path, ca, "127.0.0.1")
    server = AdsServer(SnapshotStore())
    port = await server.start("127.0.0.1:0", server_credentials(TlsFiles(cert, key)))
    try:
        first = await serial(port, ca_file)
        write(tmp_path, ca, "127.0.0.1")
        second = await serial(port, ca_file)
        cert.write_text("broken")
        assert first != second
        assert await serial(port, ca_file) == second
    finally:
        await server.stop(0)


async def test_only_envoys_with_a_certificate_are_served(
    ca: trustme.CA, ca_file: Path, tmp_path: Path
) -> None:
    cert, key = write(tmp_path, ca, "127.0.0.1")
    own, own_key = write(tmp_path, ca, "envoy")
    store = SnapshotStore()
    store.publish(Snapshot.build(()))
    server = AdsServer(store)
    credentials = server_credentials(TlsFiles(cert, key, client_ca=ca_file))
    port = await server.start("127.0.0.1:0", credentials)

    tls = Tls(str(ca_file), str(own), str(own_key))
    node = Node("e", "c", "127.0.0.1", 0, "127.0.0.1", port, tls)
    try:
        # Envoy is ready once it has its first configuration.
        text = to_json(to_dict(bootstrap(node)))
        async with envoy(find_envoy(), text, concurrency=1, access_log=tmp_path / "log"):
            pass
        nobody = grpc.ssl_channel_credentials(ca_file.read_bytes())
        async with grpc.aio.secure_channel(f"127.0.0.1:{port}", nobody) as channel:
            call: grpc.aio.StreamStreamCall[bytes, bytes] = channel.stream_stream(STREAM)()
            assert await call.code() is grpc.StatusCode.UNAVAILABLE
    finally:
        await server.stop(0)


@pytest.mark.parametrize(
    ("spoiled", "text", "told"),
    [
        ("127.0.0.1.pem", None, "127.0.0.1.pem"),
        ("127.0.0.1.key", None, "127.0.0.1.key"),
        ("ca.pem", None, "ca.pem"),
        ("127.0.0.1.pem", "no certificate", "no certificate with its key"),
        ("127.0.0.1.key", "no key", "no certificate with its key"),
        ("ca.pem", "no certificate", "ca.pem holds no certificates"),
    ],
)
def test_files_that_can_not_be_used_are_told(  # noqa: PLR0917  a table and its fixtures
    spoiled: str, text: str | None, told: str, ca: trustme.CA, ca_file: Path, tmp_path: Path
) -> None:
    cert, key = write(tmp_path, ca, "127.0.0.1")
    if text is None:
        (tmp_path / spoiled).unlink()
    else:
        (tmp_path / spoiled).write_text(text)

    with pytest.raises(OSError, match=told):
        server_credentials(TlsFiles(cert, key, ca_file))


def test_the_name_in_the_bootstrap_is_checked() -> None:
    by_name = to_json(to_dict(bootstrap(Node("e", "c", "::1", 0, "xds.example", 1, Tls("ca")))))
    by_address = to_json(to_dict(bootstrap(Node("e", "c", "::1", 0, "::1", 1, Tls("ca")))))

    assert '"sni": "xds.example"' in by_name
    assert '"san_type": "DNS"' in by_name
    assert '"san_type": "IP_ADDRESS"' in by_address
    assert "sni" not in by_address
