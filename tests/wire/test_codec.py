"""The encoder writes what betterproto writes, and refuses what is not of a field's type."""

from datetime import timedelta
from typing import Any

import pytest
from betterproto2 import Message
from envoy_data_plane.envoy.config.cluster.v3 import (
    Cluster,
    ClusterDiscoveryType,
    ClusterMaglevLbConfig,
)
from envoy_data_plane.envoy.config.core.v3 import Address, HealthStatus, Pipe, SocketAddress
from envoy_data_plane.envoy.config.endpoint.v3 import (
    ClusterLoadAssignment,
    Endpoint,
    LbEndpoint,
    LocalityLbEndpoints,
)
from envoy_data_plane.google.protobuf import Any as AnyMessage
from envoy_data_plane.google.protobuf import Empty, StringValue, Struct
from google.protobuf import descriptor_pb2, struct_pb2
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.json_format import MessageToDict
from google.protobuf.message_factory import GetMessageClass
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wire.kinds import SCALARS, Colour, Kinds, message_classes, messages, metas, samples
from xds.wire import codec
from xds.wire.codec import encode, keep, pack

# Deprecated fields are fields as well.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

CLASSES = message_classes()


def name_of(cls: type[Message]) -> str:
    return f"{cls.__module__}.{cls.__name__}".removeprefix("envoy_data_plane.")


@pytest.mark.parametrize("cls", [Kinds, *CLASSES], ids=name_of)
def test_every_field_is_written_as_betterproto_writes_it(cls: type[Message]) -> None:
    assert encode(cls()) == bytes(cls())
    for name, (meta, types) in metas(cls).items():
        for value in samples(meta, types):
            message = cls(**{name: value})
            assert encode(message) == bytes(message), message


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from([Kinds, Kinds, *CLASSES]).flatmap(messages))
def test_any_message_is_written_as_betterproto_writes_it(message: Message) -> None:
    assert encode(message) == bytes(message)


def test_all_of_a_class_is_compiled_once_and_only_once() -> None:
    encode(Kinds(text=StringValue("first")))
    before = codec._encoder.cache_info().misses

    for number in range(100):
        encode(Kinds(a_int32=number, text=StringValue("more"), many_empty=[Empty()]))

    assert codec._encoder.cache_info().misses - before <= 1  # Empty, if nobody had one yet


def test_a_message_may_hold_its_own_kind() -> None:
    deep = Struct.from_dict({"a": {"b": [{"c": [1, None, True, "x", {}]}, []]}})

    assert encode(deep) == bytes(deep)
    own = struct_pb2.Struct.FromString(encode(deep))
    assert MessageToDict(own) == {"a": {"b": [{"c": [1, None, True, "x", {}]}, []]}}


def test_an_empty_message_is_there_though_it_is_false() -> None:
    message = LbEndpoint(endpoint=Endpoint())

    assert not message.endpoint
    assert encode(message) == bytes(message) == b"\x0a\x00"


def test_what_was_not_understood_is_passed_on() -> None:
    message = Pipe.parse(b"\x0a\x01a" + b"\xf8\x07\x2a")

    assert encode(message) == bytes(message) == b"\x0a\x01a\xf8\x07\x2a"


def test_a_packed_message_is_the_same_as_betterprotos() -> None:
    message = Cluster(name="a", type=ClusterDiscoveryType.EDS)

    packed = pack(message)

    assert packed == AnyMessage.pack(message)
    assert packed.unpack() == message


def protobufs_own_kinds() -> Any:
    """Return the class that protobuf's own library makes of the scalar fields of `Kinds`."""
    proto = descriptor_pb2.DescriptorProto(name="Kinds")
    types, labels = descriptor_pb2.FieldDescriptorProto, descriptor_pb2.FieldDescriptorProto
    for name, (meta, _) in metas(Kinds).items():
        if meta.proto_type in SCALARS:
            proto.field.add(
                name=name,
                number=meta.number,
                type=types.Type.Value(f"TYPE_{meta.proto_type.upper()}"),
                label=labels.LABEL_REPEATED if meta.repeated else labels.LABEL_OPTIONAL,
            )
    file = descriptor_pb2.FileDescriptorProto(
        name="kinds.proto", syntax="proto3", message_type=[proto]
    )
    return GetMessageClass(
        DescriptorPool().AddSerializedFile(file.SerializeToString()).message_types_by_name["Kinds"]
    )


def test_protobufs_own_library_reads_what_was_written() -> None:
    own = protobufs_own_kinds()
    for name, (meta, types) in metas(Kinds).items():
        if meta.proto_type in SCALARS:
            for value in samples(meta, types):
                read = getattr(own.FromString(encode(Kinds(**{name: value}))), name)
                assert repr(list(read) if meta.repeated else read) == repr(value), name


WRONG: dict[str, list[Any]] = {
    "plain_bool": [None, 2, "yes", []],
    "plain_int32": [None, 2**31, -(2**31) - 1, "1", 5.0, 5000.0, b"", []],
    "plain_int64": [2**63, -(2**63) - 1],
    "plain_uint32": [-1, 2**32],
    "plain_uint64": [-1, 2**64],
    "plain_sint32": [2**31, -(2**31) - 1, "1"],
    "plain_sint64": [2**63, -(2**63) - 1],
    "plain_fixed32": [-1, 2**32, "1", 1.5],
    "plain_fixed64": [-1, 2**64],
    "plain_sfixed32": [2**31, -(2**31) - 1],
    "plain_sfixed64": [2**63, -(2**63) - 1],
    "plain_float": [1e39, "1", None],
    "plain_double": ["1", None],
    "plain_string": [None, b"", b"a", 1, "\ud800"],
    "plain_bytes": [None, "", "a", 1, [97]],
    "plain_colour": [None, "RED", 2**31, 1.5],
    "plain_text": ["a", Empty()],
    "text": ["a", Empty(), {"value": "a"}, 1],
    "a_int32": ["1"],
    "weight": [-1, 2**32, "x", [], timedelta(1)],
    "time": [1, "1s"],
    "moment": [1, timedelta(1)],
    "many_a_int32": [None, (1,), "12", 1, [None], ["1"]],
    "many_a_string": [None, "abc", [1]],
    "many_text": [None, StringValue("a"), [None], [Empty()]],
    "by_name_a_int32": [None, [1], {1: 1}, {"a": "1"}, {"a": None}],
    "by_name_text": [{"a": None}, {"a": Empty()}],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in WRONG.items() for value in values]
)
def test_a_value_of_another_type_is_refused(name: str, value: object) -> None:
    message = Kinds()
    setattr(message, name, value)

    with pytest.raises(ValueError, match=f"^Kinds.{name}: "):
        encode(message)


def test_an_error_says_where_in_the_message_it_is() -> None:
    endpoint = Endpoint(address=Address(socket_address=SocketAddress(address="10.0.0.1")))
    assignment = ClusterLoadAssignment(
        endpoints=[LocalityLbEndpoints(lb_endpoints=[LbEndpoint(endpoint=endpoint)])]
    )
    endpoint.address.socket_address.port_value = -1  # type: ignore[union-attr]

    with pytest.raises(ValueError, match="port_value") as raised:
        encode(assignment)

    assert str(raised.value) == (
        "ClusterLoadAssignment.endpoints: LocalityLbEndpoints.lb_endpoints: LbEndpoint.endpoint:"
        " Endpoint.address: Address.socket_address: SocketAddress.port_value:"
        " -1 is not from 0 to 4294967295"
    )


def test_two_values_in_a_oneof_are_refused() -> None:
    message = Address(socket_address=SocketAddress())
    message.pipe = Pipe()

    with pytest.raises(ValueError, match="Group address has more than one value"):
        bytes(message)
    with pytest.raises(ValueError, match=r"^Address.pipe: its oneof has another value already"):
        encode(message)
    with pytest.raises(ValueError, match=r"^Kinds.one_a_bytes: its oneof has another value"):
        encode(Kinds(one_a_bool=False, plain_int32=1, one_a_bytes=b"", plain_colour=Colour.RED))


def test_two_oneofs_have_a_value_each() -> None:
    message = Cluster(type=ClusterDiscoveryType.EDS, maglev_lb_config=ClusterMaglevLbConfig())

    assert encode(message) == bytes(message)


def test_a_field_that_the_message_does_not_have_is_refused() -> None:
    message = Pipe(path="/a")
    message.paht = "/b"  # type: ignore[attr-defined]

    with pytest.raises(ValueError, match="Unexpected keyword argument"):
        bytes(message)
    with pytest.raises(ValueError, match=r"^Pipe has no field paht$"):
        encode(message)


def test_colours_of_later_versions_are_written() -> None:
    assert encode(Kinds(plain_colour=Colour(4711))) == bytes(Kinds(plain_colour=Colour(4711)))


def test_a_kept_part_is_encoded_once_for_all_messages_that_share_it() -> None:
    part = keep(LbEndpoint(health_status=HealthStatus.DRAINING))
    whole = LocalityLbEndpoints(lb_endpoints=[part, LbEndpoint()])
    assert encode(whole) == bytes(whole)

    # Nobody may do this; it shows that the part was not encoded again.
    part.health_status = HealthStatus.HEALTHY

    assert encode(whole) != bytes(whole)
    assert encode(LocalityLbEndpoints(lb_endpoints=[part])) == b"\x12\x02\x10\x03"


def test_what_is_kept_is_forgotten_with_its_message() -> None:
    before = len(codec._KEPT)
    part = keep(LbEndpoint(health_status=HealthStatus.DRAINING))
    keep(part)
    assert len(codec._KEPT) == before + 1

    del part

    assert len(codec._KEPT) == before


def test_a_kept_part_of_another_class_is_refused() -> None:
    pipe = keep(Pipe(path="/a"))
    address = Address()
    address.socket_address = pipe  # type: ignore[assignment]

    with pytest.raises(ValueError, match=r"^Address.socket_address: Pipe.* is no SocketAddress"):
        encode(address)
