/// Aligned columns.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace flockstat::reporter {

/// Rows under a heading. All columns but the last one are as wide as their widest cell; the last one gets the
/// room that is left. Cells are printable text, without colours.
class Table {
public:
    enum class Align { left, right };
    struct Column {
        std::string heading;
        Align align = Align::right;
    };

    explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

    /// Adds a row of as many cells as there are columns.
    void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }

    /// Makes a cell of the last column fit into so many columns.
    using Shorten = std::function<std::string(const std::string &, std::size_t)>;

    /// Lines of at most `width` columns, where `shorten` can do it, each behind `indent` blanks and ended by
    /// a newline; the heading goes through `style`.
    [[nodiscard]] std::string lines(std::size_t width, std::size_t indent,
                                    const std::function<std::string(const std::string &)> &style,
                                    const Shorten &shorten = {}) const;

private:
    [[nodiscard]] std::vector<std::size_t> widths() const;
    [[nodiscard]] std::string line(const std::vector<std::string> &cells,
                                   const std::vector<std::size_t> &widths) const;

    std::vector<Column> columns_;
    std::vector<std::vector<std::string>> rows_;
};

} // namespace flockstat::reporter
