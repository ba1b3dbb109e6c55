"""The figures as text."""

import sys


def progress(what):
    """One line that is overwritten, on a terminal only."""
    if sys.stderr.isatty():
        print(f"\r\033[K{'measuring ' + what if what else ''}", end="", file=sys.stderr, flush=True)


def time_text(ns):
    sign, size = ("-", -ns) if ns < 0 else ("", ns)
    for unit, scale in (("s", 1e9), ("ms", 1e6), ("us", 1e3)):
        if size >= scale:
            return f"{sign}{size / scale:.3g} {unit}" if size < 100 * scale else f"{sign}{size / scale:.0f} {unit}"
    return f"{sign}{size:.0f} ns"


def _goal(figures):
    goal = figures["goal"]
    return f"{goal:.2f}" if isinstance(goal, float) else str(goal or "")


def _bar(figures):
    if "bar_added_ns" in figures:
        return f"+{time_text(figures['bar_added_ns'])}"
    return f"{figures['bar']:.2f}" if figures["bar"] else ""


def _row(figures):
    ratio = figures["ratio"]
    if figures["broken"]:
        verdict = "BROKEN" + (f", left {' '.join(figures['left'])}" if figures.get("left") else "")
    else:
        verdict = "kept" if _bar(figures) else ""
    clocks = f"{figures['clocks_ratio']['median']:.3f}" if "clocks_ratio" in figures else ""
    return [figures["title"], time_text(figures["bare"]["median"]), time_text(figures["preloaded"]["median"]),
            time_text(figures["added"]["median"]), f"{ratio['median']:.3f}", f"{ratio['q1']:.3f} - {ratio['q3']:.3f}",
            clocks, str(figures["rounds"]), _bar(figures), _goal(figures), verdict]


def _columns(head, rows):
    """First column to the left, the others to the right; the last, which is words, to the left."""
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    lines = []
    for row in [head, *rows]:
        cells = [row[0].ljust(widths[0])] + [cell.rjust(width) for cell, width in zip(row[1:-1], widths[1:-1])]
        lines.append("  ".join(cells + [row[-1]]).rstrip())
    return lines


def _machine(facts):
    kind = "virtual machine" if facts["virtual"] else "machine"
    lines = [f"{facts['processor']}, {facts['processors']} processors ({kind}), {facts['kernel']}, "
             f"clock source {facts['clock_source']}, load {facts['load']}"]
    if facts["load"] > 0.5 * facts["processors"]:
        lines.append("Other work was running: times are noisy, ratios less so, instructions not at all.")
    return lines


def _instructions(counts):
    if not counts:
        return ["Instructions: not counted (needs valgrind)."]
    rows = [[f"{count['pair']} pair, depth {count['depth']}", f"{count['bare']:.0f}", f"{count['preloaded']:.0f}",
             f"{count['added']:.0f}", ""] for count in counts]
    return _columns(["INSTRUCTIONS IN USER SPACE", "BARE", "FLOCKSTAT", "ADDED", ""], rows)


def table(whole):
    head = ["WORKLOAD", "BARE", "FLOCKSTAT", "ADDED", "RATIO", "QUARTILES", "CLOCKS", "ROUNDS", "BAR", "GOAL", ""]
    lines = _machine(whole["machine"]) + [
        "Medians of interleaved rounds; full stacks, everything recorded. CLOCKS: the ratio of a preload that only reads",
        "the clock around each call. GOAL: what the ratio should come to on a machine whose lock pair takes 0.8 us.", ""]
    if whole["workloads"]:
        lines += _columns(head, [_row(figures) for figures in whole["workloads"]])
    if whole["instructions"] or not whole["workloads"]:
        lines += [""] + _instructions(whole["instructions"])
    return "\n".join(lines)


def verdict(results):
    return 1 if any(figures["broken"] for figures in results) else 0
