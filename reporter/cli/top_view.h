/// What `flockstat top` shows, and what its keys do: everything but the terminal.
#pragma once

#include "reporter/cli/screen.h"
#include "reporter/write/live_top.h"

#include <optional>
#include <vector>

namespace flockstat::cli {

class TopView {
public:
    explicit TopView(reporter::RateKey key) : key_(key) {}

    /// New readings of runs that go on; rates are from the last ones to these.
    void renew(std::vector<reporter::Run> runs);

    /// Takes a key of the screen. False where it asks to end.
    [[nodiscard]] bool press(int key);

    /// Lines for a screen of that size.
    [[nodiscard]] std::vector<ScreenLine> lines(int width, int height, bool unicode);

private:
    struct Reading {
        std::vector<reporter::Run> runs;
        std::vector<reporter::LiveLocks> locks;
        reporter::Report report;
        reporter::LiveMoment moment;
    };

    void rank();
    [[nodiscard]] std::vector<ScreenLine> table_lines(const reporter::TextStyle &style);
    [[nodiscard]] std::vector<ScreenLine> detail_lines(const reporter::TextOptions &options);
    void move(long by);

    reporter::RateKey key_;
    Reading now_;
    reporter::LiveMoment before_;
    std::vector<reporter::LockRate> rates_;
    std::optional<reporter::LockName> chosen_; ///< the line that is marked
    bool details_ = false;
    std::size_t scrolled_ = 0; ///< lines of the details above the screen
    std::size_t first_ = 0;    ///< lock on the first line of the table
    std::size_t rows_ = 1;     ///< lines for it on the screen
    reporter::Symbolizer symbolizer_;
};

} // namespace flockstat::cli
