"""poll_filelock.py PATH HOLD MS: starts HOLD (tests/programs/hold.c), which holds the lock for MS milliseconds more,
and takes it with filelock meanwhile. Prints one JSON object, by outside clocks and counts: how long acquire() took,
how often filelock called flock to lock, and from the holder's release to the grant."""
import fcntl
import json
import subprocess
import sys
import time

import filelock

tries = 0
real_flock = fcntl.flock


def counted_flock(fd, operation):
    global tries
    if not operation & fcntl.LOCK_UN:
        tries += 1
    return real_flock(fd, operation)


path, hold, milliseconds = sys.argv[1:]
holder = subprocess.Popen([hold, "flock", path, milliseconds], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
assert holder.stdout.readline() == "held\n"
fcntl.flock = counted_flock
lock = filelock.FileLock(path)
holder.stdin.write("go\n")
holder.stdin.flush()
started = time.monotonic_ns()
lock.acquire(poll_interval=0.05)
granted = time.monotonic_ns()
lock.release()
word, released = holder.stdout.readline().split()
assert word == "released" and holder.wait() == 0
print(json.dumps({"waited_ns": granted - started, "tries": tries, "overshoot_ns": granted - int(released)}))
