"""python_churn.py DIRECTORY SECONDS: threads that make functions, lock a file in each, and forget them again, so that code
objects and their names take each other's places in memory all the time; while other threads import, compile, collect garbage
and change what functions are. Prints, one JSON object a lock, its file and the frame that must be on the stack of each
of its calls: [file, line, qualified name]."""
import fcntl
import gc
import importlib
import importlib.util
import json
import os
import sys
import threading
import time

directory, seconds = sys.argv[1:]
end = time.monotonic() + float(seconds)
must_be = {}
sys.setswitchinterval(0.0005)


def lock(path):
    with open(path, "a") as file:
        for _ in range(2):
            fcntl.flock(file, fcntl.LOCK_SH)
            fcntl.flock(file, fcntl.LOCK_UN)


def made(number, variant):
    """Same lengths everywhere; variants differ in nothing but the line of the call."""
    name = f"made_{number:03}"
    file = f"file of {number:03}"
    path = os.path.join(directory, f"{name}.{variant}")
    blank = "\n" * variant
    text = f"def {name}(path):\n    number = 1\n{blank}    lock(path)\n    return number\n"
    must_be[path] = [file, 3 + variant, name]
    space = {"lock": lock}
    exec(compile(text, file, "exec"), space)
    for _ in range(3):
        space[name](path)


def plugin_file(number):
    folder = os.path.join(directory, f"plugin_{number:03}")
    os.makedirs(folder, exist_ok=True)
    file = os.path.join(folder, "plugin.py")
    with open(file, "w") as out:
        out.write("def deed(lock, path):\n    lock(path)\n")
    return file


def plugin(number):
    """The same module in different places, loaded from its compiled form."""
    file = plugins[number]
    path = os.path.join(directory, f"plugin_{number:03}.lock")
    must_be[path] = [file, 2, "deed"]
    spec = importlib.util.spec_from_file_location("plugin", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.deed(lock, path)


def make_and_lock(first):
    number = first
    while time.monotonic() < end:
        number = (number * 7 + 1) % 211
        made(number % 100, number % 2)
        plugin(number % len(plugins))


def generators_and_closures():
    path = os.path.join(directory, "closure")
    must_be[path] = [__file__, closure_line, "generators_and_closures.<locals>.inner.<locals>.<genexpr>"]

    def inner():
        return list(lock(path) for _ in range(2))

    while time.monotonic() < end:
        inner()
        inner.__code__ = inner.__code__.replace()


closure_line = generators_and_closures.__code__.co_firstlineno + 5


def churn():
    while time.monotonic() < end:
        for name in ("colorsys", "keyword", "bisect", "this_is_no_module"):
            sys.modules.pop(name, None)
            try:
                importlib.import_module(name)
            except (ImportError, KeyError):
                pass  # KeyError: another thread's churn took it away
        compile("\n".join(f"def g{i}(x): return x + {i}" for i in range(50)), "churn", "exec")
        gc.collect()


plugins = [plugin_file(number) for number in range(20)]
threads = [threading.Thread(target=make_and_lock, args=(number,)) for number in range(7)]
threads += [threading.Thread(target=generators_and_closures), threading.Thread(target=churn), threading.Thread(target=churn)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
for path, frame in must_be.items():
    print(json.dumps({"path": path, "frame": frame}))
