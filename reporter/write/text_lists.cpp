#include "reporter/write/table.h"
#include "reporter/write/text_parts.h"

#include <fmt/format.h>

namespace flockstat::reporter {
namespace {

using Align = Table::Align;

std::string time_or_dash(const Stat &stat, std::uint64_t ns, const TextStyle &style) {
    return stat.count == 0 ? "-" : style.time(ns);
}

std::vector<std::vector<std::string>> transposed(const std::vector<std::vector<std::string>> &cells) {
    std::vector<std::vector<std::string>> turned(cells.front().size());
    for (const std::vector<std::string> &row : cells) {
        for (std::size_t i = 0; i < row.size(); ++i) {
            turned[i].push_back(row[i]);
        }
    }
    return turned;
}

/// A table whose headings are the first row of cells.
std::string plain_table(const std::vector<std::vector<std::string>> &cells, const TextStyle &style) {
    std::vector<Table::Column> columns;
    for (const std::string &heading : cells.front()) {
        columns.push_back({heading, columns.empty() ? Align::left : Align::right});
    }
    Table table(columns);
    for (std::size_t i = 1; i < cells.size(); ++i) {
        table.add(cells[i]);
    }
    return table.lines(style.width(), 2, [&](const std::string &line) { return style.faint(line); });
}

std::string ending_text(const ProcessReport &process) {
    switch (process.ending) {
    case Ending::exited: return process.status ? fmt::format("exit {}", *process.status) : "exit";
    case Ending::execed: return "exec";
    case Ending::killed:
        return process.status && *process.status > 128 ? fmt::format("signal {}", *process.status - 128)
                                                       : "killed";
    case Ending::running: return "running";
    case Ending::unknown: break;
    }
    return "not seen";
}

std::string unattributed_text(const Report &report, const TextStyle &style) {
    constexpr const char *families[record::family_count] = {"flock", "posix", "ofd"};
    std::string text;
    for (std::size_t i = 0; i < record::family_count; ++i) {
        const UnattributedReport &calls = report.unattributed[i];
        const std::uint64_t all = calls.attempts + calls.unlocks + calls.tests;
        if (all == 0) {
            continue;
        }
        std::string errors;
        for (const auto &[name, count] : calls.errors) {
            errors += fmt::format("{}{} {}", errors.empty() ? ": " : ", ", name, human_count(count));
        }
        text += wrapped(
            fmt::format("{} {} whose file is not known{}.", human_count(all),
                        all == 1 ? fmt::format("{} call", families[i]) : fmt::format("{} calls", families[i]),
                        errors),
            style.width(), 2, 4);
    }
    return text;
}

std::string lost_text(const Report &report, const TextStyle &style) {
    struct Loss {
        std::uint64_t count;
        const char *singular;
        const char *plural;
        const char *meaning;
    };
    const record::Lost &lost = report.lost;
    const std::uint64_t uncounted = lost.calls - std::min(lost.calls, report.run.damaged);
    const Loss losses[] = {
        {uncounted, "call", "calls", "could not be counted, or only in part"},
        {lost.processes, "process", "processes", "could not be recorded"},
        {lost.locks, "call", "calls", "on files beyond what the recording had room for"},
        {lost.stacks, "stack", "stacks",
         "had no room or was deeper than could be kept: their calls are counted without it"},
        {lost.events, "event", "events", "had no room: the counters are complete, the single waits are not"},
        {lost.orders, "acquisition", "acquisitions",
         "while other locks were held had no room for which: orders of locks may be missing"},
        {report.run.damaged, "record", "records", "of the recording is damaged and left out"},
    };
    std::string text;
    bool full = false;
    for (const Loss &loss : losses) {
        if (loss.count != 0) {
            const std::string line =
                fmt::format("LOST: {} {}.", counted(loss.count, loss.singular, loss.plural), loss.meaning);
            const std::string lines = wrapped(line, style.width(), 2, 4);
            text += style.alarming(lines.substr(0, lines.size() - 1)) + "\n";
            full = full || &loss != &losses[6];
        }
    }
    if (full) {
        text += wrapped("Give the recording more room: flockstat run --arena MIB, or FLOCKSTAT_ARENA_MIB.",
                        style.width(), 2, 4);
    }
    return text.empty() ? "  Nothing was lost.\n" : text;
}

} // namespace

std::string counters_text(const Report &report, const TextStyle &style) {
    if (report.counters.empty()) {
        return {};
    }
    const std::vector<std::string> names{"filelock.enter", "filelock.region", "filelock.exit"};
    std::vector<std::vector<std::string>> cells{
        {"COUNTER", "COUNT", "SUM", "MEAN", "MIN", "MAX", "LAST", "P50", "P90", "P99"}};
    for (const std::string &name : names) {
        const auto found = report.counters.find(name);
        const Stat stat = found == report.counters.end() ? Stat{} : found->second;
        std::vector<std::string> &row =
            cells.emplace_back(std::vector{style.shown(name), human_count(stat.count)});
        for (const std::uint64_t ns : {stat.sum_ns, stat.mean_ns, stat.min_ns, stat.max_ns, stat.value_ns,
                                       stat.p50_ns, stat.p90_ns, stat.p99_ns}) {
            row.push_back(time_or_dash(stat, ns, style));
        }
    }
    // A row for each counter; where that is too wide, a column for each.
    const std::string upright = plain_table(cells, style);
    const std::size_t columns = display_width(upright.substr(upright.rfind('\n', upright.size() - 2) + 1));
    return style.strong("Counters") + "\n" +
           (columns <= style.width() + 1 ? upright : plain_table(transposed(cells), style));
}

std::string processes_text(const Report &report, const TextStyle &style) {
    Table table({{"PID"},
                 {"WAITED"},
                 {"HELD"},
                 {"ACQUIRED"},
                 {"CALLS"},
                 {"ENDED", Align::left},
                 {"COMMAND", Align::left}});
    std::size_t rows = 0;
    std::size_t more = 0;
    std::size_t idle = 0;
    for (const ProcessReport &process : report.processes) {
        if (process.attempts == 0 && process.unlocks == 0) {
            idle += process.ending == Ending::execed ? 0U : 1U;
            continue;
        }
        if (rows >= 2 * style.top()) {
            ++more;
            continue;
        }
        ++rows;
        const std::vector<std::string> command =
            process.command.empty() ? std::vector{process.executable} : process.command;
        table.add({std::to_string(process.pid), time_or_dash(process.wait, process.wait.sum_ns, style),
                   time_or_dash(process.region, process.region.sum_ns, style),
                   human_count(process.enter.count), human_count(process.attempts + process.unlocks),
                   ending_text(process), command_text(command, 4 * style.width(), style)});
    }
    std::string text = style.strong("Processes") + "\n";
    if (rows != 0) {
        const auto cut = [](const std::string &command, std::size_t room) {
            return display_width(command) <= room || room < 8 ? command
                                                              : std::string(fit(command, room - 3)) + "...";
        };
        text += table.lines(
            style.width(), 2, [&](const std::string &line) { return style.faint(line); }, cut);
    }
    if (more != 0) {
        text += fmt::format("  and {} more with lock calls\n", human_count(more));
    }
    if (idle != 0) {
        text += fmt::format("  {} without lock calls\n", counted(idle, "process", "processes"));
    }
    return rows + more + idle == 0 ? std::string() : text;
}

std::string gaps_text(const Report &report, const TextStyle &style) {
    std::string text = style.strong("Missing") + "\n" + unattributed_text(report, style);
    const auto say = [&](const std::string &sentence) { text += wrapped(sentence, style.width(), 2, 4); };
    if (report.run.running != 0) {
        say(fmt::format("The run goes on: {} alive, and what {} from now on is not in here.",
                        counted(report.run.running, "process is", "processes are"),
                        report.run.running == 1 ? "it does" : "they do"));
    } else if (!report.run.complete) {
        say("It cannot be told whether all processes of the run have ended.");
    }
    if (!report.run.probe) {
        say("The probe was off: what is contended was judged by how long calls took, and short waits may be "
            "missing.");
    }
    if (!report.run.stacks) {
        say("Stacks were off: sites are not told apart.");
    }
    if (!report.run.unread_python.empty()) {
        say(fmt::format(
            "Python {} ran, whose functions are not known: its sites are the interpreter's own code.",
            report.run.unread_python));
    }
    if (report.run.clock_estimated) {
        say("Times are estimates: the recording ended before its clock was read a second time.");
    }
    return text + lost_text(report, style);
}

} // namespace flockstat::reporter
