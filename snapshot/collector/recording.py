"""Where a recorded answer stands, and what it looks like there: docs/recorded.md specifies it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote, unquote

import botocore.session
import msgspec
from botocore import xform_name
from botocore.exceptions import ClientError

from ..errors import SnapshotError
from ..files import read_file
from ..format import AccountId, Edge, Timestamp, parse, too_deep
from ..model import Json
from ..names import ACCOUNT_ID, REGION
from ..nearest import nearest
from .decode import ANSWER

ABOUT = "recording.json"
LAYOUT = "answers stand in ACCOUNT/REGION/SERVICE/OPERATION.json, or in OPERATION/PARAMETERS.json there"
REDACTED = "redacted"  # also what eight letters of base64 may be
_LONGEST = 240  # bytes of a file's name
_DIGEST = "sha256-"
_SAYS = 1 << 16  # characters in which the AWS command line has said what is wrong: more may take the square of them
_SAID = re.compile(
    r"An error occurred \((?P<code>[\w.:-]+)\) when calling the (?P<operation>\w+) operation.*?: (?P<message>.*)",
    re.DOTALL,
)


class Recording(Edge, frozen=True, kw_only=True):
    """`recording.json`: of whom answers were recorded, and when. By hand only the time need be written."""

    newest: ClassVar[int] = 1

    format: int = 1
    captured_at: Timestamp | None = None
    partition: str = "aws"
    organization: bool = False
    accounts: Mapping[AccountId, str | None] = msgspec.field(default_factory=dict)  # with their names
    facts: Mapping[AccountId, Mapping[str, Any]] = msgspec.field(
        default_factory=dict
    )  # what the organisation says of them
    regions: list[str] | None = None
    types: list[str] = msgspec.field(default_factory=list)
    attached: dict[str, list[str]] = msgspec.field(default_factory=dict)  # of types asked in part


class UnusableError(Exception):
    """What is wrong with a file."""


def about(folder: Path) -> Recording:
    """What a recording says of itself. Raises SnapshotError."""
    path = folder / ABOUT
    if not path.is_file():
        return Recording()
    try:
        found: Recording = parse(read_file(path), Recording, path)
    except SnapshotError as error:
        raise SnapshotError(str(error), "docs/recorded.md says what belongs there") from None
    return found


Key = tuple[str, str, str, str, str]  # account, region, service, operation, parameters


def key_of(account: str, region: str, service: str, operation: str, parameters: Mapping[str, Json]) -> Key:
    return account, region, service, operation, _comparable(name_of(parameters))


def place_of(account: str, region: str, service: str, operation: str, parameters: Mapping[str, Json]) -> str:
    """The file of an answer, below the folder of the recording."""
    name = name_of(parameters)
    below = f"{account}/{region}/{service}/{xform_name(operation, '-')}"
    return f"{below}/{name}.json" if name else f"{below}.json"


def name_of(parameters: Mapping[str, Json]) -> str:
    """Parameters as a file's name: NAME=VALUE, with `&` between them; where that is too long, its digest."""
    name = "&".join(f"{key}={_text(value)}" for key, value in sorted(parameters.items()))
    return name if len(name) <= _LONGEST else f"{_DIGEST}{hashlib.sha256(name.encode()).hexdigest()}"


def _text(value: Json) -> str:
    """Texts as they are, lists of them with commas, all else as JSON; what no file's name may have is quoted."""
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return ",".join(map(_text, value))
    text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), sort_keys=True)
    return quote(text, safe="@+", errors="surrogatepass")


def _comparable(name: str) -> str:
    """The same for every way to quote a name."""
    return "&".join("=".join(_quoted(unquote(each)) for each in part.split("=")) for part in name.split("&"))


def _quoted(text: str) -> str:
    return quote(text, errors="surrogatepass")  # no name of a file, whatever its bytes, is an error


def found_in(folder: Path) -> tuple[dict[Key, Path], list[str]]:
    """The answers in a folder, and what there is wrong: a line for each file that is none."""
    answers: dict[Key, Path] = {}
    twice: dict[Key, Path] = {}
    problems: list[str] = []
    for path in sorted(each for each in folder.rglob("*") if each.is_file() or each.is_symlink()):
        steps = path.relative_to(folder).parts
        if steps == (ABOUT,):
            continue
        try:
            key = _key(steps)
            if path.is_symlink():
                raise UnusableError("is a link")
            if key in answers:
                twice[key] = path
            answers[key] = path
        except UnusableError as error:
            problems.append(f"{path}: {error}")
    problems += [f"{path}: another file is for the same call: none of them counts" for path in twice.values()]
    return {key: path for key, path in answers.items() if key not in twice}, problems


def _key(steps: tuple[str, ...]) -> Key:
    *above, file = steps
    if not file.endswith(".json"):
        raise UnusableError("its name does not end in .json")
    if len(steps) not in (4, 5):
        raise UnusableError(f"stands where no answer does: {LAYOUT}")
    account, region, service = above[:3]
    name, parameters = (above[3], file[:-5]) if len(steps) == 5 else (file[:-5], "")
    if not ACCOUNT_ID.match(account):
        raise UnusableError(f"{account} is no account: 12 digits")
    if not REGION.match(region):
        raise UnusableError(f"{region} is no region")
    operations = _operations(_one_of(service, _services(), "service"))
    operation = operations[_one_of(name, operations, f"operation of {service}")]
    return account, region, service, operation, _comparable(parameters)


def _one_of(name: str, known: Collection[str], what: str) -> str:
    if name in known:
        return name
    close = nearest(name, known)
    raise UnusableError(f"there is no {what} {name}" + (f": did you mean {close}?" if close else ""))


@cache
def _session() -> Any:
    return botocore.session.Session()


@cache
def _services() -> frozenset[str]:
    return frozenset(_session().get_available_services())


@cache
def model_of(service: str) -> Any:
    """The model of a service. Raises what botocore raises."""
    return _session().get_service_model(service)


@cache
def _operations(service: str) -> dict[str, str]:
    return {xform_name(name, "-"): name for name in model_of(service).operation_names}


def read_answer(path: Path) -> dict[str, Json]:
    """What a file holds: an answer, or as `Error` why there was none. Raises UnusableError."""
    try:
        text = read_file(path).decode().strip()
    except (SnapshotError, UnicodeDecodeError) as error:
        raise UnusableError(str(error).removeprefix(f"{path}: ")) from None
    if said := _SAID.search(text[:_SAYS]) if not text.startswith("{") else None:
        return {"Error": {"Code": said["code"], "Message": said["message"]}, "Operation": said["operation"]}
    if not text:
        raise UnusableError("is empty: where AWS answered with nothing, write {}")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnusableError(f"is no JSON, or is cut off ({error})") from None
    if not isinstance(found, dict) or too_deep(text.encode(), ANSWER):
        raise UnusableError("is no answer: a JSON object")
    return found


def error_of(answer: Mapping[str, Json], operation: str) -> ClientError | None:
    """The error that was recorded, if it was one."""
    error = answer.get("Error")
    if not answer.keys() <= {"Error", "Operation", "ResponseMetadata"} or not isinstance(error, dict):
        return None
    if not isinstance(error.get("Code"), str):
        raise UnusableError("is an error without its Code")
    if answer.get("Operation", operation) != operation:
        raise UnusableError(f"is what {answer['Operation']} said")
    return ClientError({"Error": {"Code": error["Code"], "Message": str(error.get("Message", ""))}}, operation)
