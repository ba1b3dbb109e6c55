"""python_paths.py DIRECTORY SEED: writes a module of functions of all shapes, which call each other, and takes a lock of
its own for each of some hundred call paths through them, three rounds over: in the main thread, in threads, and in
coroutines. Prints, one JSON object a path, the lock's file and the stack that Python's own traceback module tells just
before each lock call: [file, line, qualified name] of each frame, innermost first."""
import asyncio
import fcntl
import importlib
import json
import os
import random
import sys
import threading
import traceback

directory, seed = sys.argv[1:]
choose = random.Random(int(seed))
told = {}
told_lock = threading.Lock()

# NEXT is the call of what comes next on the path: take(rest). Each shape defines NAME(rest).
SHAPES = {
    "plain": "def NAME(rest):\n    return NEXT\n",
    "comprehension": "def NAME(rest):\n    return [NEXT for _ in range(1)][0]\n",
    "dictionary": "def NAME(rest):\n    return {\n        0: NEXT\n        for _ in (1,)\n    }\n",
    "expression": "def NAME(rest):\n    return list(NEXT for _ in range(1))\n",
    "generator": "def NAME_inner(rest):\n    yield 0\n    yield NEXT\n\n\ndef NAME(rest):\n    for _ in NAME_inner(rest):\n        pass\n",
    "delegating": "def NAME_inner(rest):\n    yield NEXT\n\n\ndef NAME_outer(rest):\n    yield from NAME_inner(rest)\n\n\ndef NAME(rest):\n    return list(NAME_outer(rest))\n",
    "decorated": "def NAME_decorator(function):\n    @functools.wraps(function)\n    def wrapper(*args, **kwargs):\n        return function(\n            *args,\n            **kwargs,\n        )\n    return wrapper\n\n\n@NAME_decorator\ndef NAME(rest):\n    return NEXT\n",
    "with": "class NAME_manager:\n    def __init__(self, rest):\n        self.rest = rest\n\n    def __enter__(self):\n        rest = self.rest\n        return NEXT\n\n    def __exit__(self, *what):\n        pass\n\n\ndef NAME(rest):\n    with NAME_manager(rest):\n        pass\n",
    "exit": "@contextlib.contextmanager\ndef NAME_manager(rest):\n    try:\n        yield\n    finally:\n        NEXT\n\n\ndef NAME(rest):\n    with NAME_manager(rest):\n        str(rest)\n",
    "method": "class NAME_class:\n    def deed(self, rest):\n        return NEXT\n\n\ndef NAME(rest):\n    return NAME_class().deed(rest)\n",
    "property": "class NAME_class:\n    @property\n    def deed(self):\n        rest = self.rest\n        return NEXT\n\n\ndef NAME(rest):\n    thing = NAME_class()\n    thing.rest = rest\n    return thing.deed\n",
    "native": "def NAME(rest):\n    return sorted([1, 2], key=lambda number: (number == 2 and NEXT, 0)[1])\n",
    "map": "def NAME(rest):\n    return list(map(lambda _: NEXT, [1]))\n",
    "closure": "def NAME(rest):\n    def inner():\n        return NEXT\n    return (\n        1,\n        inner(),\n    )\n",
    "except": "def NAME(rest):\n    try:\n        raise KeyError\n    except KeyError:\n        NEXT\n",
    "loop": "def NAME(rest):\n    done = 0\n    while not done:\n        if rest is not None:\n            NEXT\n        done = 1\n",
    "partial": "def NAME_inner(number, rest):\n    return NEXT\n\n\ndef NAME(rest):\n    return functools.partial(NAME_inner, 1)(rest)\n",
    "recursive": "def NAME(rest, depth=3):\n    if depth:\n        return NAME(rest, depth - 1)\n    return NEXT\n",
    "exec": "def NAME(rest):\n    exec(compile('\\n\\ntake(rest)\\n', 'made by NAME', 'exec'), {'take': take, 'rest': rest})\n",
    "comparison": "class NAME_class:\n    def __lt__(self, other):\n        rest = self.rest\n        NEXT\n        return True\n\n\ndef NAME(rest):\n    one, two = NAME_class(), NAME_class()\n    one.rest = two.rest = rest\n    return one < two\n",
    "argument": "def NAME(rest):\n    return max(\n        0,\n        len([NEXT]),\n    )\n",
    "käse": "def NAME_größe(rest):\n    return NEXT\n\n\ndef NAME(rest):\n    NAME_größe(rest)\n",
}
COROUTINES = {
    "awaits": "async def NAME(rest):\n    return await take_soon(rest)\n",
    "gathers": "async def NAME(rest):\n    return await asyncio.gather(take_soon(rest))\n",
    "async_with": "@contextlib.asynccontextmanager\nasync def NAME_manager(rest):\n    await take_soon(rest)\n    yield\n\n\nasync def NAME(rest):\n    async with NAME_manager(rest):\n        pass\n",
    "async_for": "async def NAME_inner(rest):\n    yield await take_soon(rest)\n\n\nasync def NAME(rest):\n    async for _ in NAME_inner(rest):\n        pass\n",
    "sleeps": "async def NAME(rest):\n    await asyncio.sleep(0)\n    return await take_soon(rest)\n",
}


def write_module():
    """Blank lines between and in functions, so that lines differ."""
    text = "import asyncio\nimport contextlib\nimport functools\n\n\n"
    names = []
    for shapes, kind in ((SHAPES, "plain"), (COROUTINES, "coroutine")):
        for number in range(60):
            shape = choose.choice(sorted(shapes))
            name = f"{shape}_{number}"
            body = shapes[shape].replace("NAME", name).replace("NEXT", "take(rest)")
            lines = [line for part in body.split("\n") for line in [part] + [""] * choose.choice([0, 0, 0, 1])]
            text += "\n" * choose.randrange(1, 40) + "\n".join(lines) + "\n\n"
            names.append((kind, name))
    path = os.path.join(directory, "paths_to_take.py")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return names


names = write_module()
sys.path.insert(0, directory)
module = importlib.import_module("paths_to_take")
plain = [getattr(module, name) for kind, name in names if kind == "plain"]
coroutines = [getattr(module, name) for kind, name in names if kind == "coroutine"]


def tell(path):
    frames = [[frame.f_code.co_filename, line, frame.f_code.co_qualname] for frame, line in traceback.walk_stack(sys._getframe(1))]
    with told_lock:
        stacks = told.setdefault(path, [])
        if frames not in stacks:
            stacks.append(frames)


def lock(path):
    with open(path, "a") as file:
        number = file.fileno()
        tell(path), fcntl.flock(number, fcntl.LOCK_EX)
        fcntl.flock(number, fcntl.LOCK_UN)


def take(rest):
    if len(rest) == 1:
        return lock(rest[0])
    return rest[0](rest[1:])


async def take_soon(rest):
    if asyncio.iscoroutinefunction(rest[0]):
        return await rest[0](rest[1:])
    return take(rest)


module.take = take
module.take_soon = take_soon


def some(functions, most):
    return [choose.choice(functions) for _ in range(choose.randrange(1, most))]


def paths(kind, count, before):
    return [before() + some(plain, 10) + [os.path.join(directory, f"{kind}.{number}")] for number in range(count)]


def in_thread(mine):
    for _ in range(3):
        for path in mine:
            take(path)


async def all_coroutines(mine):
    for _ in range(3):
        for path in mine:
            await take_soon(path)
        await asyncio.gather(*(take_soon(path) for path in mine[:10]))


main_paths = paths("main", 200, list)
for _ in range(3):
    for path in main_paths:
        take(path)
threads = [threading.Thread(target=in_thread, args=(paths(f"thread{number}", 25, list),)) for number in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
asyncio.run(all_coroutines(paths("coroutine", 100, lambda: some(coroutines, 6))))
for path, stacks in told.items():
    print(json.dumps({"path": path, "stacks": stacks}))
