"""Why a call failed, as one of few kinds: whether to ask again, and what people can do about it.

AWS has hundreds of codes for a dozen reasons, and botocore an exception for each way in which a network fails. The
code stands at the head of every cause in a snapshot, so its kind can be told at any time. What means "not configured"
is no fault: the catalogue says so for each call.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct


class Kind(Struct, frozen=True, kw_only=True):
    """One reason. `retry` says that asking again may help; `advice` is for people."""

    name: str
    codes: frozenset[str]
    retry: bool = False
    advice: str = ""


def _codes(text: str) -> frozenset[str]:
    return frozenset(text.split())


DENIED = Kind(
    name="denied",
    codes=_codes(
        "AccessDenied AccessDeniedException AuthorizationError AuthorizationErrorException Forbidden "
        "ForbiddenException NotAuthorizedException UnauthorizedException UnauthorizedOperation 403"
    ),
    advice="allow it in the role, unless a service control policy or the resource's own policy denies it",
)
THROTTLED = Kind(
    name="throttled",
    codes=_codes(
        "BandwidthLimitExceeded EC2ThrottledException LimitExceededException PriorRequestNotComplete "
        "ProvisionedThroughputExceededException RequestLimitExceeded RequestThrottled RequestThrottledException "
        "SlowDown Throttling ThrottledException ThrottlingException TooManyRequestsException "
        "TransactionInProgressException 429"
    ),
    retry=True,
    advice="AWS took no more calls until the deadline of the call was over: collect with fewer --workers",
)
EXPIRED = Kind(
    name="expired",
    codes=_codes(
        "CredentialRetrievalError ExpiredToken ExpiredTokenException NoCredentialsError RequestExpired "
        "SSOTokenLoadError TokenRefreshRequired TokenRetrievalError UnauthorizedSSOTokenError"
    ),
    advice="the credentials have expired: renew them, and complete the snapshot with --resume",
)
REGION_OFF = Kind(
    name="region off",
    codes=_codes(
        "AuthFailure InvalidClientTokenId OptInRequired RegionDisabledException RegionNotEnabled SignatureDoesNotMatch "
        "UnrecognizedClientException"
    ),
    advice="the region does not take the account's credentials: it is not enabled, or was not until just now",
)
NOT_ASKED = Kind(name="not asked", codes=_codes("NotAsked RegionNotAsked"))
NOT_RECORDED = Kind(
    name="not recorded",
    codes=_codes("NotRecorded"),
    advice="record it, or collect it live: what is imported is known as far as it was recorded",
)
NOT_IN_REGION = Kind(
    name="not in region",
    codes=_codes("EndpointProviderError ServiceNotInRegion UnknownEndpointError UnknownRegionError"),
    advice="as far as is known AWS does not offer the service in the region",
)
TRANSPORT = Kind(
    name="transport",
    codes=_codes(
        "ConnectTimeoutError ConnectionClosedError ConnectionError EndpointConnectionError HTTPClientError "
        "IncompleteReadError ProxyConnectionError ReadTimeoutError ResponseStreamingError SSLError"
    ),
    retry=True,
    advice="the network failed again and again: check it, and any proxy on the way, and collect again",
)
SERVER = Kind(
    name="server",
    codes=_codes(
        "InternalError InternalFailure InternalServerError InternalServerErrorException InternalServiceError "
        "InternalServiceException RequestTimeout RequestTimeoutException ServiceException ServiceUnavailable "
        "ServiceUnavailableException Unavailable 500 502 503 504"
    ),
    retry=True,
    advice="AWS failed again and again: collect again later",
)
GARBAGE = Kind(
    name="garbage",
    codes=_codes("MalformedDocument ResponseParserError TooManyPages UnexpectedAnswer"),
    advice="the answer was not what AWS documents: is there a proxy on the way, or is this version too old?",
)
TOO_OLD = Kind(
    name="too old",
    codes=_codes(
        "OperationNotFoundError UnknownMemberError UnknownParameterError UnknownServiceError "
        "UnsupportedServiceProtocolsError"
    ),
    advice="the installed boto3 is too old to know all of the call: upgrade boto3, and collect again",
)
OTHER = Kind(name="other", codes=frozenset(), advice="please report what is not explained by the message")

KINDS = (
    *(DENIED, THROTTLED, EXPIRED, REGION_OFF, NOT_ASKED, NOT_RECORDED, NOT_IN_REGION),
    *(TRANSPORT, SERVER, GARBAGE, TOO_OLD, OTHER),
)
_BY_CODE = {code: kind for kind in KINDS for code in kind.codes}


def kind_of(code: str) -> Kind:
    """The kind of a code: AWS's own, an HTTP status, or the name of an exception."""
    return _BY_CODE.get(code.removeprefix("Client.").removeprefix("Server."), OTHER)


def kind_of_cause(cause: str) -> Kind:
    """The kind of a cause that stands in a snapshot: CODE: ACTION."""
    return kind_of(cause.partition(": ")[0])


def code_of(error: BaseException) -> str:
    """What stands for an exception in a snapshot: AWS's code, or the exception's name."""
    answer = getattr(error, "response", None)  # botocore's ClientError has one
    if not isinstance(answer, dict):
        return type(error).__name__
    return str(
        answer.get("Error", {}).get("Code") or answer.get("ResponseMetadata", {}).get("HTTPStatusCode", "Unknown")
    )


def kind_of_response(status: int, parsed: Mapping[str, Any]) -> Kind | None:
    """The kind of an answer as botocore parsed it; None where it is no error. Codes that are new go by the status."""
    if status < 300:
        return None
    kind = kind_of(str(parsed.get("Error", {}).get("Code") or status))
    return kind_of(str(status)) if kind is OTHER else kind
