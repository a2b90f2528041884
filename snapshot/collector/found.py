"""What is made of lists that AWS answered with: regions, resources each once, and what could not be read of them."""

from __future__ import annotations

from collections.abc import Mapping

from ..catalog import Call, ResourceType
from ..model import Json, Unknown
from ..names import REGION, REGIONS
from ..resource import compiled, id_of

ENABLED = frozenset({"opt-in-not-required", "opted-in"})  # ec2:DescribeRegions OptInStatus


def region_is_one(spec: ResourceType, item: dict[str, Json]) -> bool:
    found = compiled(spec.region).search(item) if spec.region else None
    return not isinstance(found, str) or REGION.match(found) is not None


def objects(items: Json, call: Call) -> list[dict[str, Json]] | Unknown:
    """A list of items, or Unknown. Nothing there is a list without items."""
    if items is None or isinstance(items, Unknown):
        return [] if items is None else items
    whole = isinstance(items, list) and all(isinstance(item, dict) for item in items)
    return items if whole else Unknown.because(f"UnexpectedAnswer: {call.action}")


def few(listed: Json) -> Json:
    """The regions that AWS listed, of which there cannot be many: each of them is asked."""
    many = isinstance(listed, list) and len(listed) > REGIONS
    return Unknown.because("UnexpectedAnswer: ec2:DescribeRegions") if many else listed


def enabled(listed: Json) -> frozenset[str] | Unknown:
    """The regions that are enabled, of those that AWS listed."""
    listed = few(listed)
    if isinstance(listed, Unknown):
        return listed
    if not all(
        REGION.match(str(item.get("RegionName"))) and isinstance(item.get("OptInStatus"), str) for item in listed
    ):
        return Unknown.because("UnexpectedAnswer: ec2:DescribeRegions")
    found = frozenset(item["RegionName"] for item in listed if item["OptInStatus"] in ENABLED)
    return found or Unknown.because("ec2:DescribeRegions named no enabled region")


def distinct(spec: ResourceType, places: Mapping[str, Json]) -> list[tuple[str, dict[str, Json]]]:
    """Each resource once, by id, as its own region shows it: a multi-region trail is listed in every region."""
    found: dict[tuple[str, str], tuple[str, dict[str, Json]]] = {}
    for place, items in sorted(places.items()):
        for item in items if isinstance(items, list) else ():
            home = compiled(spec.region).search(item) if spec.region else place
            key = (home if isinstance(home, str) else place, id_of(spec, item) or "")
            if key not in found or home == place:
                found[key] = (place, item)
    return list(found.values())
