#include "reporter/write/table.h"

#include "reporter/write/printable.h"

#include <algorithm>

namespace flockstat::reporter {
namespace {

constexpr std::size_t gap = 2;

} // namespace

std::vector<std::size_t> Table::widths() const {
    std::vector<std::size_t> widths;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        std::size_t width = display_width(columns_[i].heading);
        for (const std::vector<std::string> &row : rows_) {
            width = std::max(width, display_width(row[i]));
        }
        widths.push_back(width);
    }
    return widths;
}

std::string Table::line(const std::vector<std::string> &cells, const std::vector<std::size_t> &widths) const {
    std::string line;
    for (std::size_t i = 0; i < cells.size(); ++i) {
        const std::size_t used = display_width(cells[i]);
        const std::string padding(widths[i] > used ? widths[i] - used : 0, ' ');
        line += i == 0 ? "" : std::string(gap, ' ');
        line += columns_[i].align == Align::right ? padding + cells[i] : cells[i] + padding;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    return line;
}

std::string Table::lines(std::size_t width, std::size_t indent,
                         const std::function<std::string(const std::string &)> &style,
                         const Shorten &shorten) const {
    std::vector<std::size_t> column_widths = widths();
    std::size_t used = indent;
    for (std::size_t i = 0; i + 1 < column_widths.size(); ++i) {
        used += column_widths[i] + gap;
    }
    std::vector<std::string> headings;
    for (const Column &column : columns_) {
        headings.push_back(column.heading);
    }
    const std::string margin(indent, ' ');
    std::string out = margin + style(line(headings, column_widths)) + "\n";
    for (std::vector<std::string> row : rows_) {
        if (shorten) {
            row.back() = shorten(row.back(), width > used ? width - used : 0);
        }
        out += margin + line(row, column_widths) + "\n";
    }
    return out;
}

} // namespace flockstat::reporter
