#include "reporter/write/text_parts.h"

#include "reporter/write/short_path.h"
#include "reporter/write/site_list.h"
#include "reporter/write/table.h"
#include "reporter/write/text_holders.h"

#include <fmt/format.h>
#include <numeric>

namespace flockstat::reporter {
namespace {

using Align = Table::Align;

constexpr const char *family_names[record::family_count] = {"flock", "posix", "ofd"};

std::uint64_t sort_value(const LockReport &lock, SortKey key) {
    switch (key) {
    case SortKey::wait: return lock.wait.sum_ns;
    case SortKey::max_wait: return lock.wait.max_ns;
    case SortKey::held: return lock.region.sum_ns + lock.held_open_ns;
    case SortKey::max_held: return lock.region.max_ns;
    case SortKey::acquisitions: return lock.acquisitions;
    case SortKey::contended: return lock.contended;
    case SortKey::polled: return lock.polled;
    case SortKey::abandoned: return lock.abandoned;
    case SortKey::attempts: return lock.attempts;
    }
    return 0;
}

/// The groups by the wanted key; equal ones in the report's own order.
std::vector<const LockGroup *> sorted_groups(const Report &report, SortKey key) {
    std::vector<const LockGroup *> groups;
    for (const LockGroup &group : report.groups) {
        groups.push_back(&group);
    }
    std::ranges::stable_sort(groups, [key](const LockGroup *a, const LockGroup *b) {
        return sort_value(a->sum, key) > sort_value(b->sum, key);
    });
    return groups;
}

std::string files_note(const LockGroup &group) {
    return group.locks.size() == 1 ? std::string()
                                   : fmt::format(" ({} files)", human_count(group.locks.size()));
}

std::string none_or_time(std::uint64_t count, std::uint64_t ns, const TextStyle &style) {
    return count == 0 ? "-" : style.time(ns);
}

std::string none_or_count(std::uint64_t count) { return count == 0 ? "-" : human_count(count); }

/// A column of the overview, and from which width on there is room for it.
struct OverviewColumn {
    Table::Column column;
    std::size_t from_width;
    std::string (*cell)(const LockReport &lock, std::uint64_t all_wait_ns, const TextStyle &style);
};

const OverviewColumn overview_columns[] = {
    {{"WAITED"},
     0,
     [](const LockReport &lock, std::uint64_t, const TextStyle &style) {
         return none_or_time(lock.wait.count, lock.wait.sum_ns, style);
     }},
    {{"SHARE"},
     0,
     [](const LockReport &lock, std::uint64_t all_wait_ns, const TextStyle &) {
         return lock.wait.count == 0 ? "-" : human_share(lock.wait.sum_ns, all_wait_ns);
     }},
    {{"MAX"},
     90,
     [](const LockReport &lock, std::uint64_t, const TextStyle &style) {
         return none_or_time(lock.wait.count, lock.wait.max_ns, style);
     }},
    {{"ACQUIRED"},
     0,
     [](const LockReport &lock, std::uint64_t, const TextStyle &) { return human_count(lock.acquisitions); }},
    {{"CONTENDED"},
     0,
     [](const LockReport &lock, std::uint64_t, const TextStyle &) { return none_or_count(lock.contended); }},
    {{"POLLED"},
     110,
     [](const LockReport &lock, std::uint64_t, const TextStyle &) { return none_or_count(lock.polled); }},
    {{"GIVEN UP"},
     110,
     [](const LockReport &lock, std::uint64_t, const TextStyle &) { return none_or_count(lock.abandoned); }},
    {{"HELD"},
     0,
     [](const LockReport &lock, std::uint64_t, const TextStyle &style) {
         const std::uint64_t held_ns = lock.region.sum_ns + lock.held_open_ns;
         return none_or_time(held_ns, held_ns, style);
     }},
    {{"FAMILY", Align::left},
     90,
     [](const LockReport &lock, std::uint64_t, const TextStyle &) {
         return std::string(family_names[static_cast<std::size_t>(lock.family)]);
     }},
};

std::string overview(const std::vector<const LockGroup *> &groups, std::size_t rows, const TextStyle &style) {
    std::uint64_t wait_ns = 0;
    for (const LockGroup *group : groups) {
        wait_ns += group->sum.wait.sum_ns;
    }
    std::vector<Table::Column> headings{{"#"}};
    for (const OverviewColumn &column : overview_columns) {
        if (style.width() >= column.from_width) {
            headings.push_back(column.column);
        }
    }
    headings.push_back({"FILE", Align::left});
    Table table(std::move(headings));
    for (std::size_t i = 0; i < rows; ++i) {
        std::vector<std::string> cells{std::to_string(i + 1)};
        for (const OverviewColumn &column : overview_columns) {
            if (style.width() >= column.from_width) {
                cells.push_back(column.cell(groups[i]->sum, wait_ns, style));
            }
        }
        cells.push_back(style.shown(groups[i]->sum.name()) + files_note(*groups[i]));
        table.add(std::move(cells));
    }
    return style.strong("Locks") + "\n" +
           table.lines(
               style.width(), 2, [&](const std::string &line) { return style.faint(line); }, short_path);
}

std::string stat_rows(const LockReport &lock, const TextStyle &style) {
    Table table({{"", Align::left}, {"COUNT"}, {"TOTAL"}, {"MEAN"}, {"P50"}, {"P90"}, {"P99"}, {"MAX"}});
    const auto add = [&](const char *name, const Stat &stat) {
        if (stat.count != 0) {
            table.add({name, human_count(stat.count), style.time(stat.sum_ns), style.time(stat.mean_ns),
                       style.time(stat.p50_ns), style.time(stat.p90_ns), style.time(stat.p99_ns),
                       style.time(stat.max_ns)});
        }
    };
    add("waited", lock.wait);
    const bool both_modes = lock.shared.region.count != 0 && lock.exclusive.region.count != 0;
    add("held", lock.region);
    if (both_modes) {
        add("  exclusive", lock.exclusive.region);
        add("  shared", lock.shared.region);
    }
    add("overshoot", lock.overshoot);
    const bool nothing = lock.wait.count + lock.region.count + lock.overshoot.count == 0;
    return nothing
               ? std::string()
               : table.lines(style.width(), 3, [&](const std::string &line) { return style.faint(line); });
}

std::string mode_split(const LockReport &lock) {
    const std::uint64_t shared = lock.shared.enter.count;
    const std::uint64_t exclusive = lock.exclusive.enter.count;
    if (shared == 0 || exclusive == 0) {
        return shared == 0 ? "exclusive" : "shared";
    }
    return fmt::format("exclusive {}, shared {}", human_count(exclusive), human_count(shared));
}

std::string acquired_sentence(const LockReport &lock) {
    if (lock.acquisitions == 0) {
        return fmt::format("Never acquired in {}.", counted(lock.attempts, "attempt", "attempts"));
    }
    const std::string contended = lock.contended == 0
                                      ? "none contended"
                                      : fmt::format("{} contended ({})", human_count(lock.contended),
                                                    human_share(lock.contended, lock.acquisitions));
    return fmt::format("Acquired {} ({}), {}.", counted(lock.acquisitions, "time", "times"), mode_split(lock),
                       contended);
}

std::string polled_sentence(const LockReport &lock, const TextStyle &style) {
    if (lock.polled == 0) {
        return {};
    }
    const std::string added = lock.overshoot.count == 0 || lock.overshoot.sum_ns == 0
                                  ? ""
                                  : fmt::format(" Polling itself added {}: the lock was free by then.",
                                                style.time(lock.overshoot.sum_ns));
    return fmt::format("{} polled, with {} in all.{}", human_count(lock.polled),
                       counted(lock.refused, "refused attempt", "refused attempts"), added);
}

std::string troubles_sentence(const LockReport &lock, const TextStyle &style) {
    std::vector<std::string> parts;
    if (lock.abandoned != 0) {
        parts.push_back(fmt::format("{} given up, after {} in vain", human_count(lock.abandoned),
                                    style.time(lock.abandoned_ns)));
    }
    if (lock.refused != 0 && lock.polled == 0) {
        parts.push_back(counted(lock.refused, "attempt refused", "attempts refused"));
    }
    if (lock.interrupted != 0) {
        parts.push_back(fmt::format("{} interrupted by signals", human_count(lock.interrupted)));
    }
    if (lock.deadlocked != 0) {
        parts.push_back(fmt::format("{} ended in a deadlock (EDEADLK)", human_count(lock.deadlocked)));
    }
    for (const auto &[name, count] : lock.errors) {
        if (name != "EDEADLK" || lock.deadlocked == 0) {
            parts.push_back(fmt::format("{} failed with {}", human_count(count), name));
        }
    }
    std::string text;
    for (const std::string &part : parts) {
        text += (text.empty() ? "" : ", ") + part;
    }
    return text.empty() ? text : text + ".";
}

/// How regions ended, where it was not by unlocking.
std::string released_sentence(const LockReport &lock, const TextStyle &style) {
    const ReleaseCounts &ends = lock.released;
    std::vector<std::string> parts;
    const auto add = [&](std::uint64_t count, const char *words) {
        if (count != 0) {
            parts.push_back(fmt::format("{} {}", human_count(count), words));
        }
    };
    add(ends.close, "by closing the file");
    add(ends.exit, "by the end of the process");
    add(ends.exec, "by exec");
    add(ends.converted, "by converting it");
    std::string text;
    for (const std::string &part : parts) {
        text += (text.empty() ? "Released " : ", ") + part;
    }
    text += text.empty() ? "" : ".";
    if (ends.still_held + ends.unknown != 0) {
        text += text.empty() ? "" : " ";
        text += ends.still_held == 0 ? "" : fmt::format("{} still held", human_count(ends.still_held));
        text += ends.still_held != 0 && ends.unknown != 0 ? " and " : "";
        text += ends.unknown == 0 ? "" : fmt::format("{} whose end was not seen", human_count(ends.unknown));
        text +=
            fmt::format(": {} so far as is known, not in the numbers below.", style.time(lock.held_open_ns));
    }
    return text;
}

/// How it went from one to the next, where threads queued or one was overtaken.
std::string fairness_sentence(const LockReport &lock, const TextStyle &style) {
    constexpr std::uint64_t notable_ns = 1'000'000;
    const FairnessReport &fairness = lock.fairness;
    std::string text;
    if (fairness.longest_queue > 1) {
        text = fmt::format("Up to {} waited at once.", human_count(fairness.longest_queue));
    }
    std::vector<std::string> ways;
    for (const auto &[stat, words] : {std::pair(&fairness.blocked, "where it blocked"),
                                      std::pair(&fairness.polling, "where it polled")}) {
        if (stat->count != 0) {
            ways.push_back(fmt::format("{} {}", style.time(stat->mean_ns), words));
        }
    }
    if (!ways.empty()) {
        text += fmt::format("{}Let go, the next one had it after {}.", text.empty() ? "" : " ",
                            ways.size() == 1 ? ways[0] : ways[0] + ", " + ways[1]);
    }
    for (const auto &[ns, words] :
         {std::pair(fairness.readers_kept_writers_ns, "Readers kept writers waiting for"),
          std::pair(fairness.writers_kept_readers_ns, "Writers kept readers waiting for")}) {
        if (ns >= notable_ns) {
            text += fmt::format(" {} {}.", words, style.time(ns));
        }
    }
    if (fairness.overtaken && fairness.overtaken->wait_ns >= notable_ns) {
        text += fmt::format(" The longest that was overtaken waited {}, while others got it {}.",
                            style.time(fairness.overtaken->wait_ns),
                            counted(fairness.overtaken->times, "time", "times"));
    }
    return text;
}

std::string details(const Report &report, const LockGroup &group, std::size_t number,
                    const TextStyle &style) {
    const LockReport &lock = group.sum;
    const std::string path =
        short_path(style.shown(lock.name()), style.width() - std::to_string(number).size() - 2);
    std::string text = style.strong(fmt::format("{}. {}", number, path)) + "\n";
    std::string kind =
        fmt::format("{} lock on {}", family_names[static_cast<std::size_t>(lock.family)], lock.filesystem);
    if (!lock.source.empty()) {
        kind += ", " + style.shown(lock.source);
    }
    if (lock.hosts != nullptr && lock.hosts->size() > 1) {
        kind += fmt::format(", used by {} hosts", human_count(lock.hosts->size()));
    }
    if (group.locks.size() > 1) {
        kind += fmt::format(", {} files of that name one after the other", human_count(group.locks.size()));
    }
    text += "   " + style.faint(kind) + "\n";
    for (const std::string &sentence :
         {acquired_sentence(lock), polled_sentence(lock, style), troubles_sentence(lock, style),
          fairness_sentence(lock, style), released_sentence(lock, style), holders_sentence(lock, style),
          outside_sentence(lock, style)}) {
        text += sentence.empty() ? "" : wrapped(sentence, style.width(), 3, 3);
    }
    return text + stat_rows(lock, style) + site_lists(report, group, style);
}

} // namespace

std::string lock_text(const Report &report, const std::pair<std::string, Family> &lock,
                      const TextStyle &style) {
    for (std::size_t i = 0; i < report.groups.size(); ++i) {
        if (report.groups[i].sum.path == lock.first && report.groups[i].sum.family == lock.second) {
            return details(report, report.groups[i], i + 1, style);
        }
    }
    return {};
}

std::string locks_text(const Report &report, const TextStyle &style) {
    if (report.groups.empty()) {
        return {};
    }
    const std::vector<const LockGroup *> groups = sorted_groups(report, style.sort());
    const std::size_t rows = std::min<std::size_t>(groups.size(), std::size_t{4} * style.top());
    std::string text;
    if (groups.size() > 1) {
        text += overview(groups, rows, style);
        text += groups.size() > rows
                    ? fmt::format("  and {}\n", counted(groups.size() - rows, "more lock", "more locks"))
                    : "";
        text += "\n";
    }
    for (std::size_t i = 0; i < std::min<std::size_t>(groups.size(), style.top()); ++i) {
        text += i == 0 ? "" : "\n";
        text += details(report, *groups[i], i + 1, style);
    }
    return text;
}

} // namespace flockstat::reporter
