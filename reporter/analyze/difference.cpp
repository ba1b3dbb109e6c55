#include "reporter/analyze/difference.h"

#include <algorithm>
#include <cmath>
#include <fnmatch.h>
#include <map>
#include <tuple>
#include <utility>

namespace flockstat::reporter {
namespace {

/// What one run has of each cost.
using Values = std::array<std::optional<double>, cost_count>;

std::optional<double> &value_of(Values &values, Cost cost) { return values[static_cast<std::size_t>(cost)]; }

double number(std::uint64_t value) { return static_cast<double>(value); }

void add(std::optional<double> &sum, std::uint64_t value) { sum = sum.value_or(0) + number(value); }

/// A percentile of a Stat without samples is none.
void raise(std::optional<double> &greatest, std::uint64_t value, const Stat &stat) {
    if (stat.count != 0) {
        greatest = std::max(greatest.value_or(0), number(value));
    }
}

void add_costs(Values *values, std::uint64_t acquisitions, std::uint64_t contended, const Stat &wait,
               const Stat &region) {
    add(value_of(*values, Cost::acquisitions), acquisitions);
    add(value_of(*values, Cost::waits), contended);
    add(value_of(*values, Cost::wait), wait.sum_ns);
    raise(value_of(*values, Cost::wait_p99), wait.p99_ns, wait);
    add(value_of(*values, Cost::hold), region.sum_ns);
    raise(value_of(*values, Cost::hold_p99), region.p99_ns, region);
}

/// Of a run that has acquisitions.
void add_share(Values *values) {
    const double acquisitions = value_of(*values, Cost::acquisitions).value_or(0);
    if (acquisitions > 0) {
        value_of(*values, Cost::contended) = value_of(*values, Cost::waits).value_or(0) / acquisitions;
    }
}

/// The functions of a stack, wherever their code lies; places of code without a name.
using SiteKey = std::vector<std::tuple<std::string, std::string, std::uint64_t>>;

bool is_python(const SourceFrame &frame) { return frame.language == "python"; }

/// Where Python functions are on the stack, only they count: the interpreter calls the same function in more
/// ways than one, as it learns how often that happens.
SiteKey key_of(const std::vector<SourceFrame> &frames) {
    const bool python = std::ranges::any_of(frames, is_python);
    SiteKey key;
    for (const SourceFrame &frame : frames) {
        const bool named = !frame.function.empty();
        if (is_python(frame) || !python) {
            key.emplace_back(named ? frame.function : frame.module, named ? frame.file : std::string(),
                             named ? 0 : frame.offset);
        }
    }
    return key;
}

/// The runs of one set, each with its place.
struct Side {
    std::size_t place;
    std::size_t run;
};

/// Values of all runs of both sets for one lock, or one site of it.
struct Samples {
    std::vector<Values> runs[2];

    explicit Samples(const std::size_t (&sizes)[2]) : runs{{sizes[0], Values{}}, {sizes[1], Values{}}} {}
    Values &at(Side side) { return runs[side.place][side.run]; }
};

struct LockSamples {
    Samples whole;
    std::map<SiteKey, std::pair<const SiteReport *, Samples>> sites;
};

bool is_percentile(Cost cost) { return cost == Cost::wait_p99 || cost == Cost::hold_p99; }

std::vector<double> present(const std::vector<Values> &runs, const CostName &name) {
    std::vector<double> values;
    for (const Values &run : runs) {
        const std::optional<double> &value = run[static_cast<std::size_t>(name.cost)];
        const bool counts = name.unit != CostUnit::share && !is_percentile(name.cost);
        if (value || counts) { // a run without the lock waited 0 times for it, but has no share of nothing
            values.push_back(value.value_or(0));
        }
    }
    return values;
}

Change change(const std::vector<double> &before, const std::vector<double> &after) {
    Change change;
    if (!before.empty()) {
        change.before = mean(before);
    }
    if (!after.empty()) {
        change.after = mean(after);
    }
    change.interval = difference_of_means(before, after);
    return change;
}

Costs costs_of(Samples &samples) {
    for (auto &runs : samples.runs) {
        std::ranges::for_each(runs, [](Values &values) { add_share(&values); });
    }
    Costs costs;
    for (const CostName &name : cost_names) {
        costs[static_cast<std::size_t>(name.cost)] =
            change(present(samples.runs[0], name), present(samples.runs[1], name));
    }
    return costs;
}

double moved(const Costs &costs, Cost cost) {
    return std::abs(change_of(costs, cost).difference().value_or(0));
}

/// What changed most comes first.
template<typename Compared>
void rank(std::vector<Compared> *compared) {
    std::ranges::stable_sort(*compared, [](const Compared &a, const Compared &b) {
        return std::pair(moved(a.costs, Cost::wait), moved(a.costs, Cost::hold)) >
               std::pair(moved(b.costs, Cost::wait), moved(b.costs, Cost::hold));
    });
}

using LockKey = std::pair<std::string, Family>;

/// The samples of both sets.
class Comparison {
public:
    Comparison(std::span<const Report> before, std::span<const Report> after)
        : sizes_{before.size(), after.size()}, whole_(sizes_) {
        const std::span<const Report> sets[2] = {before, after};
        for (std::size_t place = 0; place < 2; ++place) {
            for (std::size_t run = 0; run < sets[place].size(); ++run) {
                add_run(sets[place][run], {place, run});
            }
        }
    }

    [[nodiscard]] Difference result() {
        Difference result;
        result.runs_before = sizes_[0];
        result.runs_after = sizes_[1];
        result.costs = costs_of(whole_);
        result.duration_ns = change(durations_[0], durations_[1]);
        for (auto &[key, samples] : locks_) {
            LockDifference lock{
                .path = key.first, .family = key.second, .costs = costs_of(samples.whole), .sites = {}};
            for (auto &[_, site] : samples.sites) {
                lock.sites.push_back({.frames = site.first->frames, .costs = costs_of(site.second)});
            }
            rank(&lock.sites);
            result.locks.push_back(std::move(lock));
        }
        rank(&result.locks);
        return result;
    }

private:
    void add_run(const Report &report, Side side) {
        durations_[side.place].push_back(number(report.run.duration_ns));
        for (const LockGroup &group : report.groups) {
            const LockReport &lock = group.sum;
            LockSamples &samples =
                locks_.try_emplace(LockKey{lock.path, lock.family}, LockSamples{Samples(sizes_), {}})
                    .first->second;
            add_costs(&samples.whole.at(side), lock.acquisitions, lock.contended, lock.wait, lock.region);
            // Percentiles of different locks together would say nothing.
            add_costs(&whole_.at(side), lock.acquisitions, lock.contended, Stat{.sum_ns = lock.wait.sum_ns},
                      Stat{.sum_ns = lock.region.sum_ns});
        }
        for (const SiteReport &site : report.sites) {
            const LockReport &lock = report.locks[site.lock];
            auto &sites = locks_.at({lock.path, lock.family}).sites;
            Samples &samples =
                sites.try_emplace(key_of(site.frames), &site, Samples(sizes_)).first->second.second;
            add_costs(&samples.at(side), site.acquisitions, site.contended, site.wait, site.region);
        }
    }

    std::size_t sizes_[2];
    Samples whole_;
    std::vector<double> durations_[2];
    std::map<LockKey, LockSamples> locks_;
};

} // namespace

void forget_files(Run *run, std::span<const std::string> patterns) {
    for (Lock &lock : run->locks) {
        const auto pattern = std::ranges::find_if(patterns, [&lock](const std::string &glob) {
            return fnmatch(glob.c_str(), lock.path.c_str(), 0) == 0;
        });
        lock = {.path = pattern != patterns.end() ? *pattern : lock.path,
                .filesystem = lock.filesystem,
                .family = lock.family};
    }
}

Difference difference(std::span<const Report> before, std::span<const Report> after) {
    return Comparison(before, after).result();
}

} // namespace flockstat::reporter
