from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Cluster(_message.Message):
    __slots__ = ("name", "eds_cluster_config")
    class EdsClusterConfig(_message.Message):
        __slots__ = ("service_name",)
        SERVICE_NAME_FIELD_NUMBER: _ClassVar[int]
        service_name: str
        def __init__(self, service_name: _Optional[str] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    EDS_CLUSTER_CONFIG_FIELD_NUMBER: _ClassVar[int]
    name: str
    eds_cluster_config: Cluster.EdsClusterConfig
    def __init__(self, name: _Optional[str] = ..., eds_cluster_config: _Optional[_Union[Cluster.EdsClusterConfig, _Mapping]] = ...) -> None: ...
