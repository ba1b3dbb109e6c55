#include "reporter/analyze/process_groups.h"
#include "reporter/write/short_path.h"
#include "reporter/write/table.h"
#include "reporter/write/text_parts.h"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>

namespace flockstat::reporter {
namespace {

using Align = Table::Align;

std::string time_or_dash(const Stat &stat, std::uint64_t ns, const TextStyle &style) {
    return stat.count == 0 ? "-" : style.time(ns);
}

std::string heading(ProcessKey key) {
    std::string name(process_key_name(key));
    std::ranges::transform(name, name.begin(),
                           [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    return name;
}

/// "82 % /srv/app.db": the lock that the group waited for the longest, as far as single waits are known.
std::string mostly_for(const Report &report, const ProcessGroup &group, const TextStyle &style) {
    if (group.locks.empty() || group.locks.front().wait_ns == 0 || group.wait.sum_ns == 0) {
        return "-";
    }
    const GroupLock &most = group.locks.front();
    const std::uint64_t wait_ns = std::min(most.wait_ns, group.wait.sum_ns);
    return human_share(wait_ns, group.wait.sum_ns) + " " + style.shown(report.locks[most.lock].name());
}

std::string title(const std::vector<ProcessKey> &keys) {
    std::string text = "By ";
    for (std::size_t i = 0; i < keys.size(); ++i) {
        text += (i == 0 ? "" : " and ") + std::string(process_key_name(keys[i]));
    }
    return text;
}

} // namespace

std::string groups_text(const Report &report, const TextStyle &style) {
    const ProcessGroups &grouped = report.groups_of_processes;
    if (grouped.keys.empty()) {
        return {};
    }
    std::vector<Table::Column> columns;
    for (const ProcessKey key : grouped.keys) {
        columns.push_back({heading(key), Align::left});
    }
    for (const char *name : {"PROCESSES", "WAITED", "MAX", "WAITS", "ACQUIRED", "HELD"}) {
        columns.push_back({name});
    }
    columns.push_back({"MOSTLY FOR", Align::left});
    Table table(std::move(columns));
    const std::size_t rows = std::min<std::size_t>(grouped.groups.size(), std::size_t{8} * style.top());
    for (std::size_t row = 0; row < rows; ++row) {
        const ProcessGroup &group = grouped.groups[row];
        std::vector<std::string> cells;
        for (const std::string &value : group.values) {
            cells.push_back(value.empty() ? "(none)" : style.shown(value));
        }
        for (std::string &cell : std::vector<std::string>{
                 human_count(group.processes), time_or_dash(group.wait, group.wait.sum_ns, style),
                 time_or_dash(group.wait, group.wait.max_ns, style), human_count(group.wait.count),
                 human_count(group.enter.count), time_or_dash(group.region, group.region.sum_ns, style),
                 mostly_for(report, group, style)}) {
            cells.push_back(std::move(cell));
        }
        table.add(std::move(cells));
    }
    std::string text =
        style.strong(title(grouped.keys)) + "\n" +
        table.lines(
            style.width(), 2, [&](const std::string &line) { return style.faint(line); }, short_path);
    if (grouped.groups.size() > rows) {
        text += fmt::format("  and {}\n", counted(grouped.groups.size() - rows, "more group", "more groups"));
    }
    return text;
}

} // namespace flockstat::reporter
