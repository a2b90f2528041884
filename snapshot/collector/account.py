"""One account: what is asked of it, call by call, and what comes of the answers."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Mapping
from functools import partial
from typing import Any

from botocore.exceptions import EndpointConnectionError

from ..catalog import REGION_TYPE, Call, ResourceType
from ..error_kinds import EXPIRED, code_of, kind_of_cause
from ..gaps import NOT_ENABLED, gaps_in
from ..model import EVERYWHERE, GLOBAL, Coverage, Json, Resource, Unknown
from ..names import REGION
from ..resource import compiled, id_of, known, name_of, tags_of
from .call import ask, part
from .clients import Clients, Sender, sending
from .decode import finish
from .found import distinct, enabled, few, objects, region_is_one
from .plan import Plan
from .rate_limit import Lane, Lanes
from .scheduler import Job, Work
from .shared_calls import Once, token
from .targets import Target
from .write import AccountData, Row, row


class Visit:
    """A visit to one account: `begin` it, and `done` is called when everything was asked.

    `gaps` counts what could not be read. `expired` is set where credentials expired for good: then what was collected
    is not whole, and must not be written.
    """

    def __init__(
        self,
        target: Target,
        home: str,
        plan: Plan,
        clients: Clients,
        work: Work,
        *,
        rank: int,
        callers: Lanes,
        done: Callable[[Visit], None],
    ) -> None:
        self.target, self._home, self._plan, self._clients, self._work = target, home, plan, clients, work
        self._lanes, self._callers, self._done = Lanes(rank, paced=plan.paced), callers, done
        self._lock = threading.Lock()
        self._once = Once()
        self._jobs = 0
        self._credentials: Any = None
        self._enabled: frozenset[str] | Unknown = frozenset()
        self._asked: frozenset[str] | Unknown = frozenset()
        self._places: dict[str, dict[str, Json]] = {}
        self._rows: dict[str, list[Row]] = {}
        self.gaps: Counter[str] = Counter()
        self.expired = ""

    def begin(self) -> None:
        self._start(self._enter())

    @property
    def with_callers_credentials(self) -> bool:
        """Whether it is the caller's own credentials that count: there are none of the account itself, or not yet."""
        return self._credentials is None or not self._places

    def data(self) -> AccountData:
        """All that was collected."""
        coverage = {kind: self._coverage(self._plan.types[kind], places) for kind, places in self._places.items()}
        self.gaps.update(cause for each in coverage.values() for cause in each.missing.values())
        return AccountData(
            id=self.target.account,
            name=self.target.name,
            regions=self._enabled,
            coverage=coverage,
            resources=self._rows,
        )

    def _start(self, job: Job) -> None:
        with self._lock:
            self._jobs += 1
        self._work.start(self._counted(job))

    def _counted(self, job: Job) -> Job:
        yield from job
        with self._lock:
            self._jobs -= 1
            last = not self._jobs
        if last:
            self._done(self)

    # ------------------------------------------------------------------------------------------------ the jobs

    def _enter(self) -> Job:
        gap = yield self._callers.of("sts", "AssumeRole", self._home), self._assume
        by_region = gap
        if gap is None:
            by_region = few((yield from self._list(self._plan.types[REGION_TYPE], GLOBAL)))
        self._enabled = enabled(by_region)
        chosen = self._plan.regions
        self._asked = self._enabled
        if chosen is not None and not isinstance(self._enabled, Unknown):
            self._asked = self._enabled & chosen
        for spec in self._plan.types.values():
            places = self._places.setdefault(spec.type, {})
            if gap is not None:
                places[EVERYWHERE] = gap
            elif spec.type == REGION_TYPE:
                self._listed(spec, {GLOBAL: by_region})
            else:
                where = self._where(spec)
                left = set(where)
                for place in where:
                    self._start(self._read(spec, place, left))

    def _read(self, spec: ResourceType, place: str, left: set[str]) -> Job:
        """List a type in one place; who comes last of all places goes on with what was found."""
        items = yield from self._list(spec, place)
        with self._lock:
            self._places[spec.type][place] = items
            left.discard(place)
            last = not left
        if last:
            self._listed(spec, self._places[spec.type])

    def _listed(self, spec: ResourceType, places: dict[str, Json]) -> None:
        found = distinct(spec, places)
        rows = self._rows.setdefault(spec.type, [])
        # Of lists nothing is kept but whether there was an answer: the items are on their way.
        self._places[spec.type] = {place: it if isinstance(it, Unknown) else None for place, it in places.items()}
        for place, config in found:
            self._start(self._describe(spec, place, config, rows))

    def _list(self, spec: ResourceType, place: str) -> Generator[Any, Json, Json]:
        """The items of a listing call in one region, or Unknown. What others have is asked of each of them."""
        region = self._home if place == GLOBAL else place
        owners: Json = [{}]
        if spec.list.of is not None:
            owners = objects((yield self._shared(spec.list.of, region)), spec.list.of)
            if isinstance(owners, Unknown):
                return owners
        found: list[dict[str, Json]] = []
        for owner in owners:
            request = self._request(spec.list, region, owner) if owner else self._shared(spec.list, region)
            items = objects((yield request), spec.list)
            if isinstance(items, Unknown):
                return items
            found += [{**owner, **item} for item in items]
        if (gap := self._clients.lacking(spec, region).listing) is not None:
            return gap
        named = all(id_of(spec, item) is not None and region_is_one(spec, item) for item in found)
        return found if named else Unknown.because(f"UnexpectedAnswer: {spec.list.action}")

    def _describe(self, spec: ResourceType, place: str, config: dict[str, Json], rows: list[Row]) -> Job:
        """The resource an item of a listing stands for, with everything attached that the catalogue names."""
        lacking = self._clients.lacking(spec, self._home if place == GLOBAL else place)
        lacking.mark(config, lacking.listed)
        there = self._known(spec, self._placed(spec, place, config), id_of(spec, config) or "")
        for name, call in spec.attach.items():
            region = self._region(spec, place, config)
            gap = self._out_of_reach(spec, call, region)
            if name in self.target.facts:
                config[name] = self.target.facts[name]
            elif name in there:
                config[name] = there[name]
                continue
            elif gap is not None:
                config[name] = gap
            else:
                config[name] = yield self._request(call, region, config)
            lacking.mark(config, [name])
        resource = Resource(
            type=spec.type,
            id=id_of(spec, config) or "",
            account=self.target.account,
            region=self._placed(spec, place, config),
            name=name_of(spec, config),
            tags=tags_of(spec, config),
            config=finish(config, spec),
        )
        written = row(resource)  # which takes a fraction of the memory
        with self._lock:
            rows.append(written)
            self.gaps.update(gaps_in(resource))

    # ------------------------------------------------------------------------------------------- what they ask

    def _assume(self) -> Unknown | None:
        """Enter the account; why that cannot be done, if it cannot."""
        self._plan.on_call()
        try:
            self._credentials = self.target.enter()
            if self._credentials is not None:
                self._credentials.get_frozen_credentials()
        except Exception as error:
            # As for a call: whatever it was, one account must not cost the run, and nothing is known of it.
            gap = Unknown.because(f"{code_of(error)}: sts:AssumeRole")
            self._look(gap)
            return gap
        return None

    def _request(self, call: Call, region: str, config: dict[str, Json]) -> tuple[Lane, Callable[[], Json]]:
        place = call.region or region
        lanes = self._callers if call.caller else self._lanes
        lane = lanes.of(call.service, call.operation, place)
        return lane, partial(self._ask, call, place, config, lane)

    def _shared(self, call: Call, region: str) -> tuple[Lane, Callable[[], Json]]:
        """A request that is about no resource: where several types begin with it, it is made once."""
        if (named := token(call)) not in self._plan.repeated:
            return self._request(call, region, {})
        lane, make = self._request(call.whole(), region, {})

        def taken() -> Json:
            answer = self._once(named, region, make)
            return answer if answer is None or isinstance(answer, Unknown) else part(call, answer)

        return lane, taken

    def _ask(self, call: Call, region: str, config: dict[str, Json], lane: Lane) -> Json:
        if self.expired:
            return Unknown.because(self.expired)
        credentials = None if call.caller else self._credentials
        try:
            client = self._clients(call.service, region)
        except Exception as error:  # UnknownServiceError, say: this botocore is too old for it
            return Unknown.because(f"{type(error).__name__}: {call.action}")
        self._plan.on_call()
        with sending(Sender(credentials=credentials, lane=lane, failed=self._plan.on_error)):
            account = self.target.account
            answers = self._plan.answers(account, region)
            answer = ask(client, call, {**config, "$account": account}, self._clients.deadline, answers)
        no_host = answer == Unknown.because(f"{EndpointConnectionError.__name__}: {call.action}")
        if no_host and not self._clients.serves(call.service, region):
            return Unknown.because(f"ServiceNotInRegion: {call.action} in {region}")
        self._look(answer)
        return answer

    def _look(self, answer: Json) -> None:
        if isinstance(answer, Unknown) and kind_of_cause(str(answer)) is EXPIRED:
            self.expired = str(answer)

    def _out_of_reach(self, spec: ResourceType, call: Call, region: str) -> Unknown | None:
        """Why a call is not sent to a region: a bucket, say, may be in one that the account has not enabled."""
        if not call.asked:
            why = "which is asked for policies that read it: by -p, --pack or --needed"
            why = why if call.costly else "which the policies of this collection do not read"
            return Unknown.because(f"NotAsked: {call.action}, {why}")
        if call.caller:
            asked = self._plan.organization and not call.found
            return None if asked else Unknown.because(f"NotAsked: {call.action}, without --org")
        if call.region or isinstance(self._enabled, Unknown):
            return None
        if region not in self._enabled and (spec.type == REGION_TYPE or region != self._home):
            return Unknown.because(f"{NOT_ENABLED}: {call.action} in {region}")
        if spec.type == REGION_TYPE and self._plan.regions is not None and region not in self._plan.regions:
            return Unknown.because(f"RegionNotAsked: {call.action} in {region}")
        return None

    def _region(self, spec: ResourceType, place: str, config: dict[str, Json]) -> str:
        fallback = self._home if place == GLOBAL else place
        found = compiled(spec.region).search(known(config)) if spec.region else None
        return found if isinstance(found, str) and REGION.match(found) else fallback

    def _placed(self, spec: ResourceType, place: str, config: dict[str, Json]) -> str:
        return GLOBAL if spec.region is None and spec.scope == "account" else self._region(spec, place, config)

    def _where(self, spec: ResourceType) -> Iterable[str]:
        places = (GLOBAL,) if spec.scope == "account" else () if isinstance(self._asked, Unknown) else self._asked
        regions = () if isinstance(self._enabled, Unknown) else self._enabled
        if self._plan.known is None:
            return sorted(places)
        return self._plan.known.lacking(self.target.account, spec, sorted(places), sorted(regions))

    def _known(self, spec: ResourceType, region: str, identity: str) -> Mapping[str, Json]:
        """What of a resource need not be asked, by name."""
        known = self._plan.known
        return known.attached(self.target.account, spec, region, identity) if known else {}

    def _coverage(self, spec: ResourceType, places: Mapping[str, Json]) -> Coverage:
        missing = {place: str(answer) for place, answer in places.items() if isinstance(answer, Unknown)}
        if spec.scope == "region" and isinstance(self._asked, Unknown):
            missing[EVERYWHERE] = str(self._asked)
        return Coverage(read=frozenset(places.keys() - missing.keys()), missing=missing)
