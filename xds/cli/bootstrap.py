"""`xds bootstrap`: what a user hands to their own Envoy."""

from typing import Annotated

import typer

from xds.cli.options import DEFAULT_ENVOY_ADMIN, DEFAULT_LISTEN, address, ip_address
from xds.ports import HostPort
from xds.translate.bootstrap import Node, Protocol, Tls
from xds.translate.bootstrap import bootstrap as bootstrap_message
from xds.translate.text import to_dict, to_yaml


def bootstrap(
    xds_address: Annotated[
        HostPort,
        typer.Option(parser=address, metavar="HOST:PORT", help="Where the control plane listens."),
    ] = DEFAULT_LISTEN,
    node_id: Annotated[str, typer.Option(help="The name of this Envoy.")] = "envoy",
    node_cluster: Annotated[
        str, typer.Option(help="The name of the fleet that it belongs to.")
    ] = "llm-gateway",
    admin_address: Annotated[
        HostPort,
        typer.Option(parser=ip_address, metavar="HOST:PORT", help="Envoy's own admin page."),
    ] = DEFAULT_ENVOY_ADMIN,
    protocol: Annotated[
        Protocol,
        typer.Option(help="What Envoy is sent: what changed, or everything of a kind each time."),
    ] = Protocol.DELTA,
    tls_ca: Annotated[
        str | None, typer.Option(help="Who signs the control plane's certificate; turns TLS on.")
    ] = None,
    tls_cert: Annotated[str | None, typer.Option(help="Envoy's own certificate.")] = None,
    tls_key: Annotated[str | None, typer.Option(help="The key of Envoy's certificate.")] = None,
) -> None:
    """Print the bootstrap of an Envoy that follows this control plane.

    The TLS files are PEM files on Envoy's machine.
    """
    if (tls_cert is None) != (tls_key is None) or (tls_cert and not tls_ca):
        message = "--tls-cert and --tls-key go together, and with --tls-ca"
        raise typer.BadParameter(message)
    node = Node(
        id=node_id,
        cluster=node_cluster,
        admin_host=admin_address.host,
        admin_port=admin_address.port,
        xds_host=xds_address.host,
        xds_port=xds_address.port,
        tls=Tls(tls_ca, tls_cert, tls_key) if tls_ca else None,
        protocol=protocol,
    )
    typer.echo(to_yaml(to_dict(bootstrap_message(node))), nl=False)
