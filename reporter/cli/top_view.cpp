#include "reporter/cli/top_view.h"

#include "reporter/cli/live_views.h"
#include "reporter/write/live_text.h"
#include "reporter/write/text_parts.h"

#include <algorithm>
#include <sstream>

namespace flockstat::cli {
namespace {

using reporter::LockName;
using reporter::LockRate;

void add_lines(const std::string &text, std::vector<ScreenLine> *lines) {
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) {
        lines->push_back({line});
    }
}

} // namespace

void TopView::renew(std::vector<reporter::Run> runs) {
    Reading reading;
    reading.runs = std::move(runs);
    for (const reporter::Run &run : reading.runs) {
        reading.locks.push_back(live_locks(run));
    }
    reading.report = analyze(reading.runs, details_ ? &symbolizer_ : nullptr, reporter::Timeline::left_out);
    reading.moment = live_moment(reading.runs, reading.locks, reading.report);
    before_ = std::move(now_.moment);
    now_ = std::move(reading);
    rank();
}

void TopView::rank() {
    rates_ = lock_rates(before_, now_.moment, now_.report, key_);
    const auto is_chosen = [&](const LockRate &rate) { return chosen_ && rate.name == *chosen_; };
    if (std::ranges::none_of(rates_, is_chosen)) {
        chosen_ = rates_.empty() ? std::nullopt : std::optional(rates_.front().name);
    }
}

void TopView::move(long by) {
    if (details_) {
        scrolled_ = by < 0 ? scrolled_ - std::min(scrolled_, static_cast<std::size_t>(-by))
                           : scrolled_ + static_cast<std::size_t>(by);
        return;
    }
    const auto at = std::ranges::find_if(rates_, [&](const LockRate &rate) { return rate.name == chosen_; });
    if (at != rates_.end()) {
        const long place =
            std::clamp<long>(at - rates_.begin() + by, 0, static_cast<long>(rates_.size()) - 1);
        chosen_ = rates_[static_cast<std::size_t>(place)].name;
    }
}

bool TopView::press(int key) {
    switch (key) {
    case 'q':
    case key_stop: return false;
    case key_up:
    case 'k': move(-1); break;
    case key_down:
    case 'j': move(1); break;
    case key_page_up: move(-static_cast<long>(rows_)); break;
    case key_page_down: move(static_cast<long>(rows_)); break;
    case key_enter:
        if (chosen_ && !details_) {
            details_ = true;
            scrolled_ = 0;
            now_.report = analyze(now_.runs, &symbolizer_, reporter::Timeline::left_out);
        }
        break;
    case key_back: details_ = false; break;
    default:
        for (const reporter::RateKeyName &known : reporter::rate_keys) {
            if (key == known.letter && !details_) {
                key_ = known.key;
                rank();
            }
        }
    }
    return true;
}

std::vector<ScreenLine> TopView::table_lines(const reporter::TextStyle &style) {
    const std::vector<std::string> table = top_table(rates_, key_, style);
    std::vector<ScreenLine> lines{{table.front(), Look::heading}};
    const auto at = std::ranges::find_if(rates_, [&](const LockRate &rate) { return rate.name == chosen_; });
    const auto chosen = static_cast<std::size_t>(at - rates_.begin());
    if (chosen < rates_.size()) { // keep it on the screen
        first_ = std::clamp(first_, chosen < rows_ ? 0 : chosen - rows_ + 1, chosen);
    }
    for (std::size_t i = first_; i < rates_.size() && i < first_ + rows_; ++i) {
        lines.push_back({table[i + 1], i == chosen ? Look::chosen : Look::plain});
    }
    if (rates_.empty()) {
        lines.push_back({"No lock was taken yet.", Look::faint});
    }
    return lines;
}

std::vector<ScreenLine> TopView::detail_lines(const reporter::TextOptions &options) {
    std::vector<ScreenLine> lines;
    for (std::size_t i = 0; i < now_.runs.size(); ++i) {
        const reporter::Run &run = now_.runs[i];
        add_lines(
            live_lock_text(run, now_.locks[i], *chosen_, sites_of(run, now_.locks[i], symbolizer_), options),
            &lines);
    }
    lines.push_back({});
    add_lines(lock_text(now_.report, *chosen_, reporter::TextStyle(options)), &lines);
    scrolled_ = std::min(scrolled_, lines.empty() ? 0 : lines.size() - 1);
    lines.erase(lines.begin(), lines.begin() + static_cast<long>(scrolled_));
    return lines;
}

std::vector<ScreenLine> TopView::lines(int width, int height, bool unicode) {
    reporter::TextOptions options;
    options.width = width;
    options.unicode = unicode;
    const reporter::TextStyle style(options);
    constexpr int frame = 4; // the summary, a blank line, the heading, the keys
    rows_ = static_cast<std::size_t>(std::max(height - frame, 1));
    std::vector<ScreenLine> lines{
        {now_.runs.empty() ? "No run goes on." : top_summary(now_.runs, now_.locks, style), Look::heading},
        {}};
    const bool details = details_ && chosen_;
    const std::vector<ScreenLine> body = details ? detail_lines(options) : table_lines(style);
    lines.insert(lines.end(), body.begin(), body.end());
    lines.resize(static_cast<std::size_t>(std::max(height - 1, 1)));
    lines.push_back({reporter::top_keys(details), Look::faint});
    return lines;
}

} // namespace flockstat::cli
