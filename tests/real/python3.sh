# Python: fcntl, multiprocessing's locks, subprocesses, threads, filelock.
# quick
cat >program.py <<'END'
import fcntl, multiprocessing, os, subprocess, sys, threading
from filelock import FileLock, Timeout

def add(path, times):
    for _ in range(times):
        with FileLock(path + ".lock"):
            value = int(open(path).read() or 0)
            with open(path, "w") as out:
                out.write(str(value + 1))

if __name__ == "__main__":
    open("count", "w").close()
    children = [multiprocessing.Process(target=add, args=("count", 5)) for _ in range(3)]
    [c.start() for c in children]
    [c.join() for c in children]
    print(open("count").read(), [c.exitcode for c in children])
    with open("l", "w") as f:
        fcntl.lockf(f, fcntl.LOCK_EX | fcntl.LOCK_NB, 10, 5)
        other = subprocess.run([sys.executable, "-c", "import fcntl; f = open('l', 'w')\n"
            "try: fcntl.lockf(f, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 7)\n"
            "except OSError as e: print(type(e).__name__, e.errno)"], capture_output=True, text=True)
        print(other)
    held = FileLock("l")
    with held:
        try:
            FileLock("l", timeout=0.05).acquire()
        except Timeout as error:
            print("timeout", os.path.basename(error.lock_file))
    threads = [threading.Thread(target=add, args=("count", 2)) for _ in range(2)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    print(open("count").read())
    sys.exit(5)
END
python3 program.py
echo "status $?"
