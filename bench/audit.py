"""The auditor's report of a whole benchmark over 50 accounts: its pages, and how long it takes.

    python -m bench.audit --into DIR

Needs Chromium, and pdfinfo of poppler.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

from .fleet import TOTALS
from .snapshots import whole_of

ACCOUNTS = 50


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--into", type=Path, required=True, help="where the snapshot and the reports are put")
    into = parser.parse_args().into
    snapshot = whole_of(into, ACCOUNTS / TOTALS["accounts"])
    judge = [sys.executable, "-m", "stillframe", "evaluate", str(snapshot), "--pack", "cis-aws-5.0.0", "--show", "1"]
    for name in ("audit.pdf", "audit.letter.pdf"):
        begun = time.perf_counter()
        done = subprocess.run([*judge, "-o", str(into / name)], check=False, capture_output=True, text=True)  # noqa: S603
        took = time.perf_counter() - begun
        if done.returncode != 1:
            raise SystemExit(done.stderr)
        told = subprocess.run(["pdfinfo", str(into / name)], check=True, capture_output=True, text=True)  # noqa: S603, S607
        [pages] = [line.split()[1] for line in told.stdout.splitlines() if line.startswith("Pages")]
        print(f"{name}: {pages} pages, {took:.1f} s")


if __name__ == "__main__":
    main()
