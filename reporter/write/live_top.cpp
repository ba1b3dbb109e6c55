#include "reporter/write/live_top.h"

#include "reporter/write/short_path.h"
#include "reporter/write/table.h"
#include "reporter/write/words.h"

#include <fmt/format.h>
#include <sstream>

namespace flockstat::reporter {
namespace {

/// Seconds a second as a time: "1.25 s".
std::string time_a_second(double seconds, const TextStyle &style) {
    return seconds <= 0 ? "-" : style.time(static_cast<std::uint64_t>(seconds * 1e9));
}

std::string number_a_second(double number) {
    return number <= 0 ? "-" : number < 10 ? fmt::format("{:.1f}", number) : fmt::format("{:.0f}", number);
}

std::string count_or_dash(std::uint64_t count) { return count == 0 ? "-" : human_count(count); }

std::string heading_of(RateKey column, RateKey sorted) {
    for (const RateKeyName &known : rate_keys) {
        if (known.key == column) {
            return (column == sorted ? "*" : "") + std::string(known.heading);
        }
    }
    return {};
}

} // namespace

std::string top_summary(std::span<const Run> runs, std::span<const LiveLocks> locks, const TextStyle &style) {
    std::size_t alive = 0;
    std::size_t waiting = 0;
    std::size_t held = 0;
    for (std::size_t i = 0; i < runs.size(); ++i) {
        for (const Process &process : runs[i].processes) {
            alive += process.ending == Ending::running ? 1U : 0U;
        }
        waiting += locks[i].wanted.size();
        held += locks[i].held.size();
    }
    const std::string what = runs.size() == 1 ? command_text(runs[0].command, style.width() / 3, style)
                                              : counted(runs.size(), "run", "runs");
    return fmt::format("{}: {} alive, {} held, {} waiting", what, counted(alive, "process", "processes"),
                       counted(held, "lock", "locks"), counted(waiting, "thread", "threads"));
}

std::vector<std::string> top_table(const std::vector<LockRate> &rates, RateKey key, const TextStyle &style) {
    const auto heading = [key](RateKey column) { return heading_of(column, key); };
    constexpr std::size_t wide = 90;
    const bool all = style.width() >= wide;
    std::vector<Table::Column> columns{
        {heading(RateKey::waited)}, {heading(RateKey::waits)}, {heading(RateKey::holds)}, {"HELD/s"}};
    columns.push_back({heading(RateKey::waiting)});
    if (all) {
        columns.push_back({"HOLDERS"});
        columns.push_back({heading(RateKey::most_waiting)});
        columns.push_back({"FAMILY", Table::Align::left});
    }
    columns.push_back({heading(RateKey::name), Table::Align::left});
    Table table(columns);
    for (const LockRate &rate : rates) {
        std::vector<std::string> cells{
            time_a_second(rate.waiting_on_average, style), number_a_second(rate.waits_a_second),
            number_a_second(rate.holds_a_second), time_a_second(rate.holding_on_average, style),
            count_or_dash(rate.waiting)};
        if (all) {
            cells.push_back(count_or_dash(rate.holding));
            cells.push_back(count_or_dash(rate.most_waiting));
            cells.emplace_back(family_word(rate.name.second));
        }
        cells.push_back(style.shown(rate.name.first));
        table.add(std::move(cells));
    }
    std::istringstream text(table.lines(
        style.width(), 0, [](const std::string &line) { return line; }, short_path));
    std::vector<std::string> lines;
    for (std::string line; std::getline(text, line);) {
        lines.push_back(line);
    }
    return lines;
}

std::string top_keys(bool details) {
    if (details) {
        return "Esc back  Up/Down scroll  q quit";
    }
    std::string text = "Enter details  sort by:";
    for (const RateKeyName &known : rate_keys) {
        text += fmt::format(" {} {},", known.letter, known.meaning);
    }
    return text.substr(0, text.size() - 1) + "  q quit";
}

} // namespace flockstat::reporter
