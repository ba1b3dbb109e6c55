"""Runs programs bare and preloaded, in alternation, and sums the rounds up."""

import json
import os
import pathlib
import shutil
import statistics
import subprocess


class BenchError(Exception):
    """Something could not be measured."""


def spread(values):
    """Quartiles: lower, median, upper."""
    ordered = statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else list(values) * 3
    return {"q1": ordered[0], "median": ordered[1], "q3": ordered[2]}


def compare(rounds):
    """Sums up rounds of (bare, preloaded) or (bare, preloaded, clocks alone). The ratio is taken round by round: what
    disturbs the machine for longer than a round disturbs all sides of it."""
    figures = {
        "rounds": len(rounds),
        "bare": spread([turn[0] for turn in rounds]),
        "preloaded": spread([turn[1] for turn in rounds]),
        "ratio": spread([turn[1] / turn[0] for turn in rounds]),
        "added": spread([turn[1] - turn[0] for turn in rounds]),
    }
    if len(rounds[0]) > 2:
        figures["clocks_ratio"] = spread([turn[2] / turn[0] for turn in rounds])
    return figures


class Bench:
    """Where things are, and how to start them."""

    def __init__(self, build, folder, library, rounds):
        self.build = build
        self.folder = folder
        self.library = pathlib.Path(library or build / "libflockstat.so").resolve()
        self._rounds = rounds
        self._made = 0
        if not self.library.exists():
            raise BenchError(f"{self.library} is missing; run 'make'")
        self._preload = self.linked(self.library)
        self._seen = self._identity()

    def _identity(self):
        facts = self.library.stat()
        return facts.st_ino, facts.st_mtime_ns, facts.st_size

    def check_library(self):
        """Figures of one run are of one object."""
        if self._identity() != self._seen:
            raise BenchError(f"{self.library} was built anew while it was measured")

    def linked(self, library):
        """Another path to it: LD_PRELOAD can hold neither spaces nor colons."""
        link = self.folder / pathlib.Path(library).name
        if not link.exists():
            link.symlink_to(library)
        return link

    def rounds(self, usual):
        return max(2, round(usual * self._rounds))

    def program(self, name):
        path = self.build / "bench" / name
        if not path.exists():
            raise BenchError(f"{path} is missing; run 'make bench'")
        return str(path)

    def fresh(self, name):
        """A path in the bench's folder that nobody used yet."""
        self._made += 1
        return self.folder / f"{name}-{self._made}"

    def environment(self, run_directory=None, preload=None):
        """Bare without arguments; with a run directory flockstat, recording into it; or with another preload."""
        own = {name: value for name, value in os.environ.items() if not name.startswith("FLOCKSTAT_")}
        own.pop("LD_PRELOAD", None)
        if run_directory is not None:
            own |= {"LD_PRELOAD": str(self._preload), "FLOCKSTAT_DIR": str(run_directory)}
        elif preload is not None:
            own["LD_PRELOAD"] = str(preload)
        return own

    @property
    def preload(self):
        return str(self._preload)

    def check_run(self, run_directory, attempts):
        """Everything was recorded: a figure of a shim that sleeps would be a fine figure. Removes the run."""
        command = [str(self.build / "flockstat"), "report", str(run_directory), "-f", "json"]
        done = subprocess.run(command, capture_output=True, check=False)
        if done.returncode != 0:
            raise BenchError(f"no report of a measured run: {done.stderr.decode(errors='replace').strip()}")
        report = json.loads(done.stdout)
        lost = {what: times for what, times in report["lost"].items() if times}
        seen = sum(lock["granted"] for lock in report["locks"])
        if lost or seen < attempts:
            raise BenchError(f"a measured run recorded {seen} of {attempts} grants, and lost {lost or 'nothing'}")
        shutil.rmtree(run_directory, ignore_errors=True)


class Conversation:
    """A program that answers each request on its stdin with a line on its stdout; it stays on one processor."""

    def __init__(self, command, environment, folder):
        self._process = subprocess.Popen(
            command, env=environment, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            preexec_fn=lambda: os.sched_setaffinity(0, {max(os.sched_getaffinity(0))}))

    def ask(self, request):
        try:
            self._process.stdin.write(request)
            self._process.stdin.flush()
        except BrokenPipeError:
            raise BenchError(f"{self._process.args[0]} ended early") from None
        answer = self._process.stdout.readline()
        if not answer:
            raise BenchError(f"{self._process.args[0]} ended early")
        return answer

    def end(self):
        self._process.stdin.close()
        self._process.stdout.close()
        if self._process.wait() != 0:
            raise BenchError(f"{self._process.args[0]} ended with status {self._process.returncode}")


def alternate(sides, times):
    """Calls each side once a turn, and yields what they answered; every other turn goes backwards."""
    for turn in range(times):
        order = list(range(len(sides)))
        answers = {i: sides[i]() for i in (reversed(order) if turn % 2 else order)}
        yield tuple(answers[i] for i in order)
