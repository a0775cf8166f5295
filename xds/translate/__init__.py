"""Know how a `Gateway` becomes Envoy resources: values in, envoy_data_plane messages out."""

from xds.translate.translation import Translation, translate

__all__ = ["Translation", "translate"]
