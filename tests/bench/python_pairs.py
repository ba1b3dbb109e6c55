"""python_pairs.py DEPTH FILE: for each line on stdin, a number, locks and unlocks FILE so many times, DEPTH Python calls deep;
prints how many nanoseconds that took."""
import fcntl
import sys
import time


def pairs(descriptor, times, flock=fcntl.flock):
    for _ in range(times):
        flock(descriptor, fcntl.LOCK_EX)
        flock(descriptor, fcntl.LOCK_UN)


def deeper(depth, descriptor, times):
    if depth > 2:
        return deeper(depth - 1, descriptor, times)
    start = time.perf_counter_ns()
    pairs(descriptor, times)
    return time.perf_counter_ns() - start


with open(sys.argv[2], "w", encoding="utf-8") as file:
    for line in sys.stdin:
        print(deeper(int(sys.argv[1]), file.fileno(), int(line)), flush=True)
