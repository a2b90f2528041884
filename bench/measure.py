"""Run one command and say what it took: `python -I -S measure.py COMMAND …`.

A process of its own, and a small one: the system counts memory that a process had before it became another program.
"""

import os
import sys
import time


def main() -> None:
    command = sys.argv[1:]
    silent = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    start = time.perf_counter()
    process = os.posix_spawn(command[0], command, os.environ, file_actions=silent)
    _, status, usage = os.wait4(process, 0)
    wall = time.perf_counter() - start
    unit = 1 if sys.platform == "darwin" else 1024
    print(wall, usage.ru_utime, usage.ru_stime, usage.ru_maxrss * unit, os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main()
