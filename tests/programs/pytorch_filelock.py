"""pytorch_filelock.py PATH TIMES: acquires and releases PATH so often, the way of torch.utils._filelock.FileLock: over the
real filelock, with wait counters driven through the dynamic backend as PyTorch drives it. Prints the interpreter's pid."""
import ctypes
import os
import sys
import time

import filelock


class Backend(ctypes.Structure):
    _fields_ = [("self", ctypes.c_void_p),
                ("start", ctypes.CFUNCTYPE(ctypes.c_ssize_t, ctypes.c_void_p, ctypes.c_int64)),
                ("stop", ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_ssize_t)),
                ("destroy", ctypes.CFUNCTYPE(None, ctypes.c_void_p))]


init = ctypes.CDLL(None).c10_monitor_wait_counter_dynamic_backend_init_v1
init.argtypes = [ctypes.POINTER(Backend), ctypes.c_char_p, ctypes.c_size_t]
init.restype = None


def now_us():
    return time.monotonic_ns() // 1000


class WaitCounter:
    def __init__(self, key):
        self.backend = Backend()
        name = key.encode()
        init(ctypes.byref(self.backend), name, len(name))
        assert self.backend.self

    def guard(self):
        return Guard(self.backend)


class Guard:
    def __init__(self, backend):
        self.backend = backend

    def __enter__(self):
        self.context = self.backend.start(self.backend.self, now_us())

    def __exit__(self, *_):
        self.backend.stop(self.backend.self, now_us(), self.context)


ENTER, REGION, EXIT = (WaitCounter(f"pytorch.filelock.{name}") for name in ("enter", "region", "exit"))


class FileLock(filelock.FileLock):
    """The order of entering and leaving is PyTorch's."""

    region = None

    def __enter__(self):
        with ENTER.guard():
            result = super().__enter__()
        self.region = REGION.guard()
        self.region.__enter__()
        return result

    def __exit__(self, *exception):
        self.region.__exit__()
        with EXIT.guard():
            super().__exit__(*exception)


path, times = sys.argv[1], int(sys.argv[2])
for _ in range(times):
    with FileLock(path):
        time.sleep(0.005)
print(os.getpid())
