"""The HTML report of 650,000 findings: what it costs to make, and how quickly a browser shows it.

    python -m bench.report --into DIR

The fleet is one of trails, keys and VPCs alone, so that each resource is judged. Chromium is needed for the second
part; without it only the first is measured.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

from . import fleet

TOTALS = {"accounts": 1_143, "trails": 60_000, "keys": 197_000, "vpcs": 143_000, "resources": 0}
ENDINGS = ("jsonl", "html", "ocsf.jsonl", "sarif", "xml", "csv", "md")
JUDGE = """
import resource, sys
from stillframe.cli import main
sys.argv[0] = "stillframe"
try:
    main()
except SystemExit:
    pass
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def build(archive: Path, scale: float) -> Path:
    """A snapshot of a fleet with as many findings as the other one has resources."""
    ratios = {what: TOTALS[what] / fleet.TOTALS[what] for what in ("accounts", "trails", "keys", "vpcs")}
    fleet.STUDY = {name: (what, round(count * ratios[what])) for name, (what, count) in fleet.STUDY.items()}
    fleet.TOTALS, fleet.BUCKETS = TOTALS, 0
    return fleet.build(fleet.Fleet(scale=scale), archive)


def judged(snapshot: Path, *options: str) -> tuple[float, int]:
    """CPU seconds and megabytes of a process that judges a snapshot."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-c", JUDGE, "evaluate", str(snapshot), "--no-cache", "--show", "1", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - our own command line
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return used, int(done.stdout.splitlines()[-1])


def opened(path: Path, rounds: int) -> list[tuple[float, float, float]]:
    """Seconds until the page shows its findings, until a search is answered, and until a filter is."""
    from playwright.sync_api import sync_playwright

    times = []
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=arguments)
        for _ in range(rounds):
            page = browser.new_page()
            moments = [time.perf_counter()]
            page.goto(f"file://{path.absolute()}", wait_until="commit")
            page.wait_for_selector("[data-ready=true]", state="attached", timeout=60_000)
            moments.append(time.perf_counter())
            page.fill("#search", "no active flow log")
            page.locator(".counter").inner_text()
            moments.append(time.perf_counter())
            page.select_option("#filter-status", "violation")
            page.locator(".counter").inner_text()
            moments.append(time.perf_counter())
            times.append((moments[1] - moments[0], moments[2] - moments[1], moments[3] - moments[2]))
            page.close()
        browser.close()
    return times


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.report", description=__doc__)
    parser.add_argument("--into", type=Path, required=True, help="a folder for the snapshot and the reports")
    parser.add_argument("--scale", type=float, default=1.0, help="1 is 650,000 findings")
    parser.add_argument("--rounds", type=int, default=3, help="how often the page is opened")
    options = parser.parse_args()
    snapshot = next(options.into.glob("archive/20*/manifest.json"), None)
    folder = snapshot.parent if snapshot else build(options.into / "archive", options.scale)
    alone, _ = judged(folder)
    print(f"judging alone: {alone:.1f} CPU seconds; with a report:")
    for ending in ENDINGS:
        path = options.into / f"findings.{ending}"
        used, memory = judged(folder, "-o", str(path))
        size = path.stat().st_size / 1e6
        cost = f"{used:5.1f} CPU seconds, {used / alone:.1f} × judging alone"
        print(f"  .{ending:<11} {cost}, {memory} MB of memory, {size:.1f} MB")
    if shutil.which("chromium"):
        ready, search, status = (
            statistics.median(each)
            for each in zip(*opened(options.into / "findings.html", options.rounds), strict=True)
        )
        print(
            f"Chromium: open {ready:.2f} s, search {search:.2f} s, filter {status:.2f} s (medians of {options.rounds})"
        )


if __name__ == "__main__":
    main()
