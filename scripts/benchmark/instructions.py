"""Instructions of a pair in user space, counted by callgrind: unlike times, they are the same on a busy machine."""

import re
import shutil
import subprocess

from .measure import BenchError
from .workloads import PythonPair

_PAIRS = 2000
_KINDS = ("flock", "posix", "ofd", "lockf", "open", "python")


def _count(bench, kind, depth, preloaded, pairs):
    """Instructions of a whole run of so many pairs."""
    run_directory = bench.fresh("run")
    program = (PythonPair.command(bench, depth) if kind == "python" else
               [bench.program("pairs"), kind, str(depth), str(bench.fresh("lock"))])
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", *program]
    done = subprocess.run(command, env=bench.environment(run_directory if preloaded else None), cwd=bench.folder,
                          input=b"%d\n" % pairs, capture_output=True, check=False)
    found = re.search(rb"Collected : (\d+)", done.stderr)
    if done.returncode != 0 or not found:
        raise BenchError(f"callgrind: {done.stderr.decode(errors='replace').strip()}")
    if preloaded:
        bench.check_run(run_directory, pairs)
    return int(found.group(1))


def _per_pair(bench, kind, depth, preloaded):
    """What is done once cancels out in the difference of two runs."""
    return (_count(bench, kind, depth, preloaded, 2 * _PAIRS) - _count(bench, kind, depth, preloaded, _PAIRS)) / _PAIRS


def count_all(bench):
    """Empty without valgrind."""
    if shutil.which("valgrind") is None:
        return []
    counts = []
    for kind, depth in [(kind, 10) for kind in _KINDS] + [("flock", 1), ("flock", 40)]:
        bare = _per_pair(bench, kind, depth, False)
        preloaded = _per_pair(bench, kind, depth, True)
        counts.append({"pair": kind, "depth": depth, "bare": bare, "preloaded": preloaded, "added": preloaded - bare})
    return counts
