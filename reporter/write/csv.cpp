#include "reporter/write/csv.h"

#include "reporter/analyze/process_groups.h"
#include "reporter/write/frame_name.h"
#include "reporter/write/printable.h"
#include "reporter/write/words.h"

#include <fmt/format.h>
#include <utility>
#include <vector>

namespace flockstat::reporter {
namespace {

/// Cells with the names of their columns: one list makes both the heading and the rows.
using Cells = std::vector<std::pair<std::string, std::string>>;

std::string quoted(const std::string &cell) {
    if (cell.find_first_of(",\"") == std::string::npos) {
        return cell;
    }
    std::string text = "\"";
    for (const char c : cell) {
        text += c == '"' ? "\"\"" : std::string(1, c);
    }
    return text + "\"";
}

/// Spreadsheets evaluate cells that begin so.
std::string text_cell(std::string_view bytes) {
    const std::string text = printable(bytes, true);
    return !text.empty() && std::string_view("=+-@").find(text.front()) != std::string_view::npos ? "'" + text
                                                                                                  : text;
}

template<typename Number>
std::string number_cell(Number number) {
    return std::to_string(number);
}

void add_short_stat(const std::string &name, const Stat &stat, Cells &cells) {
    cells.emplace_back(name + "_count", number_cell(stat.count));
    cells.emplace_back(name + "_sum_ns", number_cell(stat.sum_ns));
    cells.emplace_back(name + "_mean_ns", number_cell(stat.mean_ns));
    cells.emplace_back(name + "_min_ns", number_cell(stat.min_ns));
    cells.emplace_back(name + "_max_ns", number_cell(stat.max_ns));
}

void add_stat(const std::string &name, const Stat &stat, Cells &cells) {
    add_short_stat(name, stat, cells);
    cells.emplace_back(name + "_p50_ns", number_cell(stat.p50_ns));
    cells.emplace_back(name + "_p90_ns", number_cell(stat.p90_ns));
    cells.emplace_back(name + "_p99_ns", number_cell(stat.p99_ns));
}

/// Which lock a row is about.
void add_lock_name(const Report &report, std::size_t lock, Cells &cells) {
    cells.emplace_back("lock", number_cell(lock));
    cells.emplace_back("path", text_cell(report.locks[lock].path));
    cells.emplace_back("family", family_word(report.locks[lock].family));
}

Cells lock_cells(const Report &report, std::size_t index) {
    const LockReport &lock = report.locks[index];
    Cells cells;
    add_lock_name(report, index, cells);
    cells.emplace_back("device", fmt::format("{}:{}", lock.device_major, lock.device_minor));
    cells.emplace_back("inode", number_cell(lock.inode));
    cells.emplace_back("filesystem", text_cell(lock.filesystem));
    cells.emplace_back("source", text_cell(lock.source));
    cells.emplace_back("hosts", text_cell(lock.hosts == nullptr ? std::string() : command_line(*lock.hosts)));
    for (const auto &[name, count] :
         std::initializer_list<std::pair<const char *, std::uint64_t>>{{"attempts", lock.attempts},
                                                                       {"granted", lock.granted},
                                                                       {"refused", lock.refused},
                                                                       {"interrupted", lock.interrupted},
                                                                       {"deadlocked", lock.deadlocked},
                                                                       {"failed", lock.failed},
                                                                       {"tests", lock.tests},
                                                                       {"unlocks", lock.unlocks},
                                                                       {"acquisitions", lock.acquisitions},
                                                                       {"contended", lock.contended},
                                                                       {"polled", lock.polled},
                                                                       {"abandoned", lock.abandoned},
                                                                       {"abandoned_ns", lock.abandoned_ns},
                                                                       {"held_open_ns", lock.held_open_ns}}) {
        cells.emplace_back(name, number_cell(count));
    }
    add_stat("enter", lock.enter, cells);
    add_stat("region", lock.region, cells);
    add_stat("exit", lock.exit, cells);
    add_stat("wait", lock.wait, cells);
    add_stat("overshoot", lock.overshoot, cells);
    return cells;
}

Cells site_cells(const Report &report, std::size_t index) {
    const SiteReport &site = report.sites[index];
    const SourceFrame innermost = site.frames.empty() ? SourceFrame{} : site.frames.all().front();
    Cells cells;
    cells.emplace_back("site", number_cell(index));
    add_lock_name(report, site.lock, cells);
    cells.emplace_back("function", text_cell(innermost.function));
    cells.emplace_back("file", text_cell(innermost.file));
    cells.emplace_back("line", innermost.line == 0 ? "" : number_cell(innermost.line));
    cells.emplace_back("module", text_cell(innermost.module));
    cells.emplace_back("stack", text_cell(folded_stack(site.frames.all())));
    cells.emplace_back("acquisitions", number_cell(site.acquisitions));
    cells.emplace_back("contended", number_cell(site.contended));
    add_stat("enter", site.enter, cells);
    add_stat("region", site.region, cells);
    add_stat("wait", site.wait, cells);
    return cells;
}

Cells process_cells(const Report &report, std::size_t index) {
    const ProcessReport &process = report.processes[index];
    Cells cells;
    cells.emplace_back("pid", number_cell(process.pid));
    cells.emplace_back("parent", number_cell(process.parent));
    cells.emplace_back("command", text_cell(command_line(process.command)));
    cells.emplace_back("exe", text_cell(process.executable));
    cells.emplace_back("ended", ending_word(process.ending).value_or(""));
    cells.emplace_back("status", process.status ? number_cell(*process.status) : "");
    cells.emplace_back("attempts", number_cell(process.attempts));
    cells.emplace_back("unlocks", number_cell(process.unlocks));
    add_short_stat("enter", process.enter, cells);
    add_short_stat("region", process.region, cells);
    add_short_stat("wait", process.wait, cells);
    for (const ProcessKeyName &key : process_keys) {
        // JSON's `job` is all of a job's variables.
        cells.emplace_back(key.key == ProcessKey::job ? "scheduler_job" : key.name,
                           text_cell(process_value(*process.origin, key.key)));
    }
    return cells;
}

Cells group_cells(const Report &report, std::size_t index) {
    const ProcessGroups &grouped = report.groups_of_processes;
    const ProcessGroup &group = grouped.groups[index];
    Cells cells;
    for (std::size_t i = 0; i < grouped.keys.size(); ++i) {
        cells.emplace_back(process_key_name(grouped.keys[i]), text_cell(group.values[i]));
    }
    cells.emplace_back("processes", number_cell(group.processes));
    cells.emplace_back("attempts", number_cell(group.attempts));
    cells.emplace_back("unlocks", number_cell(group.unlocks));
    add_short_stat("enter", group.enter, cells);
    add_short_stat("region", group.region, cells);
    add_short_stat("wait", group.wait, cells);
    const bool any = !group.locks.empty();
    cells.emplace_back("lock", any ? number_cell(group.locks.front().lock) : "");
    cells.emplace_back("lock_path", any ? text_cell(report.locks[group.locks.front().lock].path) : "");
    cells.emplace_back("lock_wait_ns", any ? number_cell(group.locks.front().wait_ns) : "");
    return cells;
}

Cells blame_cells(const Report &report, std::size_t index) {
    const BlameReport &blame = report.blame[index];
    Cells cells;
    add_lock_name(report, blame.lock, cells);
    cells.emplace_back("waiter", number_cell(blame.waiter));
    cells.emplace_back("waiter_stack", text_cell(folded_stack(report.sites[blame.waiter].frames.all())));
    cells.emplace_back("holder", blame.holder ? number_cell(*blame.holder) : "");
    cells.emplace_back("holder_stack",
                       blame.holder ? text_cell(folded_stack(report.sites[*blame.holder].frames.all())) : "");
    cells.emplace_back("waits", number_cell(blame.waits));
    cells.emplace_back("wait_ns", number_cell(blame.wait_ns));
    return cells;
}

struct TableSource {
    std::size_t rows = 0;
    Cells (*cells)(const Report &, std::size_t) = nullptr;
};

TableSource source_of(const Report &report, CsvTable table) {
    switch (table) {
    case CsvTable::sites: return {report.sites.size(), site_cells};
    case CsvTable::processes: return {report.processes.size(), process_cells};
    case CsvTable::blame: return {report.blame.size(), blame_cells};
    case CsvTable::groups: return {report.groups_of_processes.groups.size(), group_cells};
    case CsvTable::locks: break;
    }
    return {report.locks.size(), lock_cells};
}

/// A report with one of everything: its rows have the names of the columns.
Report sample_report(const std::vector<ProcessKey> &keys) {
    Report report;
    report.groups_of_processes = {keys, std::vector<ProcessGroup>(1)};
    report.groups_of_processes.groups[0].values.resize(keys.size());
    report.locks.resize(1);
    report.sites.resize(1);
    report.processes.resize(1);
    report.blame.resize(1);
    return report;
}

std::string line_of(const Cells &cells, std::string Cells::value_type::*part) {
    std::string line;
    for (const auto &cell : cells) {
        line += quoted(cell.*part) + ",";
    }
    line.back() = '\n';
    return line;
}

} // namespace

std::optional<CsvTable> csv_table(std::string_view name) {
    for (const CsvTableName &known : csv_tables) {
        if (known.name == name) {
            return known.table;
        }
    }
    return std::nullopt;
}

void write_csv(const Report &report, CsvTable table, const TextSink &sink) {
    const TableSource source = source_of(report, table);
    sink(line_of(source.cells(sample_report(report.groups_of_processes.keys), 0), &Cells::value_type::first));
    for (std::size_t row = 0; row < source.rows; ++row) {
        sink(line_of(source.cells(report, row), &Cells::value_type::second));
    }
}

std::string to_csv(const Report &report, CsvTable table) {
    return text_of([&](const TextSink &sink) { write_csv(report, table, sink); });
}

} // namespace flockstat::reporter
