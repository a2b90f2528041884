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


ASKED = """async (act) => {
  const start = performance.now();
  if (act === 'search') typed('no active flow log');
  else document.querySelector(`#choices-${act} input[type=checkbox]`).click();
  document.querySelector('.counter').offsetHeight;
  await new Promise((drawn) => requestAnimationFrame(drawn));
  return (performance.now() - start) / 1000;
  function typed(text) {
    const search = document.getElementById('search');
    search.value = text;
    search.dispatchEvent(new Event('input'));
  }
}"""
FILTERS = ("status", "account", "type", "tag")


def opened(path: Path, rounds: int) -> dict[str, list[float]]:
    """Seconds until the page shows its findings, until a search is answered and drawn, and until each filter is."""
    from playwright.sync_api import sync_playwright

    times: dict[str, list[float]] = {}
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=arguments)
        for _ in range(rounds):
            page = browser.new_page()
            start = time.perf_counter()
            page.goto(f"file://{path.absolute()}", wait_until="commit")
            page.wait_for_selector("[data-ready=true]", state="attached", timeout=60_000)
            times.setdefault("open", []).append(time.perf_counter() - start)
            times.setdefault("search", []).append(page.evaluate(ASKED, "search"))
            page.get_by_role("button", name="Reset").click()
            for name in FILTERS:
                if page.locator(f"#filter-{name}").count():
                    page.locator(f"#filter-{name}").click()
                    page.wait_for_selector(f"#choices-{name} input[type=checkbox]")
                    times.setdefault(name, []).append(page.evaluate(ASKED, name))
                    page.keyboard.press("Escape")
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
        medians = {
            name: statistics.median(each)
            for name, each in opened(options.into / "findings.html", options.rounds).items()
        }
        told = ", ".join(f"{name} {value:.2f} s" for name, value in medians.items())
        print(f"Chromium, medians of {options.rounds}: {told}")


if __name__ == "__main__":
    main()
