"""What is fuzzed: the readers of every file that a stranger may have written, and the commands that take it.

A target is made once in a folder of its own. Then it takes harms and says whether what was harmed was accepted, so
that the program worked on it, or refused with an error that says so. Whatever else is raised is a fault.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec
import yaml
from builders import shipped, write_snapshot
from fuzz.edits import LOSE, Edit, altered, edited
from hostile import CALLS, answer
from stillframe.cli import main
from stillframe.engine.execution.judge import Method, judge
from stillframe.engine.judging.evaluate import evaluate
from stillframe.engine.loading.policies import parse_policy
from stillframe.engine.loading.ruleset import load_rules
from stillframe.engine.model.finding import Status
from stillframe.engine.model.policy import Policy
from stillframe.engine.testing.examples import cases, fixture
from stillframe.snapshot import StillframeError, open_snapshot
from stillframe.snapshot.catalog import Catalog, _entries
from stillframe.snapshot.collector.kept import Kept, pick_up
from stillframe.snapshot.model import Unknown
from stillframe.snapshot.verify import verify

Try = Callable[[int, bool, Sequence[Edit], bool], bool]  # which; what it says or its bytes; harms; by command, too
CODES = frozenset(range(5))  # docs/exit-codes.md
IDS = ("kms-key-rotation", "vpc-flow-logs", "ec2-security-group-no-ssh", "iam-root-mfa", "sqs-queue-not-public")


def command(*arguments: object) -> int:
    """Run the command line in this process; its exit code is a documented one."""
    out, err = io.StringIO(), io.StringIO()
    before, sys.argv = sys.argv, ["stillframe", *map(str, arguments)]
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            main()
        code: Any = 0
    except SystemExit as stop:
        code = stop.code or 0
    finally:
        sys.argv = before
    assert code in CODES, (code, arguments, err.getvalue())
    assert "Traceback" not in err.getvalue()
    return int(code)


def accepted(work: Callable[[], Any]) -> bool:
    """Whether something can be read, where refusing it is as good."""
    try:
        work()
    except (StillframeError, OSError):  # `cli.main` explains both
        return False
    return True


# ------------------------------------------------------------------------------------------------ snapshots


def estate() -> dict[str, Any]:
    """An estate of what a few examples give."""
    found: dict[str, Any] = {}
    for policy in shipped(*IDS):
        for test in policy.tests[:3]:
            for kind, resources in test["given"].items():
                if isinstance(resources, list) and not kind.startswith("$"):
                    mine = found.setdefault(kind, {})
                    mine |= {json.dumps(each, sort_keys=True): each for each in resources}
    return {kind: list(mine.values()) for kind, mine in found.items()}


class Archive:
    """A snapshot that was honestly written, of which one file is harmed, and mended again."""

    def __init__(self, folder: Path) -> None:
        self.path = write_snapshot(folder / "archive", unique(estate()))
        self.account = next(path for path in self.path.iterdir() if path.is_dir())
        self.policies = shipped(*IDS)
        self.honest = {path: path.read_bytes() for path in self.path.rglob("*") if path.is_file()}
        self.passes = self.judged()
        self.commands: Sequence[Sequence[object]] = (
            ("evaluate", self.path, "-o", folder / "out.jsonl", "--no-cache"),
            ("snapshot", "verify", self.path),
            ("snapshot", "show", self.path),
            ("diff", self.path, self.path, "-o", folder / "out.csv"),
            ("drift", self.path, self.path),
            ("trend", folder / "archive"),
            ("query", self.path, "AWS::KMS::Key", "@"),
        )
        self.turn = 0

    def judged(self) -> set[tuple[str, str]]:
        """What passes."""
        found = evaluate(open_snapshot(self.path), self.policies)
        return {(each.policy, each.resource) for each in found if each.status is Status.PASS}

    def hold(self, path: Path, data: bytes, *, digests: bool) -> None:
        """Write a file; with `digests` those above it, too."""
        path.write_bytes(data)
        if not digests or path.name == "manifest.json":
            return
        account = self.account / "account.json"
        if path != account:
            said = json.loads(self.honest[account])
            entry = said["types"][path.stem.replace("-", "::")]
            entry |= {"sha256": hashlib.sha256(data).hexdigest(), "count": data.count(b"\n")}
            account.write_bytes(json.dumps(said).encode())
        manifest = json.loads(self.honest[self.path / "manifest.json"])
        manifest["accounts"][self.account.name] = hashlib.sha256(account.read_bytes()).hexdigest()
        (self.path / "manifest.json").write_bytes(json.dumps(manifest).encode())

    def restore(self) -> None:
        for path, data in self.honest.items():
            path.write_bytes(data)

    def read(self) -> set[tuple[str, str]]:
        """Read it by every way there is; what passes."""
        list(verify(self.path))
        exact = self.judged()
        self.turn += 1
        if self.turn % 10:
            return exact
        compiled = b"".join(
            line
            for batch in judge(open_snapshot(self.path), self.policies, Method(few=0))
            for line in batch.having(Status.PASS)
        )
        assert compiled.count(b"\n") == len(exact), "the two paths differ"
        return exact

    def by_command(self, pick: int) -> None:
        command(*self.commands[pick % len(self.commands)])


def unique(given: Mapping[str, Any]) -> dict[str, Any]:
    """Without what is twice by its id, of which a snapshot has one."""
    found = {}
    for kind, resources in given.items():
        kept: dict[Any, Any] = {}
        for each in fixture({kind: resources}).account("111122223333").read(kind):
            kept.setdefault((each.region, each.id), each)
        found[kind] = [each.config for each in kept.values()]
    return found


def lines(folder: Path) -> Try:
    """Resource files, with digests that are right: as somebody may write them who means harm."""
    archive = Archive(folder)
    paths = sorted(path for path in archive.honest if path.suffix == ".jsonl")

    def attempt(pick: int, says: bool, edits: Sequence[Edit], loud: bool) -> bool:
        path = paths[pick % len(paths)]
        if says:
            rows = [json.loads(line) for line in archive.honest[path].splitlines()]
            number = pick % len(rows)
            lost = bool(edits) and all(what == LOSE for what, *_ in edits)
            row = rows[number]
            rows[number] = {**row, "config": altered(row["config"], edits)} if lost else altered(row, edits)
            data = b"".join(as_json(row) + b"\n" for row in rows)
        else:
            lost, data = False, edited(archive.honest[path], edits)
        return _tried(archive, pick, path, data, loud=loud, lost=lost)

    return attempt


def _tried(archive: Archive, pick: int, path: Path, data: bytes, *, loud: bool, lost: bool = False) -> bool:
    archive.hold(path, data, digests=True)
    try:
        passes: set[tuple[str, str]] = set()
        read = accepted(lambda: passes.update(archive.read()))
        assert not lost or passes <= archive.passes, f"passes by a loss: {passes - archive.passes}"
        if loud:
            archive.by_command(pick)
        return read
    finally:
        archive.restore()


def account_file(folder: Path) -> Try:
    """account.json, with its digest right; what is lost of it makes nothing pass."""
    archive = Archive(folder)
    path = archive.account / "account.json"

    def attempt(pick: int, says: bool, edits: Sequence[Edit], loud: bool) -> bool:
        lost = says and bool(edits) and all(what == LOSE for what, *_ in edits)
        said = json.loads(archive.honest[path])
        if lost:
            for _, where, _ in edits:
                kind = sorted(said["types"])[where % len(said["types"])]
                gaps = dict.fromkeys(said["types"][kind]["read"], "AccessDenied: lost")
                said["types"][kind] = {"count": 0, "sha256": None, "read": [], "missing": gaps}
        data = as_json(said if lost else altered(said, edits)) if says else edited(archive.honest[path], edits)
        return _tried(archive, pick, path, data, loud=loud, lost=lost)

    return attempt


def manifest(folder: Path) -> Try:
    """manifest.json, which nothing has the digest of."""
    archive = Archive(folder)
    path = archive.path / "manifest.json"

    def attempt(pick: int, says: bool, edits: Sequence[Edit], loud: bool) -> bool:
        data = (
            as_json(altered(json.loads(archive.honest[path]), edits)) if says else edited(archive.honest[path], edits)
        )
        return _tried(archive, pick, path, data, loud=loud)

    return attempt


def damage(folder: Path) -> Try:
    """Any file below a manifest, with its digest as it was: nothing is judged by it."""
    archive = Archive(folder)
    paths = sorted(path for path in archive.honest if path.name != "manifest.json")

    def read() -> None:
        account = open_snapshot(archive.path).account(archive.account.name)
        for kind in account.coverage:
            list(account.read(kind))

    def attempt(pick: int, says: bool, edits: Sequence[Edit], loud: bool) -> bool:
        path = paths[pick % len(paths)]
        data = edited(archive.honest[path], edits)
        if data == archive.honest[path]:
            return False
        archive.hold(path, data, digests=False)
        try:
            assert list(verify(archive.path)), "verify calls it whole"
            assert not accepted(read), "what was harmed is read"
            if loud:
                assert command("snapshot", "verify", archive.path) == 2
        finally:
            archive.restore()
        return True

    return attempt


def plan(folder: Path) -> Try:
    """The plan of an unfinished snapshot."""
    from stillframe.snapshot.catalog import catalog_digest
    from stillframe.snapshot.format import encode

    place = folder / "archive" / "2026-01-01T00-00-00Z"
    place.mkdir(parents=True)
    kept = Kept(
        catalog=catalog_digest(), captured_at="2026-01-01T00:00:00Z", caller="111122223333",
        accounts={"111122223333": None}, facts={}, types=["AWS::KMS::Key"], regions=["us-east-1"], roles=["Audit"],
        external_id=None, scope={"accounts": "listed"},
    )  # fmt: skip
    honest = json.loads(encode({name: getattr(kept, name) for name in kept.__struct_fields__}))

    def attempt(pick: int, says: bool, edits: Sequence[Edit], loud: bool) -> bool:
        data = as_json(altered(honest, edits)) if says else edited(as_json(honest), edits)
        (place / ".plan.json").write_bytes(data)

        def work() -> None:
            _, file, journal = pick_up(place)
            file.close()
            assert journal is None, "a plan that nobody made here is known"

        if loud:
            command("snapshot", "list", folder / "archive")
        return accepted(work)

    return attempt


# --------------------------------------------------------------------------------------- policies and the like


def policies(folder: Path) -> Try:
    """Every policy that ships, harmed in its text and in what it says; judged by both paths if it is one."""
    texts = [
        (policy.source, Path(str(files("stillframe").joinpath(policy.source))).read_bytes()) for policy in shipped()
    ]
    path = folder / "policy.yaml"

    @cache
    def example(number: int) -> tuple[Any, Any]:
        source, text = texts[number]
        return yaml.safe_load(text), [case.snapshot for case in cases(parse_policy(source, text.decode()))[:2]]

    def attempt(pick: int, says: bool, edits: Sequence[Edit], loud: bool) -> bool:
        number = pick % len(texts)
        document, snapshots = example(number)
        if says:  # its examples are most of its text, and are not judged by
            short = {**document, "tests": document["tests"][:2]}
            data = json.dumps(altered(short, edits), default=str).encode()
        else:
            data = edited(texts[number][1], edits)
        made: list[Policy] = []
        read = accepted(lambda: made.append(parse_policy("policy.yaml", data.decode("utf-8", "replace"))))
        for policy in made:
            for snapshot in snapshots:
                list(evaluate(snapshot, [policy]))
        if loud:
            path.write_bytes(data)
            command("evaluate", _small(folder), "--policies", path, "-o", folder / "out.sarif", "--no-cache")
            command("policy", "lint", path)
            command("policy", "test", path)
        return read

    return attempt


@cache
def _small(folder: Path) -> Path:
    return write_snapshot(folder / "archive", unique(estate()))


CONFIG = """
policies: [policies]
packs: [logging]
settings:
  vpc-flow-logs: {params: {traffic_type: ALL}, severity: high}
  kms-key-rotation: {enabled: false, reason: not ours}
waivers:
  - {policy: vpc-flow-logs, account: "111122223333", resource: "vpc-*", reason: known, owner: me, expires: 2027-01-01}
"""


def config(folder: Path) -> Try:
    """stillframe.yaml."""
    (folder / "policies").mkdir()
    shutil.copy(str(files("stillframe.policies") / "sqs" / "sqs-queue-not-public.yaml"), folder / "policies")
    return _document(
        folder / "stillframe.yaml",
        _config_text(folder),
        load_rules,
        lambda path: ("evaluate", _small(folder), "--config", path, "--no-cache"),
    )


def _config_text(folder: Path) -> bytes:
    text = CONFIG.encode()
    (folder / "stillframe.yaml").write_bytes(text)
    load_rules(folder / "stillframe.yaml")  # what is harmed is right
    return text


def pack(folder: Path) -> Try:
    """A pack of one's own."""
    text = (files("stillframe.policies") / "packs" / "logging.yaml").read_bytes()
    return _document(
        folder / "pack.yaml",
        text.replace(b"framework: logging", b"framework: pack"),
        lambda path: load_rules(packs=[str(path)]),
        lambda path: ("evaluate", _small(folder), "--pack", path, "--no-cache"),
    )


def _document(
    path: Path, text: bytes, read: Callable[[Path], Any], arguments: Callable[[Path], Iterable[object]]
) -> Try:
    document = yaml.safe_load(text)

    def attempt(pick: int, says: bool, edits: Sequence[Edit], loud: bool) -> bool:
        data = json.dumps(altered(document, edits), default=str).encode() if says else edited(text, edits)
        path.write_bytes(data)
        if loud:
            command(*arguments(path))
        return accepted(lambda: read(path))

    return attempt


def catalogue(folder: Path) -> Try:
    """An entry of the catalogue of resource types."""
    whole = [
        (file.name, file.read_bytes()) for file in sorted((files("stillframe.snapshot") / "catalog").iterdir(), key=str)
    ]
    entries = [(file, name, text) for file, data in whole for name, text in _entries(data)]
    reader = Catalog()

    def attempt(pick: int, says: bool, edits: Sequence[Edit], loud: bool) -> bool:
        file, name, text = entries[pick % len(entries)]
        data = (
            json.dumps(altered(yaml.safe_load(text), edits), default=str).encode()
            if says
            else edited(text.encode(), edits)
        )
        return accepted(lambda: reader._type(name, file, data.decode("utf-8", "replace")))

    return attempt


def baseline(folder: Path) -> Try:
    """Findings of before, as --baseline takes them."""
    from stillframe.engine.findings.gate import read_baseline

    command("evaluate", _small(folder), "--shipped", "-o", folder / "before.jsonl", "--no-cache")
    rows = (folder / "before.jsonl").read_bytes().splitlines(keepends=True)[:40]
    path = folder / "baseline.jsonl"

    def attempt(pick: int, says: bool, edits: Sequence[Edit], loud: bool) -> bool:
        said = altered([json.loads(row) for row in rows], edits)
        data = [as_json(each) + b"\n" for each in (said if isinstance(said, list) else [said])]
        path.write_bytes(b"".join(data) if says else edited(b"".join(rows), edits))
        if loud:
            command("evaluate", _small(folder), "--baseline", path, "--no-cache")
        return accepted(lambda: read_baseline(path))

    return attempt


def kept(folder: Path) -> Try:
    """What was judged before, in the user's own folder: harmed, it changes no finding; forged, it ends nothing."""
    archive = Archive(folder)
    place = folder / "cache"
    method = Method(few=0, cache=place)

    def judged() -> bytes:
        return b"".join(batch.data for batch in judge(open_snapshot(archive.path), archive.policies, method))

    honest = judged()
    (file,) = place.glob("*.findings")
    data = file.read_bytes()
    length = int.from_bytes(data[-40:-32], "big")
    records, index = data[: -40 - length], msgspec.msgpack.decode(data[-40 - length : -40])

    def attempt(pick: int, says: bool, edits: Sequence[Edit], loud: bool) -> bool:
        if says:
            with contextlib.suppress(OverflowError, TypeError, ValueError):
                made = msgspec.msgpack.encode(altered(index, edits))
                file.write_bytes(records + made + len(made).to_bytes(8, "big") + hashlib.sha256(made).digest())
        else:
            file.write_bytes(edited(data, edits))
        found = judged()
        assert says or found == honest, "a harmed cache changed what was found"
        if loud:
            command("evaluate", archive.path)
        return found == honest

    return attempt


def answers(_: Path) -> Try:
    """The pages that AWS answers with, of every call of the catalogue."""

    def attempt(pick: int, says: bool, edits: Sequence[Edit], loud: bool) -> bool:
        lost = not says and bool(edits) and all(what == LOSE for what, *_ in edits)

        def harm(body: bytes, _: Any) -> bytes:
            if says and body[:1] == b"{":
                return as_json(altered(json.loads(body), edits))
            return edited(body, edits)

        found = answer(CALLS[pick % len(CALLS)], harm, pick % 2)
        assert not lost or found == answer(CALLS[pick % len(CALLS)]) or isinstance(found, Unknown), found
        return not isinstance(found, Unknown)

    return attempt


def as_json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")


TARGETS: Mapping[str, Callable[[Path], Try]] = {
    each.__name__: each
    for each in (
        lines,
        account_file,
        manifest,
        damage,
        plan,
        policies,
        config,
        pack,
        catalogue,
        baseline,
        kept,
        answers,
    )
}
