"""python_states.py DIRECTORY: locks files while the interpreter is in states out of the ordinary: in __del__, in the garbage
collection, in handlers of signals, in subinterpreters, in greenlets, in functions that run at exit, in a thread that is left
behind. Prints, one JSON object a file, the file and the stacks that Python's traceback module tells before each call."""
import atexit
import fcntl
import gc
import json
import os
import signal
import sys
import threading
import traceback

directory = sys.argv[1]


def tell(path):
    frames = [[frame.f_code.co_filename, line, frame.f_code.co_qualname] for frame, line in traceback.walk_stack(sys._getframe(1))]
    os.write(1, (json.dumps({"path": path, "stacks": [frames]}) + "\n").encode())


def lock(name):
    path = os.path.join(directory, name)
    file = os.open(path, os.O_RDWR | os.O_CREAT)
    tell(path), fcntl.flock(file, fcntl.LOCK_EX)
    os.close(file)


class Dying:
    def __init__(self, name):
        self.name = name

    def __del__(self):
        lock(self.name)


def delete():
    Dying("deleted")


def collect():
    cycle = [Dying("collected")]
    cycle.append(cycle)
    del cycle
    gc.collect()


def handle_signal():
    signal.signal(signal.SIGUSR1, lambda number, frame: lock("signal"))
    os.kill(os.getpid(), signal.SIGUSR1)
    sum(range(1000))


def in_subinterpreter():
    try:
        import _xxsubinterpreters as interpreters
    except ImportError:
        import _interpreters as interpreters
    code = open(__file__).read().split("class Dying")[0] + "lock('subinterpreter')\n"
    code = code.replace("sys.argv[1]", repr(directory))
    # Whose frames they are that are found there depends on the version.
    tell(os.path.join(directory, "subinterpreter")), interpreters.run_string(interpreters.create(), code)


def in_greenlets():
    """Each switches to the other inside; both have frames when they lock."""
    try:
        import greenlet
    except ImportError:
        return

    def first():
        lock("greenlet.1")
        other.switch()
        lock("greenlet.1b")

    def second():
        lock("greenlet.2")
        one.switch()

    one, other = greenlet.greenlet(first), greenlet.greenlet(second)
    one.switch()
    lock("greenlet.0")


def left_behind():
    """Threads that go on locking until the process has ended."""
    started = threading.Event()
    held = os.open(os.path.join(directory, "held"), os.O_RDWR | os.O_CREAT)
    fcntl.flock(held, fcntl.LOCK_EX)

    def wait_for_ever():
        mine = os.open(os.path.join(directory, "held"), os.O_RDWR)
        other = os.open(os.path.join(directory, "busy"), os.O_RDWR | os.O_CREAT)
        started.set()
        while True:
            fcntl.flock(other, fcntl.LOCK_EX)
            fcntl.flock(other, fcntl.LOCK_UN)
            try:
                fcntl.flock(mine, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pass

    for _ in range(3):
        threading.Thread(target=wait_for_ever, daemon=True).start()
    started.wait()


delete()
collect()
handle_signal()
in_subinterpreter()
in_greenlets()
left_behind()
atexit.register(lock, "exit")
