from google.protobuf import any_pb2 as _any_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ConfigSource(_message.Message):
    __slots__ = ("ads",)
    class Aggregated(_message.Message):
        __slots__ = ()
        def __init__(self) -> None: ...
    ADS_FIELD_NUMBER: _ClassVar[int]
    ads: ConfigSource.Aggregated
    def __init__(self, ads: _Optional[_Union[ConfigSource.Aggregated, _Mapping]] = ...) -> None: ...

class ExtensionConfigSource(_message.Message):
    __slots__ = ("config_source", "default_config")
    CONFIG_SOURCE_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_CONFIG_FIELD_NUMBER: _ClassVar[int]
    config_source: ConfigSource
    default_config: _any_pb2.Any
    def __init__(self, config_source: _Optional[_Union[ConfigSource, _Mapping]] = ..., default_config: _Optional[_Union[_any_pb2.Any, _Mapping]] = ...) -> None: ...

class TypedExtensionConfig(_message.Message):
    __slots__ = ("name", "typed_config")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPED_CONFIG_FIELD_NUMBER: _ClassVar[int]
    name: str
    typed_config: _any_pb2.Any
    def __init__(self, name: _Optional[str] = ..., typed_config: _Optional[_Union[_any_pb2.Any, _Mapping]] = ...) -> None: ...

class TransportSocket(_message.Message):
    __slots__ = ("typed_config",)
    TYPED_CONFIG_FIELD_NUMBER: _ClassVar[int]
    typed_config: _any_pb2.Any
    def __init__(self, typed_config: _Optional[_Union[_any_pb2.Any, _Mapping]] = ...) -> None: ...

class GrpcService(_message.Message):
    __slots__ = ("envoy_grpc",)
    class EnvoyGrpc(_message.Message):
        __slots__ = ("cluster_name",)
        CLUSTER_NAME_FIELD_NUMBER: _ClassVar[int]
        cluster_name: str
        def __init__(self, cluster_name: _Optional[str] = ...) -> None: ...
    ENVOY_GRPC_FIELD_NUMBER: _ClassVar[int]
    envoy_grpc: GrpcService.EnvoyGrpc
    def __init__(self, envoy_grpc: _Optional[_Union[GrpcService.EnvoyGrpc, _Mapping]] = ...) -> None: ...

class Cluster(_message.Message):
    __slots__ = ("name", "eds_cluster_config", "transport_socket", "transport_socket_matches")
    class EdsClusterConfig(_message.Message):
        __slots__ = ("eds_config", "service_name")
        EDS_CONFIG_FIELD_NUMBER: _ClassVar[int]
        SERVICE_NAME_FIELD_NUMBER: _ClassVar[int]
        eds_config: ConfigSource
        service_name: str
        def __init__(self, eds_config: _Optional[_Union[ConfigSource, _Mapping]] = ..., service_name: _Optional[str] = ...) -> None: ...
    class TransportSocketMatch(_message.Message):
        __slots__ = ("transport_socket",)
        TRANSPORT_SOCKET_FIELD_NUMBER: _ClassVar[int]
        transport_socket: TransportSocket
        def __init__(self, transport_socket: _Optional[_Union[TransportSocket, _Mapping]] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    EDS_CLUSTER_CONFIG_FIELD_NUMBER: _ClassVar[int]
    TRANSPORT_SOCKET_FIELD_NUMBER: _ClassVar[int]
    TRANSPORT_SOCKET_MATCHES_FIELD_NUMBER: _ClassVar[int]
    name: str
    eds_cluster_config: Cluster.EdsClusterConfig
    transport_socket: TransportSocket
    transport_socket_matches: _containers.RepeatedCompositeFieldContainer[Cluster.TransportSocketMatch]
    def __init__(self, name: _Optional[str] = ..., eds_cluster_config: _Optional[_Union[Cluster.EdsClusterConfig, _Mapping]] = ..., transport_socket: _Optional[_Union[TransportSocket, _Mapping]] = ..., transport_socket_matches: _Optional[_Iterable[_Union[Cluster.TransportSocketMatch, _Mapping]]] = ...) -> None: ...

class ClusterLoadAssignment(_message.Message):
    __slots__ = ("cluster_name",)
    CLUSTER_NAME_FIELD_NUMBER: _ClassVar[int]
    cluster_name: str
    def __init__(self, cluster_name: _Optional[str] = ...) -> None: ...

class Filter(_message.Message):
    __slots__ = ("name", "typed_config", "config_discovery")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPED_CONFIG_FIELD_NUMBER: _ClassVar[int]
    CONFIG_DISCOVERY_FIELD_NUMBER: _ClassVar[int]
    name: str
    typed_config: _any_pb2.Any
    config_discovery: ExtensionConfigSource
    def __init__(self, name: _Optional[str] = ..., typed_config: _Optional[_Union[_any_pb2.Any, _Mapping]] = ..., config_discovery: _Optional[_Union[ExtensionConfigSource, _Mapping]] = ...) -> None: ...

class FilterChain(_message.Message):
    __slots__ = ("filters", "transport_socket")
    FILTERS_FIELD_NUMBER: _ClassVar[int]
    TRANSPORT_SOCKET_FIELD_NUMBER: _ClassVar[int]
    filters: _containers.RepeatedCompositeFieldContainer[Filter]
    transport_socket: TransportSocket
    def __init__(self, filters: _Optional[_Iterable[_Union[Filter, _Mapping]]] = ..., transport_socket: _Optional[_Union[TransportSocket, _Mapping]] = ...) -> None: ...

class ApiListener(_message.Message):
    __slots__ = ("api_listener",)
    API_LISTENER_FIELD_NUMBER: _ClassVar[int]
    api_listener: _any_pb2.Any
    def __init__(self, api_listener: _Optional[_Union[_any_pb2.Any, _Mapping]] = ...) -> None: ...

class Listener(_message.Message):
    __slots__ = ("name", "filter_chains", "api_listener", "default_filter_chain")
    NAME_FIELD_NUMBER: _ClassVar[int]
    FILTER_CHAINS_FIELD_NUMBER: _ClassVar[int]
    API_LISTENER_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_FILTER_CHAIN_FIELD_NUMBER: _ClassVar[int]
    name: str
    filter_chains: _containers.RepeatedCompositeFieldContainer[FilterChain]
    api_listener: ApiListener
    default_filter_chain: FilterChain
    def __init__(self, name: _Optional[str] = ..., filter_chains: _Optional[_Iterable[_Union[FilterChain, _Mapping]]] = ..., api_listener: _Optional[_Union[ApiListener, _Mapping]] = ..., default_filter_chain: _Optional[_Union[FilterChain, _Mapping]] = ...) -> None: ...

class HttpConnectionManager(_message.Message):
    __slots__ = ("rds", "route_config", "http_filters")
    RDS_FIELD_NUMBER: _ClassVar[int]
    ROUTE_CONFIG_FIELD_NUMBER: _ClassVar[int]
    HTTP_FILTERS_FIELD_NUMBER: _ClassVar[int]
    rds: Rds
    route_config: RouteConfiguration
    http_filters: _containers.RepeatedCompositeFieldContainer[Filter]
    def __init__(self, rds: _Optional[_Union[Rds, _Mapping]] = ..., route_config: _Optional[_Union[RouteConfiguration, _Mapping]] = ..., http_filters: _Optional[_Iterable[_Union[Filter, _Mapping]]] = ...) -> None: ...

class Rds(_message.Message):
    __slots__ = ("config_source", "route_config_name")
    CONFIG_SOURCE_FIELD_NUMBER: _ClassVar[int]
    ROUTE_CONFIG_NAME_FIELD_NUMBER: _ClassVar[int]
    config_source: ConfigSource
    route_config_name: str
    def __init__(self, config_source: _Optional[_Union[ConfigSource, _Mapping]] = ..., route_config_name: _Optional[str] = ...) -> None: ...

class TcpProxy(_message.Message):
    __slots__ = ("cluster", "weighted_clusters")
    class WeightedCluster(_message.Message):
        __slots__ = ("clusters",)
        CLUSTERS_FIELD_NUMBER: _ClassVar[int]
        clusters: _containers.RepeatedCompositeFieldContainer[ClusterWeight]
        def __init__(self, clusters: _Optional[_Iterable[_Union[ClusterWeight, _Mapping]]] = ...) -> None: ...
    CLUSTER_FIELD_NUMBER: _ClassVar[int]
    WEIGHTED_CLUSTERS_FIELD_NUMBER: _ClassVar[int]
    cluster: str
    weighted_clusters: TcpProxy.WeightedCluster
    def __init__(self, cluster: _Optional[str] = ..., weighted_clusters: _Optional[_Union[TcpProxy.WeightedCluster, _Mapping]] = ...) -> None: ...

class ClusterWeight(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class ExternalProcessor(_message.Message):
    __slots__ = ("grpc_service",)
    GRPC_SERVICE_FIELD_NUMBER: _ClassVar[int]
    grpc_service: GrpcService
    def __init__(self, grpc_service: _Optional[_Union[GrpcService, _Mapping]] = ...) -> None: ...

class RouteConfiguration(_message.Message):
    __slots__ = ("name", "virtual_hosts", "request_mirror_policies")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VIRTUAL_HOSTS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_MIRROR_POLICIES_FIELD_NUMBER: _ClassVar[int]
    name: str
    virtual_hosts: _containers.RepeatedCompositeFieldContainer[VirtualHost]
    request_mirror_policies: _containers.RepeatedCompositeFieldContainer[RequestMirrorPolicy]
    def __init__(self, name: _Optional[str] = ..., virtual_hosts: _Optional[_Iterable[_Union[VirtualHost, _Mapping]]] = ..., request_mirror_policies: _Optional[_Iterable[_Union[RequestMirrorPolicy, _Mapping]]] = ...) -> None: ...

class VirtualHost(_message.Message):
    __slots__ = ("routes", "matcher", "request_mirror_policies")
    ROUTES_FIELD_NUMBER: _ClassVar[int]
    MATCHER_FIELD_NUMBER: _ClassVar[int]
    REQUEST_MIRROR_POLICIES_FIELD_NUMBER: _ClassVar[int]
    routes: _containers.RepeatedCompositeFieldContainer[Route]
    matcher: Matcher
    request_mirror_policies: _containers.RepeatedCompositeFieldContainer[RequestMirrorPolicy]
    def __init__(self, routes: _Optional[_Iterable[_Union[Route, _Mapping]]] = ..., matcher: _Optional[_Union[Matcher, _Mapping]] = ..., request_mirror_policies: _Optional[_Iterable[_Union[RequestMirrorPolicy, _Mapping]]] = ...) -> None: ...

class Route(_message.Message):
    __slots__ = ("route",)
    ROUTE_FIELD_NUMBER: _ClassVar[int]
    route: RouteAction
    def __init__(self, route: _Optional[_Union[RouteAction, _Mapping]] = ...) -> None: ...

class RouteAction(_message.Message):
    __slots__ = ("cluster", "weighted_clusters", "request_mirror_policies")
    class WeightedCluster(_message.Message):
        __slots__ = ("clusters",)
        CLUSTERS_FIELD_NUMBER: _ClassVar[int]
        clusters: _containers.RepeatedCompositeFieldContainer[ClusterWeight]
        def __init__(self, clusters: _Optional[_Iterable[_Union[ClusterWeight, _Mapping]]] = ...) -> None: ...
    CLUSTER_FIELD_NUMBER: _ClassVar[int]
    WEIGHTED_CLUSTERS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_MIRROR_POLICIES_FIELD_NUMBER: _ClassVar[int]
    cluster: str
    weighted_clusters: RouteAction.WeightedCluster
    request_mirror_policies: _containers.RepeatedCompositeFieldContainer[RequestMirrorPolicy]
    def __init__(self, cluster: _Optional[str] = ..., weighted_clusters: _Optional[_Union[RouteAction.WeightedCluster, _Mapping]] = ..., request_mirror_policies: _Optional[_Iterable[_Union[RequestMirrorPolicy, _Mapping]]] = ...) -> None: ...

class RequestMirrorPolicy(_message.Message):
    __slots__ = ("cluster",)
    CLUSTER_FIELD_NUMBER: _ClassVar[int]
    cluster: str
    def __init__(self, cluster: _Optional[str] = ...) -> None: ...

class ScopedRouteConfiguration(_message.Message):
    __slots__ = ("name", "route_configuration_name", "route_configuration")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ROUTE_CONFIGURATION_NAME_FIELD_NUMBER: _ClassVar[int]
    ROUTE_CONFIGURATION_FIELD_NUMBER: _ClassVar[int]
    name: str
    route_configuration_name: str
    route_configuration: RouteConfiguration
    def __init__(self, name: _Optional[str] = ..., route_configuration_name: _Optional[str] = ..., route_configuration: _Optional[_Union[RouteConfiguration, _Mapping]] = ...) -> None: ...

class Matcher(_message.Message):
    __slots__ = ("matcher_list", "matcher_tree", "on_no_match")
    class OnMatch(_message.Message):
        __slots__ = ("matcher", "action")
        MATCHER_FIELD_NUMBER: _ClassVar[int]
        ACTION_FIELD_NUMBER: _ClassVar[int]
        matcher: Matcher
        action: TypedExtensionConfig
        def __init__(self, matcher: _Optional[_Union[Matcher, _Mapping]] = ..., action: _Optional[_Union[TypedExtensionConfig, _Mapping]] = ...) -> None: ...
    class MatcherList(_message.Message):
        __slots__ = ("matchers",)
        class FieldMatcher(_message.Message):
            __slots__ = ("on_match",)
            ON_MATCH_FIELD_NUMBER: _ClassVar[int]
            on_match: Matcher.OnMatch
            def __init__(self, on_match: _Optional[_Union[Matcher.OnMatch, _Mapping]] = ...) -> None: ...
        MATCHERS_FIELD_NUMBER: _ClassVar[int]
        matchers: _containers.RepeatedCompositeFieldContainer[Matcher.MatcherList.FieldMatcher]
        def __init__(self, matchers: _Optional[_Iterable[_Union[Matcher.MatcherList.FieldMatcher, _Mapping]]] = ...) -> None: ...
    class MatcherTree(_message.Message):
        __slots__ = ("exact_match_map", "prefix_match_map", "custom_match")
        class MatchMap(_message.Message):
            __slots__ = ("map",)
            class MapEntry(_message.Message):
                __slots__ = ("key", "value")
                KEY_FIELD_NUMBER: _ClassVar[int]
                VALUE_FIELD_NUMBER: _ClassVar[int]
                key: str
                value: Matcher.OnMatch
                def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[Matcher.OnMatch, _Mapping]] = ...) -> None: ...
            MAP_FIELD_NUMBER: _ClassVar[int]
            map: _containers.MessageMap[str, Matcher.OnMatch]
            def __init__(self, map: _Optional[_Mapping[str, Matcher.OnMatch]] = ...) -> None: ...
        EXACT_MATCH_MAP_FIELD_NUMBER: _ClassVar[int]
        PREFIX_MATCH_MAP_FIELD_NUMBER: _ClassVar[int]
        CUSTOM_MATCH_FIELD_NUMBER: _ClassVar[int]
        exact_match_map: Matcher.MatcherTree.MatchMap
        prefix_match_map: Matcher.MatcherTree.MatchMap
        custom_match: TypedExtensionConfig
        def __init__(self, exact_match_map: _Optional[_Union[Matcher.MatcherTree.MatchMap, _Mapping]] = ..., prefix_match_map: _Optional[_Union[Matcher.MatcherTree.MatchMap, _Mapping]] = ..., custom_match: _Optional[_Union[TypedExtensionConfig, _Mapping]] = ...) -> None: ...
    MATCHER_LIST_FIELD_NUMBER: _ClassVar[int]
    MATCHER_TREE_FIELD_NUMBER: _ClassVar[int]
    ON_NO_MATCH_FIELD_NUMBER: _ClassVar[int]
    matcher_list: Matcher.MatcherList
    matcher_tree: Matcher.MatcherTree
    on_no_match: Matcher.OnMatch
    def __init__(self, matcher_list: _Optional[_Union[Matcher.MatcherList, _Mapping]] = ..., matcher_tree: _Optional[_Union[Matcher.MatcherTree, _Mapping]] = ..., on_no_match: _Optional[_Union[Matcher.OnMatch, _Mapping]] = ...) -> None: ...

class TlsContext(_message.Message):
    __slots__ = ("common_tls_context",)
    COMMON_TLS_CONTEXT_FIELD_NUMBER: _ClassVar[int]
    common_tls_context: CommonTlsContext
    def __init__(self, common_tls_context: _Optional[_Union[CommonTlsContext, _Mapping]] = ...) -> None: ...

class CommonTlsContext(_message.Message):
    __slots__ = ("tls_certificate_sds_secret_configs", "validation_context_sds_secret_config", "combined_validation_context")
    class CombinedValidationContext(_message.Message):
        __slots__ = ("validation_context_sds_secret_config",)
        VALIDATION_CONTEXT_SDS_SECRET_CONFIG_FIELD_NUMBER: _ClassVar[int]
        validation_context_sds_secret_config: SdsSecretConfig
        def __init__(self, validation_context_sds_secret_config: _Optional[_Union[SdsSecretConfig, _Mapping]] = ...) -> None: ...
    TLS_CERTIFICATE_SDS_SECRET_CONFIGS_FIELD_NUMBER: _ClassVar[int]
    VALIDATION_CONTEXT_SDS_SECRET_CONFIG_FIELD_NUMBER: _ClassVar[int]
    COMBINED_VALIDATION_CONTEXT_FIELD_NUMBER: _ClassVar[int]
    tls_certificate_sds_secret_configs: _containers.RepeatedCompositeFieldContainer[SdsSecretConfig]
    validation_context_sds_secret_config: SdsSecretConfig
    combined_validation_context: CommonTlsContext.CombinedValidationContext
    def __init__(self, tls_certificate_sds_secret_configs: _Optional[_Iterable[_Union[SdsSecretConfig, _Mapping]]] = ..., validation_context_sds_secret_config: _Optional[_Union[SdsSecretConfig, _Mapping]] = ..., combined_validation_context: _Optional[_Union[CommonTlsContext.CombinedValidationContext, _Mapping]] = ...) -> None: ...

class SdsSecretConfig(_message.Message):
    __slots__ = ("name", "sds_config")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SDS_CONFIG_FIELD_NUMBER: _ClassVar[int]
    name: str
    sds_config: ConfigSource
    def __init__(self, name: _Optional[str] = ..., sds_config: _Optional[_Union[ConfigSource, _Mapping]] = ...) -> None: ...
