/// The report's lists as comma-separated values (RFC 4180, with line feeds).
#pragma once

#include "reporter/analyze/report.h"
#include "reporter/write/text_sink.h"

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace flockstat::reporter {

enum class CsvTable { locks, sites, processes, blame, groups };

struct CsvTableName {
    CsvTable table;
    std::string_view name;
};

inline constexpr std::array<CsvTableName, 5> csv_tables{{
    {CsvTable::locks, "locks"},
    {CsvTable::sites, "sites"},
    {CsvTable::processes, "processes"},
    {CsvTable::blame, "blame"},
    {CsvTable::groups, "groups"},
}};

/// The table of that name; nothing where there is none.
[[nodiscard]] std::optional<CsvTable> csv_table(std::string_view name);

/// A line of column names, and a line a row: names of programs hold no line breaks here, because control
/// characters and bytes that are no UTF-8 become \xHH (newline \n). Numbers are as in JSON; what is not known
/// is empty. Text that a spreadsheet would take for a formula (it begins with = + - or @) stands behind an
/// apostrophe. `lock` and `site` are places in the tables locks and sites, from 0, as in JSON.
void write_csv(const Report &report, CsvTable table, const TextSink &sink);

/// The same, in memory.
[[nodiscard]] std::string to_csv(const Report &report, CsvTable table);

} // namespace flockstat::reporter
