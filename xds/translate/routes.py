"""Know how a request finds the cluster of its model.

The model's header is looked up in an exact-match map, so that a request costs the same with ten
models and with ten thousand: a list of routes is walked from its top.
https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/route/v3/route_components.proto#envoy-v3-api-field-config-route-v3-virtualhost-matcher
"""

import json
from typing import Final

from envoy_data_plane.envoy.config.core.v3 import (
    DataSource,
    HeaderValue,
    HeaderValueOption,
    HeaderValueOptionHeaderAppendAction,
)
from envoy_data_plane.envoy.config.route.v3 import (
    DirectResponseAction,
    RetryPolicy,
    RetryPolicyRetryHostPredicate,
    Route,
    RouteAction,
    RouteConfiguration,
    RouteMatch,
    VirtualHost,
)
from envoy_data_plane.envoy.extensions.retry.host.previous_hosts.v3 import (
    PreviousHostsPredicate,
)
from envoy_data_plane.envoy.type.matcher.v3 import HttpRequestHeaderMatchInput
from envoy_data_plane.google.protobuf import Any
from envoy_data_plane.xds.core.v3 import TypedExtensionConfig
from envoy_data_plane.xds.type.matcher.v3 import (
    Matcher,
    MatcherMatcherList,
    MatcherMatcherListFieldMatcher,
    MatcherMatcherListPredicate,
    MatcherMatcherListPredicatePredicateList,
    MatcherMatcherListPredicateSinglePredicate,
    MatcherMatcherTree,
    MatcherMatcherTreeMatchMap,
    MatcherOnMatch,
    RegexMatcher,
    RegexMatcherGoogleRe2,
    StringMatcher,
)

from xds.config import gateway as config
from xds.translate import names

# Envoy's own limit on the body of a direct response; a longer list of models raises it.
_ENVOYS_BODY_LIMIT: Final = 4096
_ANY_PATH: Final = RouteMatch(prefix="/")
_MODELS_PATH: Final = r"/v1/models/?(\?.*)?"
_NOT_FOUND: Final = json.dumps(
    {
        "error": {
            "message": "This model does not exist; GET /v1/models lists those that do.",
            "type": "invalid_request_error",
            "param": "model",
            "code": "model_not_found",
        }
    }
)


def route_configuration(gateway: config.Gateway, where: config.Listener) -> RouteConfiguration:
    """Return the routes behind a listener: one virtual host for all names."""
    listed = models_body(gateway)
    size = len(listed.encode())
    return RouteConfiguration(
        name=names.route_configuration(where),
        virtual_hosts=[
            VirtualHost(name="models", domains=["*"], matcher=_matcher(gateway, listed))
        ],
        max_direct_response_body_size_bytes=size if size > _ENVOYS_BODY_LIMIT else None,
    )


def models_body(gateway: config.Gateway) -> str:
    """Return the answer to `GET /v1/models`, in OpenAI's shape; LoRAs bear their base as parent.

    https://platform.openai.com/docs/api-reference/models/list
    """
    data: list[dict[str, object]] = []
    for model in gateway.models:
        data.append(_card(model.name))
        data.extend(_card(lora) | {"parent": model.name} for lora in model.loras)
    return json.dumps({"object": "list", "data": data})


def _card(name: str) -> dict[str, object]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "vllm"}


def _matcher(gateway: config.Gateway, listed: str) -> Matcher:
    by_model = _by_model(gateway)
    if not gateway.models:
        # There is nothing to list: the servers know their models themselves.
        return by_model
    return Matcher(
        matcher_list=MatcherMatcherList(
            matchers=[
                MatcherMatcherListFieldMatcher(
                    predicate=_all_of(
                        _header_is(":method", StringMatcher(exact="GET")),
                        _header_is(":path", _regex(_MODELS_PATH)),
                    ),
                    on_match=_on_match(_json_response("models", 200, listed)),
                )
            ]
        ),
        on_no_match=MatcherOnMatch(matcher=by_model),
    )


def _by_model(gateway: config.Gateway) -> Matcher:
    found: dict[str, MatcherOnMatch] = {}
    for model in gateway.models:
        action = _on_match(_model_route(model))
        found |= dict.fromkeys((model.name, *model.loras), action)
    if not found:
        return Matcher(on_no_match=_otherwise(gateway))
    return Matcher(
        matcher_tree=MatcherMatcherTree(
            input=_header(gateway.routing.model_header),
            exact_match_map=MatcherMatcherTreeMatchMap(map=dict(sorted(found.items()))),
        ),
        on_no_match=_otherwise(gateway),
    )


def _otherwise(gateway: config.Gateway) -> MatcherOnMatch:
    """Return where a request goes whose model is not known, or not given."""
    default = _on_match(_default_route(gateway))
    if gateway.routing.unknown_model == "default" or not gateway.models:
        return default
    given = _header_is(gateway.routing.model_header, _regex(".+"))
    rejected = MatcherMatcherListFieldMatcher(
        predicate=given,
        on_match=_on_match(_json_response("unknown-model", 404, _NOT_FOUND)),
    )
    return MatcherOnMatch(
        matcher=Matcher(matcher_list=MatcherMatcherList(matchers=[rejected]), on_no_match=default)
    )


def _default_route(gateway: config.Gateway) -> Route:
    for model in gateway.models:
        if model.name == gateway.default_model:
            return _model_route(model)
    return _route(names.ALL_ENDPOINTS, gateway.resilience)


def _model_route(model: config.Model) -> Route:
    return _route(names.model_cluster(model), model.resilience)


def _route(cluster: str, resilience: config.Resilience) -> Route:
    timeout = resilience.timeout
    return Route(
        name=cluster,
        match=_ANY_PATH,
        route=RouteAction(
            cluster=cluster,
            timeout=timeout.request,
            idle_timeout=timeout.idle,
            retry_policy=retry_policy(resilience.retry) if resilience.retry.attempts else None,
        ),
    )


def retry_policy(retry: config.Retry) -> RetryPolicy:
    """Return when a request is tried again: never on an endpoint that it was tried on already."""
    return RetryPolicy(
        retry_on=retry.on,
        num_retries=retry.attempts,
        retry_host_predicate=[
            RetryPolicyRetryHostPredicate(
                name="envoy.retry_host_predicates.previous_hosts",
                typed_config=Any.pack(PreviousHostsPredicate()),
            )
        ],
        # How often the load balancer is asked again when it names such an endpoint.
        host_selection_retry_max_attempts=10,
    )


def _json_response(name: str, status: int, body: str) -> Route:
    content_type = HeaderValueOption(
        header=HeaderValue(key="content-type", value="application/json"),
        append_action=HeaderValueOptionHeaderAppendAction.OVERWRITE_IF_EXISTS_OR_ADD,
    )
    return Route(
        name=name,
        match=_ANY_PATH,
        direct_response=DirectResponseAction(status=status, body=DataSource(inline_string=body)),
        response_headers_to_add=[content_type],
    )


def _on_match(route: Route) -> MatcherOnMatch:
    return MatcherOnMatch(action=TypedExtensionConfig(name="route", typed_config=Any.pack(route)))


def _all_of(*predicates: MatcherMatcherListPredicate) -> MatcherMatcherListPredicate:
    return MatcherMatcherListPredicate(
        and_matcher=MatcherMatcherListPredicatePredicateList(predicate=list(predicates))
    )


def _header_is(name: str, value: StringMatcher) -> MatcherMatcherListPredicate:
    return MatcherMatcherListPredicate(
        single_predicate=MatcherMatcherListPredicateSinglePredicate(
            input=_header(name), value_match=value
        )
    )


def _header(name: str) -> TypedExtensionConfig:
    return TypedExtensionConfig(
        name="request-header",
        typed_config=Any.pack(HttpRequestHeaderMatchInput(header_name=name)),
    )


def _regex(pattern: str) -> StringMatcher:
    return StringMatcher(safe_regex=RegexMatcher(google_re2=RegexMatcherGoogleRe2(), regex=pattern))
