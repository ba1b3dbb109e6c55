#include "reporter/write/live_text.h"

#include "reporter/write/short_path.h"
#include "reporter/write/short_stack.h"
#include "reporter/write/text_style.h"
#include "reporter/write/words.h"

#include <fmt/format.h>
#include <tuple>
#include <unordered_map>

namespace flockstat::reporter {
namespace {

using Sites = std::vector<std::vector<SourceFrame>>;

std::string who(const Run &run, std::uint32_t process, std::int32_t thread) {
    const std::int32_t pid = run.processes[process].pid;
    return thread == 0 || thread == pid ? fmt::format("pid {}", pid)
                                        : fmt::format("pid {} thread {}", pid, thread);
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

/// The lines about single holders and waiters of one run: "  4.31 s  held by pid 812, exclusive  ./worker 3",
/// and below it where it was got. What many have in common is made once.
class Entries {
public:
    Entries(const Run &run, const Sites &sites, const TextStyle &style)
        : run_(run), sites_(sites), style_(style) {}

    [[nodiscard]] std::string of(const HeldLock &held) {
        return entry(fmt::format("  {:>9}  held by {}, {}{}", style_.time(held.held_ns),
                                 who(run_, held.process, held.thread), mode_name(held.mode), bytes_of(held)),
                     command(held.process), place(held.stack));
    }

    [[nodiscard]] std::string of(const WantedLock &wanted) {
        const char *what = wanted.deadlocked ? "DEADLOCK: wanted by"
                           : wanted.polling  ? "polled for by"
                                             : "wanted by";
        const std::string text = entry(fmt::format("  {:>9}  {} {}, {}{}", style_.time(wanted.wait_ns), what,
                                                   who(run_, wanted.process, wanted.thread),
                                                   mode_name(wanted.mode), bytes_of(wanted)),
                                       command(wanted.process), place(wanted.stack));
        return wanted.deadlocked ? style_.alarming(text.substr(0, text.size() - 1)) + "\n" : text;
    }

    [[nodiscard]] std::string of(const OutsideHolder &holder) const {
        return entry(fmt::format("  {:>9}  held outside the run by pid {}, {}{}", "", holder.pid,
                                 mode_name(holder.mode), bytes_of(holder)),
                     command_text(holder.command, most_columns(), style_), {});
    }

private:
    [[nodiscard]] std::size_t most_columns() const { return 4 * style_.width(); }

    [[nodiscard]] std::string entry(const std::string &first, std::string_view command,
                                    std::string_view place) const {
        const std::size_t room = style_.width() - std::min(style_.width() / 2, display_width(first) + 2);
        return first + "  " + std::string(fit(command, room)) + "\n" + std::string(place);
    }

    const std::string &command(std::uint32_t process) {
        const auto [known, added] = commands_.try_emplace(process);
        if (added) {
            const Process &its = run_.processes[process];
            known->second = command_text(its.command.empty() ? std::vector{its.executable} : its.command,
                                         most_columns(), style_);
        }
        return known->second;
    }

    /// The lines below an entry; none where the stack is not known.
    const std::string &place(std::uint32_t stack) {
        const auto [known, added] = places_.try_emplace(stack);
        if (added && stack < sites_.size()) {
            constexpr std::size_t indent = 14;
            for (const std::string &line :
                 stack_lines(sites_[stack], style_.width() - indent, 2, style_.unicode())) {
                known->second += std::string(indent, ' ') + style_.faint(line) + "\n";
            }
        }
        return known->second;
    }

    const Run &run_;
    const Sites &sites_;
    const TextStyle &style_;
    std::unordered_map<std::uint32_t, std::string> commands_, places_; ///< by process, by stack
};

/// One file and family: who has it, who wants it.
struct Standing {
    std::uint32_t lock = no_index;
    std::vector<const HeldLock *> held;
    std::vector<const WantedLock *> wanted;
    std::uint64_t longest_wait_ns = 0, longest_held_ns = 0;
};

/// All that are held or wanted: those that somebody waits for the longest first.
std::vector<Standing> by_lock(const LiveLocks &locks) {
    std::vector<Standing> standings;
    std::unordered_map<std::uint32_t, std::size_t> places;
    const auto standing_of = [&](std::uint32_t lock) -> Standing & {
        const auto [place, added] = places.try_emplace(lock, standings.size());
        if (added) {
            standings.emplace_back().lock = lock;
        }
        return standings[place->second];
    };
    for (const HeldLock &held : locks.held) {
        Standing &standing = standing_of(held.lock);
        standing.held.push_back(&held);
        standing.longest_held_ns = std::max(standing.longest_held_ns, held.held_ns);
    }
    for (const WantedLock &wanted : locks.wanted) {
        Standing &standing = standing_of(wanted.lock);
        standing.wanted.push_back(&wanted);
        standing.longest_wait_ns = std::max(standing.longest_wait_ns, wanted.wait_ns);
    }
    std::ranges::sort(standings, [](const Standing &a, const Standing &b) {
        return std::tuple(b.longest_wait_ns, b.longest_held_ns, a.lock) <
               std::tuple(a.longest_wait_ns, a.longest_held_ns, b.lock);
    });
    return standings;
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

void add_standing(const Standing &standing, Entries &entries, std::string &text) {
    for (const HeldLock *held : standing.held) {
        text += entries.of(*held);
    }
    for (const WantedLock *wanted : standing.wanted) {
        text += entries.of(*wanted);
    }
}

} // namespace

std::string live_lock_text(const Run &run, const LiveLocks &locks, const std::pair<std::string, Family> &lock,
                           const Sites &sites, const TextOptions &options) {
    const TextStyle style(options);
    Entries entries(run, sites, style);
    std::string text;
    for (const Standing &standing : by_lock(locks)) {
        if (standing.lock != no_index && run.locks[standing.lock].path == lock.first &&
            run.locks[standing.lock].family == lock.second) {
            add_standing(standing, entries, text);
        }
    }
    return text;
}

void write_live_text(const LiveRun &live, const TextOptions &options, const TextSink &sink) {
    const Run &run = live.run;
    const TextStyle style(options);
    Entries entries(run, live.sites, style);
    sink(heading(run, live.locks, style));
    for (const Standing &standing : by_lock(live.locks)) {
        const std::uint32_t lock = standing.lock;
        std::string text = "\n";
        text += lock == no_index ? std::string("a file that was not looked at yet\n")
                                 : short_path(style.shown(run.locks[lock].path), style.width() - 8) + "  " +
                                       style.faint(family_word(run.locks[lock].family)) + "\n";
        for (const OutsideHolder &holder : live.outside) {
            text += holder.lock == lock ? entries.of(holder) : "";
        }
        add_standing(standing, entries, text);
        sink(text);
    }
}

} // namespace flockstat::reporter
