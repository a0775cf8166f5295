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
from envoy_data_plane.google.protobuf import Any

from xds.config.gateway import Gateway

_NAMESPACE = "semantic-router-xds"
_MODEL = "model"


def http_filters(gateway: Gateway) -> list[HttpFilter]:
    """Return the filters in the order in which a request passes them."""
    return [
        HttpFilter(name="envoy.filters.http.json_to_metadata", typed_config=_model_of_body()),
        HttpFilter(
            name="envoy.filters.http.header_mutation",
            typed_config=_model_header(gateway.routing.model_header),
        ),
        HttpFilter(
            name="envoy.filters.http.router",
            typed_config=Any.pack(Router(suppress_envoy_headers=True)),
        ),
    ]


def _model_of_body() -> Any:
    """Read `model` from an OpenAI request, whatever its content type says besides JSON."""
    rule = JsonToMetadataRule(
        selectors=[JsonToMetadataSelector(key="model")],
        on_present=JsonToMetadataKeyValuePair(
            metadata_namespace=_NAMESPACE,
            key=_MODEL,
            type=JsonToMetadataValueType.STRING,
        ),
    )
    return Any.pack(
        JsonToMetadata(
            request_rules=JsonToMetadataMatchRules(
                rules=[rule],
                allow_empty_content_type=True,
                allow_content_types_regex=RegexMatcher(regex=r"(?i)application/json\s*(;.*)?"),
            )
        )
    )


def _model_header(header: str) -> Any:
    """Write the model into the header by which requests are routed; the client's own one wins."""
    append = HeaderValueOption(
        header=HeaderValue(key=header, value=f"%DYNAMIC_METADATA({_NAMESPACE}:{_MODEL})%"),
        append_action=HeaderValueOptionHeaderAppendAction.ADD_IF_ABSENT,
    )
    mutations = Mutations(request_mutations=[HeaderMutation(append=append)])
    return Any.pack(HeaderMutationFilter(mutations=mutations))
