#include "reporter/cli/status_line.h"

#include "reporter/cli/terminal.h"
#include "reporter/record/arena_file.h"
#include "reporter/record/clock.h"

#include <algorithm>
#include <fmt/format.h>
#include <unistd.h>

namespace flockstat::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds plain_interval{10'000};

/// An episode of polls is given up after this or 20 times its longest gap, whichever is longer.
constexpr std::uint64_t patience_seconds = 5;
constexpr std::uint64_t patience_gaps = 20;

bool is_polling(const record::ThreadBlock &block, std::uint64_t now_ticks, std::uint64_t ticks_in_second) {
    return std::any_of(
        std::begin(block.episodes), std::end(block.episodes), [&](const record::Episode &episode) {
            const std::uint64_t patience =
                std::max(patience_seconds * ticks_in_second, patience_gaps * episode.longest_gap_ticks);
            return episode.first_ticks != 0 && now_ticks < episode.last_ticks + patience;
        });
}

std::uint64_t estimate_ticks_in_second(const record::Header &header) {
    const record::ClockReading now = record::read_clocks(header.clock);
    const std::uint64_t passed_ns = now.monotonic_ns - header.started.monotonic_ns;
    const std::uint64_t passed_ticks = now.ticks - header.started.ticks;
    constexpr std::uint64_t second_ns = 1'000'000'000;
    if (header.clock == record::Clock::monotonic || passed_ns == 0) {
        return second_ns;
    }
    return static_cast<std::uint64_t>(static_cast<unsigned __int128>(passed_ticks) * second_ns / passed_ns);
}

std::string with_commas(std::uint64_t number) {
    std::string text = std::to_string(number);
    for (std::size_t at = text.size(); at > 3; at -= 3) {
        text.insert(at - 3, ",");
    }
    return text;
}

void write_stderr(const std::string &text) {
    [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, text.data(), text.size());
}

} // namespace

LiveCounts count_live(const record::ArenaView &arena, std::uint64_t now_ticks,
                      std::uint64_t ticks_in_second) {
    LiveCounts counts;
    arena.for_table<record::Process>(
        arena.header().process_heads, [&](record::Ref, const record::Process &process) {
            const record::ProcessTotals &totals = process.totals[process.epoch & 1U];
            ++counts.processes;
            counts.lock_calls += totals.attempts + totals.unlocks;
            const bool waits =
                process.first_wait.since_ticks != 0 && process.state == record::ProcessState::running;
            counts.waiting += waits ? 1U : 0U;
        });
    arena.for_chain<record::ThreadBlock>(
        arena.header().blocks, [&](record::Ref, const record::ThreadBlock &block) {
            record::Process process;
            if (block.process == 0 || !arena.copy(block.process, &process) || block.epoch != process.epoch ||
                process.state != record::ProcessState::running) {
                return;
            }
            counts.lock_calls += block.totals.attempts + block.totals.unlocks;
            const bool blocked = block.waiting.since_ticks != 0;
            counts.waiting += blocked || is_polling(block, now_ticks, ticks_in_second) ? 1U : 0U;
        });
    return counts;
}

std::string status_text(milliseconds elapsed, const LiveCounts &counts) {
    return fmt::format("{}.{} s, {} process{}, {} lock call{}, {} waiting now",
                       with_commas(static_cast<std::uint64_t>(elapsed.count() / 1000)),
                       elapsed.count() / 100 % 10, with_commas(counts.processes),
                       counts.processes == 1 ? "" : "es", with_commas(counts.lock_calls),
                       counts.lock_calls == 1 ? "" : "s", with_commas(counts.waiting));
}

StatusLine::StatusLine(const record::ArenaView &arena)
    : arena_(arena), terminal_(isatty(STDERR_FILENO) != 0), started_(steady_clock::now()), last_(started_) {}

StatusLine::~StatusLine() {
    if (drawn_ && terminal_) {
        write_stderr("\r\x1b[K");
    }
}

void StatusLine::tick() {
    const steady_clock::time_point now = steady_clock::now();
    // Half of the interval is slack: ticks come a little early or late, and a signal brings one in between.
    if (now - last_ < (terminal_ ? interval / 2 : plain_interval)) {
        return;
    }
    last_ = now;
    const record::Header &header = arena_.header();
    const LiveCounts counts =
        count_live(arena_, record::read_ticks(header.clock), estimate_ticks_in_second(header));
    const std::string text = status_text(std::chrono::duration_cast<milliseconds>(now - started_), counts);
    if (terminal_) {
        reporter::TextOptions terminal;
        fit_terminal(STDERR_FILENO, &terminal); // the window may have been resized
        write_stderr("\r" + ("flockstat: " + text).substr(0, static_cast<std::size_t>(terminal.width - 1)) +
                     "\x1b[K");
        drawn_ = true;
    } else {
        say(text);
    }
}

} // namespace flockstat::cli
