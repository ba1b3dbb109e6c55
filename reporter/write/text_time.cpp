#include "reporter/write/table.h"
#include "reporter/write/text_parts.h"

#include <fmt/format.h>

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

std::string concurrency_text(const Report &report, const TextStyle &style) {
    Table table({{"COUNTER", Align::left}, {"NOW"}, {"MOST"}, {"BUSY"}, {"SUM"}});
    bool any = false;
    for (const auto &[name, waits] : report.concurrency) {
        if (waits.max_active == 0) {
            continue;
        }
        any = true;
        std::uint64_t sum_ns = 0;
        if (name == "filelock.enter") { // only its contended acquisitions wait
            for (const LockReport &lock : report.locks) {
                sum_ns += lock.wait.sum_ns;
            }
        } else if (const auto found = report.counters.find(name); found != report.counters.end()) {
            sum_ns = found->second.sum_ns;
        }
        table.add({style.shown(name), human_count(waits.active), human_count(waits.max_active),
                   style.time(waits.busy_ns), style.time(sum_ns)});
    }
    return !any ? std::string()
                : style.strong("Waiting at once") + "\n" +
                      table.lines(style.width(), 2,
                                  [&](const std::string &line) { return style.faint(line); });
}

} // namespace flockstat::reporter
