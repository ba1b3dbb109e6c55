#include "reporter/read/run_clock.h"

#include "reporter/record/arena_file.h"
#include "reporter/record/clock.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <fstream>
#include <string>
#include <sys/utsname.h>
#include <thread>

namespace flockstat::reporter {
namespace {

constexpr std::int64_t moment_limit = std::int64_t{1} << 62;

/// Does a char array of the header hold this text, NUL and all?
template<std::size_t Room>
bool holds(const char (&field)[Room], const std::string &text) {
    return text.size() < Room && std::memcmp(field, text.c_str(), text.size() + 1) == 0;
}

bool is_this_boot(const record::Header &header) {
    std::string boot_id;
    std::ifstream("/proc/sys/kernel/random/boot_id") >> boot_id;
    utsname names{};
    return !boot_id.empty() && ::uname(&names) == 0 && holds(header.boot_id, boot_id) &&
           holds(header.host, names.nodename);
}

/// The last resort, for a run whose file holds one reading only: how fast this machine's clock of that kind
/// goes.
record::ClockReading later_reading(record::Clock clock, const record::ClockReading &first) {
    const record::ClockReading before = record::read_clocks(clock);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    const record::ClockReading after = record::read_clocks(clock);
    return {first.ticks + (after.ticks - before.ticks),
            first.monotonic_ns + (after.monotonic_ns - before.monotonic_ns), 0};
}

} // namespace

RunClock::RunClock(const record::Header &header)
    : start_ticks_(header.started.ticks),
      start_at_ns_(
          static_cast<std::int64_t>(std::min<std::uint64_t>(header.started.realtime_ns, moment_limit))),
      start_monotonic_ns_(header.started.monotonic_ns), of_this_boot_(is_this_boot(header)) {
    const bool counts_ns = header.clock != record::Clock::tsc;
    if (of_this_boot_) {
        const record::ClockReading now = record::read_clocks(header.clock);
        now_ticks_ = now.ticks;
        // A run that was ended keeps to its last reading, so that it has the same numbers whenever it is
        // read.
        if (counts_ns || (header.ended == 0 && calibrate(header.started, now))) {
            return;
        }
    }
    if (counts_ns || calibrate(header.started, header.latest)) {
        return;
    }
    estimated_ = true;
    if (!calibrate(header.started, later_reading(header.clock, header.started))) {
        tick_span_ = ns_span_ = 1;
    }
}

bool RunClock::calibrate(const record::ClockReading &first, const record::ClockReading &second) {
    if (second.ticks <= first.ticks || second.monotonic_ns <= first.monotonic_ns) {
        return false;
    }
    tick_span_ = second.ticks - first.ticks;
    ns_span_ = second.monotonic_ns - first.monotonic_ns;
    const double rate = static_cast<double>(tick_span_) / static_cast<double>(ns_span_);
    return rate > 0.1 && rate < 100; // no machine counts outside of this: the header is damaged
}

std::uint64_t RunClock::duration_ns(std::uint64_t ticks) const {
    const auto scaled = (static_cast<unsigned __int128>(ticks) * ns_span_ + tick_span_ / 2) / tick_span_;
    return scaled > UINT64_MAX ? UINT64_MAX : static_cast<std::uint64_t>(scaled);
}

std::int64_t RunClock::moment_of_monotonic_us(std::uint64_t us) const {
    const __int128 moment =
        static_cast<__int128>(us) * 1000 - start_monotonic_ns_ + static_cast<__int128>(start_at_ns_);
    return static_cast<std::int64_t>(std::clamp<__int128>(moment, -moment_limit, moment_limit));
}

std::int64_t RunClock::moment_ns(std::uint64_t ticks) const {
    const bool before = ticks < start_ticks_;
    const std::uint64_t distance = std::min<std::uint64_t>(
        duration_ns(before ? start_ticks_ - ticks : ticks - start_ticks_), moment_limit);
    const std::int64_t offset =
        before ? -static_cast<std::int64_t>(distance) : static_cast<std::int64_t>(distance);
    const __int128 moment = static_cast<__int128>(start_at_ns_) + offset;
    return static_cast<std::int64_t>(std::clamp<__int128>(moment, -moment_limit, moment_limit));
}

} // namespace flockstat::reporter
