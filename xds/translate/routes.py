"""Know how a request finds the cluster of its model.

The model's header is looked up in an exact-match map, so that a request costs the same with ten
models and with ten thousand: a list of routes is walked from its top.
https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/route/v3/route_components.proto#envoy-v3-api-field-config-route-v3-virtualhost-matcher
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
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
    RetryPolicyRetryPriority,
    Route,
    RouteAction,
    RouteConfiguration,
    RouteMatch,
    VirtualHost,
)
from envoy_data_plane.envoy.extensions.retry.host.previous_hosts.v3 import (
    PreviousHostsPredicate,
)
from envoy_data_plane.envoy.extensions.retry.priority.previous_priorities.v3 import (
    PreviousPrioritiesConfig,
)
from envoy_data_plane.envoy.type.matcher.v3 import RegexMatchAndSubstitute
from envoy_data_plane.envoy.type.matcher.v3 import RegexMatcher as EnvoyRegexMatcher
from envoy_data_plane.xds.type.matcher.v3 import (
    Matcher,
    MatcherMatcherList,
    MatcherMatcherListFieldMatcher,
    MatcherMatcherListPredicate,
    MatcherMatcherTree,
    MatcherMatcherTreeMatchMap,
    MatcherOnMatch,
)

from xds.config import gateway as config
from xds.translate import names
from xds.translate.filters import JSON, UNREADABLE
from xds.translate.local_replies import error
from xds.translate.matchers import all_of, header, header_is, on_match, regex
from xds.translate.router import router_api, without_ext_proc
from xds.wire.codec import pack

# Envoy's own limit on the body of a direct response; a longer list of models raises it.
_ENVOYS_BODY_LIMIT: Final = 4096
_ANY_PATH: Final = RouteMatch(prefix="/")
# What is no name would make the request to the server invalid, or its headers too long, and so
# count against the server.
_NO_NAME: Final = r"(?s).*[\x00-\x1f\x7f].*|.{1000,}"
_MODELS_PATH: Final = r"/v1/models/?(\?.*)?"
_NOT_FOUND: Final = json.dumps(
    error(
        "This model does not exist; GET /v1/models lists those that do.",
        param="model",
        code="model_not_found",
    )
)
_UNREADABLE: Final = json.dumps(
    error("The body of this request is not JSON, so its model can not be read.")
)


def route_configuration(gateway: config.Gateway, where: config.Listener) -> RouteConfiguration:
    """Return the routes behind a listener: one virtual host for all names."""
    listed = models_body(gateway)
    matcher = _matcher(_Routes(gateway, where), listed)
    size = len(listed.encode())
    return RouteConfiguration(
        name=names.route_configuration(where),
        virtual_hosts=[VirtualHost(name="models", domains=["*"], matcher=matcher)],
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


def _matcher(routes: "_Routes", listed: str) -> Matcher:
    by_model = _by_model(routes)
    models = routes.of_list(listed)
    if models is None:
        return by_model
    return Matcher(
        matcher_list=MatcherMatcherList(
            matchers=[
                MatcherMatcherListFieldMatcher(
                    predicate=all_of(
                        header_is(":method", regex("GET|HEAD")),
                        header_is(":path", regex(_MODELS_PATH)),
                    ),
                    on_match=on_match(models),
                )
            ]
        ),
        on_no_match=MatcherOnMatch(matcher=by_model),
    )


def _by_model(routes: "_Routes") -> Matcher:
    found: dict[str, MatcherOnMatch] = {}
    for model in routes.gateway.models:
        action = on_match(routes.of_model(model))
        found |= dict.fromkeys((model.name, *model.loras), action)
    if not found:
        return Matcher(on_no_match=_otherwise(routes))
    return Matcher(
        matcher_tree=MatcherMatcherTree(
            input=header(routes.gateway.routing.model_header),
            exact_match_map=MatcherMatcherTreeMatchMap(map=dict(sorted(found.items()))),
        ),
        on_no_match=_otherwise(routes),
    )


def _otherwise(routes: "_Routes") -> MatcherOnMatch:
    """Return where a request goes whose model is not known, or not given."""
    gateway = routes.gateway
    refused = (
        _NO_NAME if gateway.routing.unknown_model == "default" or not gateway.models else r"(?s).+"
    )
    model = gateway.routing.model_header
    rejected = _json_response("unknown-model", 404, _NOT_FOUND)
    matchers = [_when(header_is(model, regex(refused)), rejected)]
    if gateway.models and not gateway.router:
        unreadable = header_is(model, regex(UNREADABLE))
        answer = _json_response("unreadable", 400, _UNREADABLE)
        matchers = [
            _when(all_of(unreadable, header_is("content-type", regex(JSON))), answer),
            # What is not called JSON has no model.
            _when(unreadable, replace(routes.default(), request_headers_to_remove=[model])),
            *matchers,
        ]
    return MatcherOnMatch(
        matcher=Matcher(
            matcher_list=MatcherMatcherList(matchers=matchers),
            on_no_match=on_match(routes.default()),
        )
    )


def _when(predicate: MatcherMatcherListPredicate, route: Route) -> MatcherMatcherListFieldMatcher:
    return MatcherMatcherListFieldMatcher(predicate=predicate, on_match=on_match(route))


@dataclass(frozen=True, slots=True)
class _Routes:
    """Makes the routes behind one listener."""

    gateway: config.Gateway
    where: config.Listener

    def default(self) -> Route:
        for model in self.gateway.models:
            if model.name == self.gateway.default_model:
                return self.of_model(model)
        gateway = self.gateway
        return self._route(names.ALL_ENDPOINTS, gateway.endpoints, gateway.resilience)

    def of_model(self, model: config.Model) -> Route:
        return self._route(names.model_cluster(model), model.endpoints, model.resilience)

    def of_list(self, listed: str) -> Route | None:
        """Return what answers `GET /v1/models`; None where the servers know their models alone."""
        router = self.gateway.router
        if router and router.api:
            servers = [router_api(router.api)]
            route = self._route(names.ROUTER_API, servers, self.gateway.resilience)
        elif self.gateway.models:
            route = _json_response("models", 200, listed)
        else:
            return None
        # The router would answer itself, and has to be there for it.
        return replace(route, typed_per_filter_config=without_ext_proc()) if router else route

    def _route(
        self, cluster: str, endpoints: Sequence[config.Endpoint], resilience: config.Resilience
    ) -> Route:
        own, common = resilience.timeout, self.gateway.resilience.timeout
        return Route(
            name=cluster,
            match=_ANY_PATH,
            route=RouteAction(
                cluster=cluster,
                timeout=self._limit(own.request, common.request),
                idle_timeout=self._limit(own.idle, common.idle),
                retry_policy=retry_policy(
                    resilience.retry, has_tiers=len({each.priority for each in endpoints}) > 1
                )
                if resilience.retry.attempts
                else None,
                # A server with a name may serve several, and is to be called by this one.
                auto_host_rewrite=any(endpoint.authority for endpoint in endpoints) or None,
                regex_rewrite=path_rewrite({endpoint.path for endpoint in endpoints}),
            ),
        )

    def _limit(self, own: timedelta, common: timedelta) -> timedelta:
        """Return a time limit: a model's own, else that of the listener, else the common one."""
        return own if own != common or self.where.timeout is None else self.where.timeout


def path_rewrite(paths: Collection[str]) -> RegexMatchAndSubstitute | None:
    """Return how the path of a request becomes one on servers whose API is not below /v1.

    Where theirs are at different paths, the semantic router writes them.
    """
    if len(paths) != 1 or not (path := next(iter(paths))):
        return None
    return RegexMatchAndSubstitute(
        # The whole segment, so that what is rewritten once is not rewritten again.
        pattern=EnvoyRegexMatcher(regex=r"^/v1([/?].*)?$"),
        substitution=rf"{path}\1",
    )


@cache
def retry_policy(retry: config.Retry, *, has_tiers: bool) -> RetryPolicy:
    """Return when a request is tried again: never on an endpoint that it was tried on already."""
    return RetryPolicy(
        retry_on=retry.on,
        num_retries=retry.attempts,
        retry_priority=_last_try_elsewhere(retry.attempts) if has_tiers else None,
        retry_host_predicate=[
            RetryPolicyRetryHostPredicate(
                name="envoy.retry_host_predicates.previous_hosts",
                typed_config=pack(PreviousHostsPredicate()),
            )
        ],
        # How often the load balancer is asked again when it names such an endpoint.
        # It names one of a hundred times the weight of the others a hundred times as often.
        host_selection_retry_max_attempts=1000,
    )


def _last_try_elsewhere(attempts: int) -> RetryPolicyRetryPriority:
    """Have the last try made on a priority of which no endpoint was tried.

    Envoy would stay with one until enough of its endpoints are known to be unhealthy.
    """
    return RetryPolicyRetryPriority(
        name="envoy.retry_priorities.previous_priorities",
        typed_config=pack(PreviousPrioritiesConfig(update_frequency=attempts)),
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
