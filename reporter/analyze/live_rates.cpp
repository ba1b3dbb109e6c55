#include "reporter/analyze/live_rates.h"

#include <algorithm>
#include <tuple>

namespace flockstat::reporter {
namespace {

double a_second(std::uint64_t before, std::uint64_t now, double seconds) {
    return now > before && seconds > 0 ? static_cast<double>(now - before) / seconds : 0;
}

auto rank_of(const LockRate &rate, RateKey key) {
    const auto exact = [](std::uint64_t count) { return static_cast<double>(count); };
    const std::tuple by_wait(rate.waiting_on_average, exact(rate.waiting), rate.holds_a_second);
    switch (key) {
    case RateKey::waited: break;
    case RateKey::waits: return std::tuple(rate.waits_a_second, by_wait);
    case RateKey::holds: return std::tuple(rate.holds_a_second, by_wait);
    case RateKey::waiting: return std::tuple(exact(rate.waiting), by_wait);
    case RateKey::most_waiting: return std::tuple(exact(rate.most_waiting), by_wait);
    case RateKey::name: return std::tuple(0.0, std::tuple(0.0, 0.0, 0.0));
    }
    return std::tuple(rate.waiting_on_average, by_wait);
}

} // namespace

LiveMoment live_moment(std::span<const Run> runs, std::span<const LiveLocks> locks, const Report &report) {
    LiveMoment moment;
    for (const LockGroup &group : report.groups) {
        LockMoment &lock = moment.locks[{group.sum.path, group.sum.family}];
        lock.waited_ns = group.sum.wait.sum_ns;
        lock.waits = group.sum.contended;
        lock.held_ns = group.sum.region.sum_ns;
        lock.holds = group.sum.acquisitions;
    }
    for (std::size_t i = 0; i < runs.size(); ++i) {
        moment.at_ns = std::max(moment.at_ns, runs[i].read_at_ns);
        const auto of = [&](std::uint32_t lock) -> LockMoment & {
            return moment.locks[{runs[i].locks[lock].path, runs[i].locks[lock].family}];
        };
        for (const HeldLock &held : locks[i].held) {
            ++of(held.lock).holding;
            of(held.lock).held_ns += held.held_ns;
        }
        for (const WantedLock &wanted : locks[i].wanted) {
            if (wanted.lock != no_index) {
                ++of(wanted.lock).waiting;
                of(wanted.lock).waited_ns += wanted.wait_ns;
            }
        }
    }
    return moment;
}

std::vector<LockRate> lock_rates(const LiveMoment &before, const LiveMoment &now, const Report &report,
                                 RateKey key) {
    const std::int64_t since_ns = before.at_ns != 0 ? before.at_ns : report.run.started_at_ns;
    const double seconds = static_cast<double>(std::max<std::int64_t>(now.at_ns - since_ns, 0)) * 1e-9;
    std::map<LockName, std::uint64_t> most;
    for (const LockGroup &group : report.groups) {
        most[{group.sum.path, group.sum.family}] = group.sum.fairness.longest_queue;
    }
    std::vector<LockRate> rates;
    for (const auto &[name, lock] : now.locks) {
        const auto found = before.locks.find(name);
        const LockMoment old = found == before.locks.end() ? LockMoment{} : found->second;
        rates.push_back({name, a_second(old.waited_ns, lock.waited_ns, seconds) * 1e-9,
                         a_second(old.held_ns, lock.held_ns, seconds) * 1e-9,
                         a_second(old.waits, lock.waits, seconds), a_second(old.holds, lock.holds, seconds),
                         lock.waiting, lock.holding, most[name]});
    }
    std::ranges::stable_sort(
        rates, [key](const LockRate &a, const LockRate &b) { return rank_of(a, key) > rank_of(b, key); });
    return rates;
}

} // namespace flockstat::reporter
