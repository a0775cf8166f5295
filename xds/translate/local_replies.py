"""Know in which words Envoy itself refuses a request: OpenAI's, which its clients understand."""

from collections.abc import Sequence
from typing import Final

from envoy_data_plane.envoy.config.accesslog.v3 import AccessLogFilter, ExtensionFilter
from envoy_data_plane.envoy.config.core.v3 import (
    HeaderValue,
    HeaderValueOption,
    HeaderValueOptionHeaderAppendAction,
    SubstitutionFormatString,
)
from envoy_data_plane.envoy.extensions.access_loggers.filters.cel.v3 import ExpressionFilter
from envoy_data_plane.envoy.extensions.filters.network.http_connection_manager.v3 import (
    LocalReplyConfig,
    ResponseMapper,
)
from envoy_data_plane.google.protobuf import Struct

from xds.wire.codec import pack

# What has a type already is spoken in the right words: by a route of ours, or by the router.
_UNTYPED: Final = '!("content-type" in response.headers)'
_ENVOYS_WORDS: Final = "The gateway answers %RESPONSE_CODE%: %LOCAL_REPLY_BODY%"


def error(
    message: str, *, param: str | None = None, code: str | None = None, ours: bool = False
) -> dict[str, object]:
    """Return a refusal in OpenAI's shape; `ours` tells that the client is not to blame.

    https://platform.openai.com/docs/guides/error-codes
    """
    kind = "server_error" if ours else "invalid_request_error"
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def local_reply_config() -> LocalReplyConfig:
    """Return how Envoy's own refusals read; the first mapper whose condition holds speaks.

    https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/local_reply
    """
    no_key = "Incorrect or missing API key; send it as `Authorization: Bearer KEY`."
    challenge = HeaderValueOption(
        header=HeaderValue(key="www-authenticate", value="Bearer"),
        append_action=HeaderValueOptionHeaderAppendAction.OVERWRITE_IF_EXISTS_OR_ADD,
    )
    no_router = "The semantic router, which picks the model, did not answer."
    return LocalReplyConfig(
        mappers=[
            _mapper("response.code == 401", error(no_key, code="invalid_api_key"), [challenge]),
            _mapper(
                'response.code_details.startsWith("ext_proc_error")',
                error(no_router, code="router_unavailable", ours=True),
            ),
            _mapper("response.code >= 500", error(_ENVOYS_WORDS, ours=True)),
            _mapper("response.code >= 400", error(_ENVOYS_WORDS)),
        ]
    )


def _mapper(
    condition: str, body: dict[str, object], headers: Sequence[HeaderValueOption] = ()
) -> ResponseMapper:
    applies = ExpressionFilter(expression=f"{condition} && {_UNTYPED}")
    return ResponseMapper(
        filter=AccessLogFilter(
            extension_filter=ExtensionFilter(
                name="envoy.access_loggers.extension_filters.cel", typed_config=pack(applies)
            )
        ),
        body_format_override=SubstitutionFormatString(json_format=Struct.from_dict(body)),
        headers_to_add=list(headers),
    )
