"""What is measured: each workload answers measure(bench) with its figures, in nanoseconds."""

import os
import pathlib
import subprocess
import time

from .measure import BenchError, Conversation, alternate, compare


class Workload:
    """`bar`: the greatest ratio that is let pass, where there is one. `goal`: what it should come to."""

    def __init__(self, name, title, goal=None, bar=None):
        self.name = name
        self.title = title
        self.goal = goal
        self.bar = bar

    def result(self, rounds, **more):
        figures = {"name": self.name, "title": self.title, "goal": self.goal, "bar": self.bar, **compare(rounds), **more}
        figures["broken"] = self.bar is not None and figures["ratio"]["median"] > self.bar
        return figures


class Conversed(Workload):
    """The processes live side by side and take turns: many rounds of a millisecond or so, close to one another. Some
    generations of them, because where a process's memory happens to lie makes a difference that stays with it."""

    generations = 8
    turns = 40

    def start(self, bench, environment):
        raise NotImplementedError

    def others(self, bench):
        """Environments of more sides, after bare and flockstat."""
        return []

    def turn(self, talk):
        """Nanoseconds of one unit of work."""
        raise NotImplementedError

    def grants(self, turns):
        """At least so many locks are granted in so many turns."""
        raise NotImplementedError

    def measure(self, bench):
        rounds = []
        turns = bench.rounds(self.turns)
        for _ in range(self.generations):
            run_directory = bench.fresh("run")
            environments = [bench.environment(), bench.environment(run_directory), *self.others(bench)]
            talks = [self.start(bench, environment) for environment in environments]
            for talk in talks:
                self.turn(talk)  # first calls
            rounds += alternate([lambda talk=talk: self.turn(talk) for talk in talks], turns)
            for talk in talks:
                talk.end()
            bench.check_run(run_directory, self.grants(turns))
        return self.result(rounds)


class Pair(Conversed):
    pairs = 1000

    def __init__(self, kind, depth, title, goal, bar=None):
        super().__init__(f"{kind}-{depth}", title, goal, bar)
        self.kind = kind
        self.depth = depth

    def start(self, bench, environment):
        command = [bench.program("pairs"), self.kind, str(self.depth), str(bench.fresh("lock"))]
        return Conversation(command, environment, bench.folder)

    def others(self, bench):
        return [bench.environment(preload=bench.linked(bench.program("libclocks.so")))]

    def turn(self, talk):
        return int(talk.ask(b"%d\n" % self.pairs)) / self.pairs

    def grants(self, turns):
        return turns * self.pairs


class PythonPair(Pair):
    """The same in Python, whose frames are told."""

    def __init__(self, depth, goal):
        Conversed.__init__(self, f"python-{depth}", f"Python flock pair, {depth} functions deep", goal)
        self.depth = depth

    @staticmethod
    def command(bench, depth):
        script = pathlib.Path(__file__).resolve().parents[2] / "tests/bench/python_pairs.py"
        return ["/usr/bin/python3", "-I", "-S", str(script), str(depth), str(bench.fresh("lock"))]

    def start(self, bench, environment):
        return Conversation(self.command(bench, self.depth), environment, bench.folder)


class Sqlite(Conversed):
    """Single inserts, a transaction each. Timed by the bench: sqlite3's own timer counts milliseconds."""

    turns = 40
    inserts = 50

    def start(self, bench, environment):
        talk = Conversation(["sqlite3", str(bench.fresh("database"))], environment, bench.folder)
        talk.ask(b"CREATE TABLE t(a); SELECT 'made';\n")
        return talk

    def turn(self, talk):
        request = b"INSERT INTO t VALUES(1);\n" * self.inserts + b"SELECT 'done';\n"
        start = time.monotonic_ns()
        talk.ask(request)
        return (time.monotonic_ns() - start) / self.inserts

    def grants(self, turns):
        return turns * self.inserts * 3  # shared, reserved, exclusive


class Printed(Workload):
    """A command anew for each round, that prints its figure."""

    def __init__(self, name, title, goal, turns, grants):
        super().__init__(name, title, goal)
        self.turns = turns
        self.grants = grants

    def command(self, bench):
        raise NotImplementedError

    def once(self, bench, run_directory):
        done = subprocess.run(self.command(bench), env=bench.environment(run_directory), cwd=bench.folder,
                              stdout=subprocess.PIPE, check=False)
        if done.returncode != 0:
            raise BenchError(f"{self.name}: status {done.returncode}")
        if run_directory is not None:
            bench.check_run(run_directory, self.grants)
        return int(done.stdout)

    def measure(self, bench):
        sides = [lambda: self.once(bench, None), lambda: self.once(bench, bench.fresh("run"))]
        return self.result(list(alternate(sides, bench.rounds(self.turns))))


class Contended(Printed):
    processes, acquisitions, hold_ns = 4, 50, 50_000

    def __init__(self, goal):
        super().__init__("contended", "4 processes on one lock, 50 us hold", goal, 24,
                         self.processes * self.acquisitions)

    def command(self, bench):
        return [bench.program("contend"), str(self.processes), str(self.acquisitions), str(self.hold_ns),
                str(bench.fresh("lock"))]


class ShellLoop(Printed):
    loops = 30

    def __init__(self, goal):
        super().__init__("shell", "shell loop of `flock FILE true`", goal, 16, self.loops)

    def command(self, bench):
        script = (f"start=${{EPOCHREALTIME/[.,]/}}; for ((i = 0; i < {self.loops}; ++i)); do flock \"$1\" true; done; "
                  f"end=${{EPOCHREALTIME/[.,]/}}; echo $(((end - start) * 1000 / {self.loops}))")
        return ["bash", "--norc", "-c", script, "loop", str(bench.fresh("lock"))]


class WaitCounter(Printed):
    """A wait counter of PyTorch's, started and stopped."""

    pairs = 1_000_000
    bar_ns = 100

    def __init__(self):
        super().__init__("wait-counter", "PyTorch wait counter, start and stop", "+50 ns", 16, 1)

    def command(self, bench):
        return [bench.program("wait_counter_pairs"), str(self.pairs), str(bench.fresh("lock"))]

    def measure(self, bench):
        figures = super().measure(bench)
        figures["bar_added_ns"] = self.bar_ns
        figures["broken"] = figures["added"]["median"] > self.bar_ns
        return figures


class Start(Workload):
    """A program that never locks: what it costs to have the object loaded. It must leave nothing behind."""

    turns = 400
    bar_ns = 400_000

    def __init__(self):
        super().__init__("start", "/bin/true", "+0.10 ms")

    def measure(self, bench):
        place = bench.fresh("empty")
        place.mkdir()
        arenas = self.arenas()
        command = [bench.program("starts"), str(bench.rounds(self.turns)), bench.preload, "/bin/true"]
        done = subprocess.run(command, env=bench.environment(), cwd=place, stdout=subprocess.PIPE, check=False)
        if done.returncode != 0:
            raise BenchError(f"{self.name}: status {done.returncode}")
        rounds = [tuple(map(int, line.split())) for line in done.stdout.splitlines()]
        left = sorted(path.name for path in place.iterdir())
        # Other runs of this machine may make arenas meanwhile, but not of this command.
        left += sorted(path.name for path in self.arenas() - arenas if self.is_of_true(path))
        figures = self.result(rounds, bar_added_ns=self.bar_ns, left=left)
        figures["broken"] = figures["added"]["median"] > self.bar_ns or bool(left)
        return figures

    @staticmethod
    def arenas():
        return set(pathlib.Path("/dev/shm").glob("flockstat-*"))

    @staticmethod
    def is_of_true(path):
        try:
            return os.access(path, os.R_OK) and b"/bin/true" in path.read_bytes()
        except OSError:
            return False


def all_workloads():
    depths = [Pair("flock", depth, f"flock pair, depth {depth}", 1.20 if depth >= 40 else 1.10, 1.20 if depth == 10 else None)
              for depth in (1, 10, 25, 40, 60)]
    return depths + [
        Pair("posix", 10, "F_SETLK pair, depth 10", 1.10),
        Pair("ofd", 10, "F_OFD_SETLK pair, depth 10", 1.10),
        Pair("lockf", 10, "lockf pair, depth 10", 1.10),
        Pair("open", 10, "open + flock + close, depth 10", 1.20),
        PythonPair(10, 1.10),
        Sqlite("sqlite", "sqlite3 single insert", 1.04),
        Contended(1.02),
        ShellLoop(1.25),
        WaitCounter(),
        Start(),
    ]
