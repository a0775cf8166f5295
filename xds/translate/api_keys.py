"""Know how a listener asks for a key."""

from collections.abc import Sequence

from envoy_data_plane.envoy.extensions.filters.http.api_key_auth.v3 import (
    ApiKeyAuth,
    Credential,
    Forwarding,
    KeySource,
)
from envoy_data_plane.envoy.extensions.filters.network.http_connection_manager.v3 import (
    HttpFilter,
)

from xds.wire.codec import pack


def api_key_auth(keys: Sequence[str]) -> HttpFilter:
    """Return the filter that lets only requests with one of the keys pass, as a bearer token.

    The key is the gateway's own: no server behind it gets to see it.
    https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/api_key_auth_filter
    """
    auth = ApiKeyAuth(
        credentials=[
            Credential(key=key, client=f"key-{number}") for number, key in enumerate(keys, 1)
        ],
        key_sources=[KeySource(header="authorization")],
        forwarding=Forwarding(hide_credentials=True),
    )
    return HttpFilter(name="envoy.filters.http.api_key_auth", typed_config=pack(auth))
