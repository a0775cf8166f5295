"""Know the HTTP filters that a request passes before it is routed."""

from envoy_data_plane.envoy.config.common.mutation_rules.v3 import HeaderMutation
from envoy_data_plane.envoy.config.core.v3 import (
    HeaderValue,
    HeaderValueOption,
    HeaderValueOptionHeaderAppendAction,
)
from envoy_data_plane.envoy.extensions.filters.http.header_mutation.v3 import (
    HeaderMutation as HeaderMutationFilter,
)
from envoy_data_plane.envoy.extensions.filters.http.header_mutation.v3 import Mutations
from envoy_data_plane.envoy.extensions.filters.http.header_to_metadata.v3 import (
    Config as HeaderToMetadata,
)
from envoy_data_plane.envoy.extensions.filters.http.header_to_metadata.v3 import (
    ConfigKeyValuePair,
    ConfigRule,
    ConfigValueType,
)
from envoy_data_plane.envoy.extensions.filters.http.json_to_metadata.v3 import (
    JsonToMetadata,
    JsonToMetadataKeyValuePair,
    JsonToMetadataMatchRules,
    JsonToMetadataRule,
    JsonToMetadataSelector,
    JsonToMetadataValueType,
)
from envoy_data_plane.envoy.extensions.filters.http.router.v3 import Router
from envoy_data_plane.envoy.extensions.filters.network.http_connection_manager.v3 import (
    HttpFilter,
)
from envoy_data_plane.envoy.type.matcher.v3 import RegexMatcher
from envoy_data_plane.google.protobuf import Any, Value

from xds.config.gateway import Gateway, Listener
from xds.translate.api_keys import api_key_auth
from xds.translate.router import ext_proc
from xds.wire.codec import pack

_NAMESPACE = "semantic-router-xds"
# What the client wrote into the header, and what stands in its body.
_GIVEN = "given"
_MODEL = "model"
# Stands in the header for the model of a body that is no JSON, or is not called so: no client can
# write it there.
UNREADABLE = "\x01"
JSON = r"(?i)application/json\s*(;.*)?"


def http_filters(gateway: Gateway, where: Listener) -> list[HttpFilter]:
    """Return the filters in the order in which a request to a listener passes them."""
    return [
        # First, so that a request without a key costs nothing.
        *([api_key_auth(where.api_keys)] if where.api_keys else []),
        *_finding_the_model(gateway),
        HttpFilter(
            name="envoy.filters.http.router",
            typed_config=pack(Router(suppress_envoy_headers=True)),
        ),
    ]


def _finding_the_model(gateway: Gateway) -> list[HttpFilter]:
    if gateway.router:
        return [ext_proc(gateway.router)]
    return _model_of_request(gateway.routing.model_header)


def _model_of_request(header: str) -> list[HttpFilter]:
    """Return the filters that write the model of a request into the header it is routed by.

    That is what the client wrote there itself, or else the model of the body.
    """
    return [
        HttpFilter(
            name="envoy.filters.http.header_to_metadata", typed_config=_model_of_header(header)
        ),
        # Behind the other: it has the route looked up anew, with the model in the header.
        HttpFilter(name="envoy.filters.http.json_to_metadata", typed_config=_model_of_body()),
        HttpFilter(name="envoy.filters.http.header_mutation", typed_config=_model_header(header)),
    ]


def _model_of_header(header: str) -> Any:
    """Take the model out of the header, so that an empty one does not hide that of the body."""
    rule = ConfigRule(
        header=header,
        on_header_present=ConfigKeyValuePair(
            metadata_namespace=_NAMESPACE, key=_GIVEN, type=ConfigValueType.STRING
        ),
        remove=True,
    )
    return pack(HeaderToMetadata(request_rules=[rule]))


def _model_of_body() -> Any:
    """Read `model` from an OpenAI request, whatever its content type says besides JSON."""
    rule = JsonToMetadataRule(
        selectors=[JsonToMetadataSelector(key="model")],
        on_present=JsonToMetadataKeyValuePair(
            metadata_namespace=_NAMESPACE,
            key=_MODEL,
            type=JsonToMetadataValueType.STRING,
        ),
        # Not taken for one without a model: whoever serves those may read it all the same.
        on_error=JsonToMetadataKeyValuePair(
            metadata_namespace=_NAMESPACE,
            key=_MODEL,
            type=JsonToMetadataValueType.STRING,
            value=Value(string_value=UNREADABLE),
        ),
    )
    return pack(
        JsonToMetadata(
            request_rules=JsonToMetadataMatchRules(
                rules=[rule],
                allow_empty_content_type=True,
                allow_content_types_regex=RegexMatcher(regex=JSON),
            )
        )
    )


def _model_header(header: str) -> Any:
    """Write the model into the header: what has no value writes nothing."""
    mutations = [
        HeaderMutation(
            append=HeaderValueOption(
                header=HeaderValue(key=header, value=f"%DYNAMIC_METADATA({_NAMESPACE}:{found})%"),
                append_action=HeaderValueOptionHeaderAppendAction.ADD_IF_ABSENT,
            )
        )
        for found in (_GIVEN, _MODEL)
    ]
    return pack(HeaderMutationFilter(mutations=Mutations(request_mutations=mutations)))
