#include "reporter/write/text_parts.h"

#include "reporter/write/short_path.h"

#include <ctime>
#include <fmt/chrono.h>
#include <fmt/format.h>

namespace flockstat::reporter {
namespace {

struct Totals {
    std::uint64_t wait_ns = 0, acquisitions = 0, abandoned = 0, abandoned_ns = 0, attempts = 0;
};

Totals total_of(const Report &report) {
    Totals totals;
    for (const LockReport &lock : report.locks) {
        totals.wait_ns += lock.wait.sum_ns;
        totals.acquisitions += lock.acquisitions;
        totals.abandoned += lock.abandoned;
        totals.abandoned_ns += lock.abandoned_ns;
        totals.attempts += lock.attempts;
    }
    return totals;
}

/// "97 % of it for /srv/app.db, 2 % for /srv/other.db": as many as it takes to explain nine tenths, three at
/// most.
std::string waited_for(const Report &report, std::uint64_t wait_ns, const TextStyle &style) {
    std::string text;
    std::uint64_t named_ns = 0;
    for (std::size_t i = 0; i < report.groups.size() && i < 3 && named_ns < wait_ns / 10 * 9; ++i) {
        const LockReport &lock = report.groups[i].sum;
        if (lock.wait.sum_ns == 0) {
            break;
        }
        const std::string path = short_path(style.shown(lock.name()), style.width() - 10);
        text += i == 0 && lock.wait.sum_ns == wait_ns ? "all of it for " + path
                : i == 0 ? human_share(lock.wait.sum_ns, wait_ns) + " of it for " + path
                         : ", " + human_share(lock.wait.sum_ns, wait_ns) + " for " + path;
        named_ns += lock.wait.sum_ns;
    }
    return text;
}

std::string waiting_sentence(const Report &report, const TextStyle &style) {
    const Totals totals = total_of(report);
    const RunReport &run = report.run;
    if (totals.wait_ns == 0 && totals.attempts == 0) {
        return report.locks.empty() ? "No file lock call was seen." : "No file lock was asked for.";
    }
    if (totals.wait_ns == 0) {
        return fmt::format("No time was spent waiting for file locks: {} of {}, none of them contended.",
                           counted(totals.acquisitions, "acquisition", "acquisitions"),
                           counted(report.groups.size(), "lock", "locks"));
    }
    const std::string whole =
        fmt::format("{} that {} ran", style.time(run.process_time_ns),
                    run.processes == 1 ? "the process" : human_count(run.processes) + " processes");
    // With several threads the waits may add up to more than the processes' time: then a share says nothing.
    const std::string share =
        totals.wait_ns <= run.process_time_ns
            ? fmt::format(", {} of the {}", human_share(totals.wait_ns, run.process_time_ns), whole)
            : fmt::format(", by all threads together, in the {}", whole);
    return fmt::format("Waited {} for file locks{}: {}.", style.time(totals.wait_ns), share,
                       waited_for(report, totals.wait_ns, style));
}

/// Threads that are blocked now, or were when their process ended: their waits are in no counter.
std::string blocked_sentence(const Report &report, bool alive, const TextStyle &style) {
    const WaitingReport *longest = nullptr;
    std::uint64_t threads = 0;
    for (const WaitingReport &waiting : report.waiting) {
        if (waiting.alive == alive) {
            ++threads;
            longest = longest == nullptr || waiting.wait_ns > longest->wait_ns ? &waiting : longest;
        }
    }
    if (longest == nullptr) {
        return {};
    }
    const std::string path =
        longest->lock ? short_path(style.shown(report.locks[*longest->lock].name()), style.width() - 10)
                      : std::string("a file that was not looked at yet");
    const std::string who = threads == 1 ? fmt::format("(pid {})", longest->pid) : "";
    if (alive) {
        return fmt::format("{} {}waiting for a file lock right now, {} {} for {}.",
                           counted(threads, "thread", "threads"), threads == 1 ? who + " is " : "are ",
                           threads == 1 ? "since" : "the longest since", style.time(longest->wait_ns), path);
    }
    return fmt::format("{} {}still waiting for a file lock when {} ended: for {}{}, not counted above.",
                       counted(threads, "thread", "threads"), threads == 1 ? who + " was " : "were ",
                       threads == 1 ? "its process" : "their processes", path,
                       longest->wait_ns == 0 ? std::string() : ", " + style.time(longest->wait_ns));
}

std::string abandoned_sentence(const Report &report, const TextStyle &style) {
    const Totals totals = total_of(report);
    return totals.abandoned == 0
               ? std::string()
               : fmt::format("{} a lock was asked for and given up, after {} in all: not counted as waiting.",
                             counted(totals.abandoned, "time", "times"), style.time(totals.abandoned_ns));
}

/// What the figures leave out. The end of the report says it in full.
std::string loss_sentence(const Report &report) {
    const std::uint64_t calls = report.lost.calls + report.lost.locks;
    if (calls == 0 && report.lost.processes == 0) {
        return {};
    }
    const std::string processes = counted(report.lost.processes, "process", "processes");
    const std::string what = calls == 0 ? processes
                             : report.lost.processes == 0
                                 ? counted(calls, "call", "calls")
                                 : counted(calls, "call", "calls") + " and " + processes;
    return fmt::format("Not all of it was recorded: {} more at least, see LOST at the end.", what);
}

std::string fact(const std::string &name, const std::string &text, const TextStyle &style) {
    return "  " + style.faint(fmt::format("{:<9}", name)) + " " + text + "\n";
}

/// As many as fit into a line.
std::string names_text(const std::vector<std::string> &names, std::size_t room, const TextStyle &style) {
    std::string text;
    for (std::size_t i = 0; i < names.size(); ++i) {
        const std::string more = (i == 0 ? "" : ", ") + style.shown(names[i]);
        const std::size_t rest = names.size() - i;
        const std::string end = fmt::format(" and {} more", human_count(rest));
        if (i != 0 && display_width(text + more) + (rest == 1 ? 0 : end.size()) > room) {
            return text + end;
        }
        text += more;
    }
    return text;
}

std::string facts_text(const Report &report, const TextStyle &style) {
    const RunReport &run = report.run;
    const std::size_t room = style.width() - 12;
    std::string text;
    if (!run.command.empty()) {
        text += fact("command", command_text(run.command, room, style), style);
    }
    const auto started = static_cast<std::time_t>(run.started_at_ns / 1'000'000'000);
    std::tm parts{};
    ::gmtime_r(&started, &parts);
    const std::string hosts =
        run.hosts.size() > 1 ? counted(run.hosts.size(), "host", "hosts") : style.shown(run.host);
    const std::string runs = run.runs == 1 ? std::string() : counted(run.runs, "run", "runs") + " together, ";
    text += fact("run",
                 fmt::format("{}{:%Y-%m-%d %H:%M:%S} UTC, {}, {}, {} on {}", runs, parts,
                             style.time(run.duration_ns), counted(run.processes, "process", "processes"),
                             counted(run.threads, "thread", "threads"), hosts),
                 style);
    if (run.hosts.size() > 1) {
        text += fact("hosts", names_text(run.hosts, room, style), style);
    }
    if (!run.elsewhere.empty()) {
        text += fact("not here", names_text(run.elsewhere, room, style), style);
    }
    if (!run.directory.empty()) {
        text += fact("recorded", short_path(style.shown(run.directory), room), style);
    }
    return text;
}

} // namespace

std::string headline_text(const Report &report, const TextStyle &style) {
    std::string text;
    const std::string first = wrapped(waiting_sentence(report, style), style.width(), 0, 0);
    text += style.strong(first.substr(0, first.size() - 1)) + "\n";
    for (const std::string &sentence :
         {abandoned_sentence(report, style), blocked_sentence(report, true, style),
          blocked_sentence(report, false, style)}) {
        text += sentence.empty() ? "" : wrapped(sentence, style.width(), 0, 0);
    }
    if (const std::string loss = loss_sentence(report); !loss.empty()) {
        const std::string lines = wrapped(loss, style.width(), 0, 0);
        text += style.alarming(lines.substr(0, lines.size() - 1)) + "\n";
    }
    return text + "\n" + facts_text(report, style);
}

} // namespace flockstat::reporter
