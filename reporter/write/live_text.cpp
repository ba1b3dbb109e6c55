#include "reporter/write/live_text.h"

#include "reporter/write/short_path.h"
#include "reporter/write/short_stack.h"
#include "reporter/write/text_style.h"
#include "reporter/write/words.h"

#include <fmt/format.h>
#include <map>

namespace flockstat::reporter {
namespace {

using Sites = std::vector<std::vector<SourceFrame>>;

std::string who(const Run &run, std::uint32_t process, std::int32_t thread) {
    const std::int32_t pid = run.processes[process].pid;
    return thread == 0 || thread == pid ? fmt::format("pid {}", pid)
                                        : fmt::format("pid {} thread {}", pid, thread);
}

std::string command_of(const Run &run, std::uint32_t process, std::size_t columns, const TextStyle &style) {
    const Process &its = run.processes[process];
    return command_text(its.command.empty() ? std::vector{its.executable} : its.command, columns, style);
}

template<typename Holder>
std::string bytes_of(const Holder &held) {
    if (held.range_start == 0 && held.range_end == INT64_MAX) {
        return {};
    }
    return held.range_end == INT64_MAX ? fmt::format(", bytes from {}", held.range_start)
           : held.range_start == held.range_end
               ? fmt::format(", byte {}", held.range_start)
               : fmt::format(", bytes {} to {}", held.range_start, held.range_end);
}

const char *mode_name(Mode mode) { return mode == Mode::exclusive ? "exclusive" : "shared"; }

/// "  4.31 s  pid 812 exclusive  ./worker 3", and where it was got on the lines below.
std::string entry(const std::string &first, const std::string &command, const std::vector<SourceFrame> *site,
                  const TextStyle &style) {
    const std::size_t room = style.width() - std::min(style.width() / 2, display_width(first) + 2);
    std::string text = first + "  " + std::string(fit(command, room)) + "\n";
    if (site != nullptr) {
        for (const std::string &line : stack_lines(*site, style.width() - 14, 2, style.unicode())) {
            text += std::string(14, ' ') + style.faint(line) + "\n";
        }
    }
    return text;
}

const std::vector<SourceFrame> *site_of(const Sites &sites, std::uint32_t stack) {
    return stack < sites.size() ? &sites[stack] : nullptr;
}

std::string held_entry(const Run &run, const HeldLock &held, const Sites &sites, const TextStyle &style) {
    const std::string first =
        fmt::format("  {:>9}  held by {}, {}{}", style.time(held.held_ns),
                    who(run, held.process, held.thread), mode_name(held.mode), bytes_of(held));
    return entry(first, command_of(run, held.process, 4 * style.width(), style), site_of(sites, held.stack),
                 style);
}

std::string wanted_entry(const Run &run, const WantedLock &wanted, const Sites &sites,
                         const TextStyle &style) {
    const std::string what = wanted.deadlocked ? "DEADLOCK: wanted by"
                             : wanted.polling  ? "polled for by"
                                               : "wanted by";
    const std::string first = fmt::format("  {:>9}  {} {}, {}", style.time(wanted.wait_ns), what,
                                          who(run, wanted.process, wanted.thread), mode_name(wanted.mode));
    const std::string command = command_of(run, wanted.process, 4 * style.width(), style);
    const std::string text = entry(first, command, site_of(sites, wanted.stack), style);
    return wanted.deadlocked ? style.alarming(text.substr(0, text.size() - 1)) + "\n" : text;
}

std::string outside_entry(const OutsideHolder &holder, const TextStyle &style) {
    const std::string first = fmt::format("  {:>9}  held outside the run by pid {}, {}{}", "", holder.pid,
                                          mode_name(holder.mode), bytes_of(holder));
    return entry(first, command_text(holder.command, 4 * style.width(), style), nullptr, style);
}

/// One file and family: who has it, who wants it.
struct Standing {
    std::vector<const HeldLock *> held;
    std::vector<const WantedLock *> wanted;
    std::uint64_t longest_wait_ns = 0, longest_held_ns = 0;
};

std::vector<std::pair<std::uint32_t, Standing>> by_lock(const LiveLocks &locks) {
    std::map<std::uint32_t, Standing> standings;
    for (const HeldLock &held : locks.held) {
        Standing &standing = standings[held.lock];
        standing.held.push_back(&held);
        standing.longest_held_ns = std::max(standing.longest_held_ns, held.held_ns);
    }
    for (const WantedLock &wanted : locks.wanted) {
        Standing &standing = standings[wanted.lock];
        standing.wanted.push_back(&wanted);
        standing.longest_wait_ns = std::max(standing.longest_wait_ns, wanted.wait_ns);
    }
    std::vector<std::pair<std::uint32_t, Standing>> all(standings.begin(), standings.end());
    std::ranges::stable_sort(all, [](const auto &a, const auto &b) {
        return std::pair(a.second.longest_wait_ns, a.second.longest_held_ns) >
               std::pair(b.second.longest_wait_ns, b.second.longest_held_ns);
    });
    return all;
}

std::string heading(const Run &run, const LiveLocks &locks, const TextStyle &style) {
    std::uint64_t alive = 0;
    for (const Process &process : run.processes) {
        alive += process.ending == Ending::running ? 1U : 0U;
    }
    const std::string counts = fmt::format(
        "{} alive, {} held, {} waiting", counted(alive, "process", "processes"),
        counted(locks.held.size(), "lock", "locks"), counted(locks.wanted.size(), "thread", "threads"));
    return style.strong(command_text(run.command, style.width(), style)) + "\n" +
           wrapped(counts + (run.directory.empty() ? "" : "; recorded in " + style.shown(run.directory)),
                   style.width(), 2, 2);
}

std::string standing_text(const Run &run, const Standing &standing, const Sites &sites,
                          const TextStyle &style) {
    std::string text;
    for (const HeldLock *held : standing.held) {
        text += held_entry(run, *held, sites, style);
    }
    for (const WantedLock *wanted : standing.wanted) {
        text += wanted_entry(run, *wanted, sites, style);
    }
    return text;
}

} // namespace

std::string live_lock_text(const Run &run, const LiveLocks &locks, const std::pair<std::string, Family> &lock,
                           const Sites &sites, const TextOptions &options) {
    const TextStyle style(options);
    std::string text;
    for (const auto &[number, standing] : by_lock(locks)) {
        if (number != no_index && run.locks[number].path == lock.first &&
            run.locks[number].family == lock.second) {
            text += standing_text(run, standing, sites, style);
        }
    }
    return text;
}

std::string live_text(const Run &run, const LiveLocks &locks, const Sites &sites,
                      const std::vector<OutsideHolder> &outside, const TextOptions &options) {
    const TextStyle style(options);
    std::string text = heading(run, locks, style);
    for (const auto &[lock, standing] : by_lock(locks)) {
        text += "\n";
        text += lock == no_index ? std::string("a file that was not looked at yet\n")
                                 : short_path(style.shown(run.locks[lock].path), style.width() - 8) + "  " +
                                       style.faint(family_word(run.locks[lock].family)) + "\n";
        for (const OutsideHolder &holder : outside) {
            text += holder.lock == lock ? outside_entry(holder, style) : "";
        }
        text += standing_text(run, standing, sites, style);
    }
    return text;
}

} // namespace flockstat::reporter
