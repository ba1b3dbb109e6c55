#include "reporter/analyze/process_groups.h"

#include "reporter/record/job_variables.h"

#include <algorithm>
#include <functional>
#include <map>
#include <span>
#include <tuple>

namespace flockstat::reporter {
namespace {

bool is_number(std::string_view text) {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

enum class Values { any, numbers };

std::string first_set(const Origin &origin, std::span<const std::string_view> names, Values wanted) {
    for (const std::string_view name : names) {
        for (const auto &[variable, value] : origin.job) {
            if (variable == name && (wanted == Values::any || is_number(value))) {
                return value;
            }
        }
    }
    return {};
}

/// Without percentiles and last value, which cannot be had from sums.
void add(const Stat &stat, Stat *sum) {
    if (stat.count == 0) {
        return;
    }
    sum->min_ns = sum->count == 0 ? stat.min_ns : std::min(sum->min_ns, stat.min_ns);
    sum->max_ns = std::max(sum->max_ns, stat.max_ns);
    sum->count = saturating_add(sum->count, stat.count);
    sum->sum_ns = saturating_add(sum->sum_ns, stat.sum_ns);
    sum->mean_ns = sum->sum_ns / sum->count;
}

void add(const ProcessReport &process, ProcessGroup *group) {
    ++group->processes;
    group->attempts += process.attempts;
    group->unlocks += process.unlocks;
    add(process.enter, &group->enter);
    add(process.region, &group->region);
    add(process.wait, &group->wait);
}

/// What processes had of the locks, by group and lock.
using GroupLocks = std::map<std::pair<std::size_t, std::size_t>, GroupLock>;

GroupLocks locks_of_groups(const Report &report, const std::vector<std::size_t> &group_of) {
    GroupLocks locks;
    for (std::size_t lock = 0; lock < report.locks.size(); ++lock) {
        for (const LockShare &share : report.locks[lock].fairness.processes) {
            GroupLock &sum = locks[{group_of[share.process], lock}];
            sum.lock = lock;
            sum.waits += share.waits;
            sum.wait_ns = saturating_add(sum.wait_ns, share.wait_ns);
            sum.holds += share.holds;
            sum.hold_ns = saturating_add(sum.hold_ns, share.hold_ns);
        }
    }
    return locks;
}

} // namespace

std::string_view process_key_name(ProcessKey key) {
    return std::ranges::find(process_keys, key, &ProcessKeyName::key)->name;
}

std::optional<std::vector<ProcessKey>> parse_process_keys(std::string_view text) {
    std::vector<ProcessKey> keys;
    while (true) {
        const std::size_t end = std::min(text.find(','), text.size());
        const auto known = std::ranges::find(process_keys, text.substr(0, end), &ProcessKeyName::name);
        if (known == process_keys.end()) {
            return std::nullopt;
        }
        if (std::ranges::find(keys, known->key) == keys.end()) {
            keys.push_back(known->key);
        }
        if (end == text.size()) {
            return keys;
        }
        text.remove_prefix(end + 1);
    }
}

std::string process_value(const Origin &origin, ProcessKey key) {
    switch (key) {
    case ProcessKey::job: return first_set(origin, record::job_id_variables, Values::any);
    case ProcessKey::task: return first_set(origin, record::array_task_variables, Values::numbers);
    case ProcessKey::step: return first_set(origin, record::job_step_variables, Values::any);
    case ProcessKey::rank: return first_set(origin, record::rank_variables, Values::numbers);
    case ProcessKey::local_rank: return first_set(origin, record::local_rank_variables, Values::numbers);
    case ProcessKey::node: return first_set(origin, record::node_variables, Values::numbers);
    case ProcessKey::host: break;
    }
    return origin.host;
}

ProcessGroups group_processes(const Report &report, const std::vector<ProcessKey> &keys) {
    std::map<std::vector<std::string>, std::size_t> numbers;
    std::vector<ProcessGroup> groups;
    std::vector<std::size_t> group_of;
    for (const ProcessReport &process : report.processes) {
        std::vector<std::string> values;
        for (const ProcessKey key : keys) {
            values.push_back(process_value(*process.origin, key));
        }
        const auto [found, added] = numbers.try_emplace(values, groups.size());
        if (added) {
            groups.emplace_back().values = std::move(values);
        }
        add(process, &groups[found->second]);
        group_of.push_back(found->second);
    }
    for (const auto &[where, lock] : locks_of_groups(report, group_of)) {
        groups[where.first].locks.push_back(lock);
    }
    for (ProcessGroup &group : groups) {
        std::ranges::stable_sort(group.locks, std::greater<>(),
                                 [](const GroupLock &lock) { return std::pair(lock.wait_ns, lock.hold_ns); });
    }
    std::ranges::stable_sort(groups, std::greater<>(), [](const ProcessGroup &group) {
        return std::tuple(group.wait.sum_ns, group.region.sum_ns, group.attempts);
    });
    return {keys, std::move(groups)};
}

} // namespace flockstat::reporter
