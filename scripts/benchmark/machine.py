"""What the figures were measured on."""

import os
import pathlib
import platform


def _read(path, fallback="unknown"):
    try:
        return pathlib.Path(path).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return fallback


def _processor():
    for line in _read("/proc/cpuinfo", "").splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def facts():
    flags = _read("/proc/cpuinfo", "")
    return {
        "processor": _processor(),
        "processors": len(os.sched_getaffinity(0)),
        "virtual": " hypervisor" in flags,
        "kernel": f"{platform.system()} {platform.release()}",
        "clock_source": _read("/sys/devices/system/clocksource/clocksource0/current_clocksource"),
        # Of one minute, before anything was measured: what else the machine was doing.
        "load": round(os.getloadavg()[0], 2),
    }
