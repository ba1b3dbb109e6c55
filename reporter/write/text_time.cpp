#include "reporter/write/table.h"
#include "reporter/write/text_parts.h"

#include <fmt/format.h>
#include <functional>
#include <span>

namespace flockstat::reporter {
namespace {

using Align = Table::Align;

/// More windows than this are shown several to a line.
constexpr std::size_t most_lines = 24;
constexpr std::size_t bar_columns = 30;

/// One line of the series: one window, or several.
struct Stretch {
    std::int64_t start_at_ns = 0;
    std::uint64_t duration_ns = 0;
    std::uint64_t acquired = 0, contended = 0, wait_ns = 0, max_ns = 0, held_ns = 0, waiting = 0;

    void add(const Window &window) {
        start_at_ns = duration_ns == 0 ? window.start_at_ns : start_at_ns;
        duration_ns += window.duration_ns;
        waiting = window.waiting;
        for (const WindowCounter &counter : window.counters) {
            if (counter.family.empty()) {
                continue; // a program's own, whatever its name is
            }
            if (counter.counter == "filelock.enter") {
                acquired += counter.count;
            } else if (counter.counter == "filelock.region") {
                held_ns += counter.sum_ns;
            } else if (counter.counter == "filelock.wait") {
                contended += counter.count;
                wait_ns += counter.sum_ns;
                max_ns = std::max(max_ns, counter.max_ns);
            }
        }
    }
};

std::vector<Stretch> stretches_of(const std::vector<Window> &windows) {
    const std::size_t together = (windows.size() + most_lines - 1) / most_lines;
    std::vector<Stretch> stretches;
    for (std::size_t i = 0; i < windows.size(); ++i) {
        if (i % together == 0) {
            stretches.emplace_back();
        }
        stretches.back().add(windows[i]);
    }
    return stretches;
}

/// A counter of those who wait, many at once.
struct WaitRow {
    std::string name;
    Stat stat;
    Concurrency waits;
};

/// The contended acquisitions, where there are any, then the programs' own counters, those with the longest
/// waits first, that of waits that go on included.
std::vector<WaitRow> wait_rows(const Report &report) {
    std::vector<WaitRow> rows;
    WaitRow locks{"filelock.enter, contended", {}, {}};
    for (const LockReport &lock : report.locks) {
        locks.stat.count += lock.wait.count;
        locks.stat.sum_ns += lock.wait.sum_ns;
        locks.stat.max_ns = std::max(locks.stat.max_ns, lock.wait.max_ns);
    }
    locks.stat.mean_ns = locks.stat.count == 0 ? 0 : locks.stat.sum_ns / locks.stat.count;
    for (const auto &[name, waits] : report.concurrency) {
        const auto found = report.counters.find(name);
        if (name == "filelock.enter") {
            locks.waits = waits;
        } else if (found != report.counters.end()) {
            rows.push_back({name, found->second, waits});
        }
    }
    std::ranges::stable_sort(rows, std::greater<>(),
                             [](const WaitRow &row) { return std::max(row.stat.sum_ns, row.waits.busy_ns); });
    if (locks.waits.max_active != 0) {
        rows.insert(rows.begin(), locks);
    }
    return rows;
}

std::string bar(std::uint64_t part, std::uint64_t whole, const TextStyle &style) {
    const std::uint64_t columns =
        whole == 0 ? 0
                   : static_cast<std::uint64_t>(
                         (static_cast<unsigned __int128>(part) * bar_columns + whole - 1) / whole);
    std::string text;
    for (std::uint64_t i = 0; i < columns; ++i) {
        text += style.unicode() ? "█" : "#";
    }
    return text;
}

} // namespace

std::string windows_text(const Report &report, const TextStyle &style) {
    if (report.windows.empty()) {
        return {};
    }
    const std::vector<Stretch> stretches = stretches_of(report.windows);
    const auto longest = std::ranges::max_element(stretches, {}, &Stretch::wait_ns);
    Table table({{"FROM"},
                 {"FOR"},
                 {"ACQUIRED"},
                 {"CONTENDED"},
                 {"HELD"},
                 {"MAX WAIT"},
                 {"WAITED"},
                 {"", Align::left}});
    for (const Stretch &stretch : stretches) {
        const std::int64_t from_ns = stretch.start_at_ns - report.run.started_at_ns;
        table.add({"+" + style.time(from_ns > 0 ? static_cast<std::uint64_t>(from_ns) : 0),
                   style.time(stretch.duration_ns), human_count(stretch.acquired),
                   human_count(stretch.contended), style.time(stretch.held_ns),
                   stretch.contended == 0 ? "-" : style.time(stretch.max_ns), style.time(stretch.wait_ns),
                   bar(stretch.wait_ns, longest->wait_ns, style)});
    }
    return style.strong("Over time") + "\n" +
           table.lines(style.width(), 2, [&](const std::string &line) { return style.faint(line); });
}

std::string wait_counters_text(const Report &report, const TextStyle &style) {
    std::vector<WaitRow> rows = wait_rows(report);
    if (rows.empty()) {
        return {};
    }
    const std::size_t most = std::size_t{style.top()} * 4;
    Table table(
        {{"COUNT"}, {"SUM"}, {"MEAN"}, {"MAX"}, {"NOW"}, {"AT ONCE"}, {"BUSY"}, {"COUNTER", Align::left}});
    for (const WaitRow &row : std::span(rows).first(std::min(rows.size(), most))) {
        const auto time = [&](std::uint64_t ns) {
            return row.stat.count == 0 ? std::string("-") : style.time(ns);
        };
        table.add({human_count(row.stat.count), time(row.stat.sum_ns), time(row.stat.mean_ns),
                   time(row.stat.max_ns), human_count(row.waits.active), human_count(row.waits.max_active),
                   style.time(row.waits.busy_ns), style.shown(row.name)});
    }
    std::string text =
        style.strong("Waiting at once") + "\n" +
        table.lines(style.width(), 2, [&](const std::string &line) { return style.faint(line); });
    if (rows.size() > most) {
        text += "  ... and " + counted(rows.size() - most, "counter", "counters") + " more\n";
    }
    return text;
}

} // namespace flockstat::reporter
