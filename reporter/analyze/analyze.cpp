#include "reporter/analyze/analysis.h"
#include "reporter/analyze/endings.h"
#include "reporter/analyze/fairness_report.h"
#include "reporter/analyze/findings.h"
#include "reporter/analyze/merged_stacks.h"
#include "reporter/analyze/names.h"
#include "reporter/analyze/report.h"
#include "reporter/analyze/site_processes.h"
#include "reporter/analyze/stat_of.h"
#include "reporter/analyze/sums.h"
#include "reporter/analyze/timeline.h"
#include "reporter/analyze/unread_python.h"

#include <algorithm>
#include <functional>
#include <map>
#include <string_view>
#include <tuple>

namespace flockstat::reporter {
namespace {

Stat both(const Samples (&by_mode)[2]) {
    Samples sum = by_mode[0];
    sum.merge(by_mode[1]);
    return full_stat(sum);
}

ErrorCounts named(const std::map<int, std::uint64_t> &errors) {
    ErrorCounts counts;
    for (const auto &[error, count] : errors) {
        counts[error_name(error)] += count;
    }
    return counts;
}

ReleaseCounts release_counts(const std::array<std::uint64_t, record::release_count> &released) {
    const auto count = [&](Release cause) { return released[static_cast<std::size_t>(cause)]; };
    return {count(Release::unlock), count(Release::close),     count(Release::exit),
            count(Release::exec),   count(Release::converted), count(Release::still_held),
            count(Release::unknown)};
}

std::vector<HolderReport> holders_of(const LockSum &sum, const std::vector<ProcessSum> &processes) {
    std::vector<HolderReport> holders;
    for (const HolderSum &holder : sum.held_by) {
        const Process &process = processes[holder.process].process;
        holders.push_back({process.pid, process.command, holder.mode, holder.held_ns});
    }
    std::ranges::stable_sort(holders, std::greater<>(), &HolderReport::held_ns);
    return holders;
}

std::vector<OutsideHolderReport> outside_holders_of(const LockSum &sum) {
    std::vector<OutsideHolderReport> holders;
    for (const auto &[who, seen] : sum.held_outside) {
        holders.push_back({seen.pid, who.first, who.second, seen.processes, seen.seen_ns});
    }
    std::ranges::stable_sort(holders, std::greater<>(), &OutsideHolderReport::seen_ns);
    return holders;
}

/// What tells the lock from those of other hosts, in a report of several.
std::string full_name(const LockSum &sum) {
    const NetworkFile &network = sum.lock.network;
    if (network.file_system.empty()) {
        return (sum.hosts == nullptr ? "" : sum.hosts->front()) + ":" + sum.lock.path;
    }
    return network.path.empty() ? network.file_system + " " + sum.lock.path : network.path;
}

LockReport lock_report(const LockSum &sum, const Sums &sums) {
    LockReport lock;
    if (sums.hosts.size() > 1) {
        lock.full_name = full_name(sum);
    }
    lock.path = sum.lock.path;
    lock.source = sum.lock.network.file_system;
    lock.hosts = sum.hosts;
    lock.device_major = sum.lock.device_major;
    lock.device_minor = sum.lock.device_minor;
    lock.inode = sum.lock.inode;
    lock.filesystem = filesystem_name(sum.lock.filesystem);
    lock.family = sum.lock.family;
    lock.attempts = sum.attempts.all();
    lock.granted = sum.attempts.granted;
    lock.refused = sum.attempts.refused;
    lock.interrupted = sum.attempts.interrupted;
    lock.deadlocked = sum.attempts.deadlocked;
    lock.failed = sum.attempts.failed;
    lock.tests = sum.tests;
    lock.unlocks = sum.unlocks;
    lock.acquisitions = sum.attempts.granted;
    lock.contended = saturating_add(sum.wait[0].count, sum.wait[1].count);
    lock.polled = sum.polled;
    lock.abandoned = sum.abandoned;
    lock.abandoned_ns = sum.abandoned_ns;
    lock.errors = named(sum.errors);
    lock.released = release_counts(sum.released);
    lock.held_open_ns = sum.held_open_ns;
    lock.held_by = holders_of(sum, sums.processes);
    lock.held_outside = outside_holders_of(sum);
    lock.shared = {full_stat(sum.enter[0]), full_stat(sum.region[0])};
    lock.exclusive = {full_stat(sum.enter[1]), full_stat(sum.region[1])};
    lock.enter = both(sum.enter);
    lock.region = both(sum.region);
    lock.exit = full_stat(sum.exit);
    lock.wait = both(sum.wait);
    lock.overshoot = full_stat(sum.overshoot);
    return lock;
}

SiteReport site_report(const SiteSum &sum) {
    SiteReport site;
    site.acquisitions = sum.attempts.granted;
    site.contended = sum.wait.count;
    site.enter = full_stat(sum.enter);
    site.region = full_stat(sum.region);
    site.wait = full_stat(sum.wait);
    site.abandoned = sum.abandoned;
    site.abandoned_ns = sum.abandoned_ns;
    site.held_open_ns = sum.held_open_ns;
    return site;
}

ProcessReport process_report(const ProcessSum &sum) {
    ProcessReport process;
    if (sum.process.origin != nullptr) {
        process.origin = sum.process.origin;
    }
    process.pid = sum.process.pid;
    process.parent = sum.process.parent_pid;
    process.command = sum.process.command;
    process.executable = sum.process.executable;
    process.ending = sum.process.ending;
    if (sum.process.status >= 0) {
        process.status = sum.process.status;
    }
    process.attempts = sum.process.attempts;
    process.unlocks = sum.process.unlocks;
    process.enter = short_stat(sum.process.enter);
    process.region = short_stat(sum.region);
    process.wait = short_stat(sum.process.wait);
    for (const auto &[name, counter] : sum.wait_counters) {
        process.wait_counters[name] = {short_stat(counter.waits), counter.concurrency};
    }
    return process;
}

/// The order in which items are listed: by `rank`, a tuple, greatest first; equal ones stay as they were met.
template<typename Item, typename Rank>
std::vector<std::size_t> ranked(const std::vector<Item> &items, Rank rank) {
    std::vector<std::pair<decltype(rank(items.front())), std::size_t>> order;
    order.reserve(items.size());
    for (const Item &item : items) {
        order.emplace_back(rank(item), order.size());
    }
    std::ranges::stable_sort(
        order, std::greater<>(), [](const auto &one) -> const auto & { return one.first; });
    std::vector<std::size_t> numbers;
    numbers.reserve(order.size());
    for (const auto &one : order) {
        numbers.push_back(one.second);
    }
    return numbers;
}

/// By time waited, then by time tried in vain, then by time held, then by calls.
auto lock_rank(const LockSum &lock) {
    return std::tuple(saturating_add(lock.wait[0].sum_ns, lock.wait[1].sum_ns), lock.abandoned_ns,
                      saturating_add(lock.region[0].sum_ns, lock.region[1].sum_ns), lock.attempts.all());
}

/// Adds the locks in their order; returns the place of each in it.
std::vector<std::size_t> add_locks(const Sums &sums, Report &report) {
    std::vector<std::size_t> places(sums.locks.size());
    report.locks.reserve(sums.locks.size());
    for (const std::size_t number : ranked(sums.locks, lock_rank)) {
        places[number] = report.locks.size();
        report.locks.push_back(lock_report(sums.locks[number], sums));
    }
    return places;
}

/// The numbers of the locks of each name and family.
std::vector<std::vector<std::size_t>> locks_by_name(const Sums &sums, const ReportPlaces &places,
                                                    const Report &report) {
    std::vector<std::vector<std::size_t>> groups;
    std::map<std::pair<std::string_view, Family>, std::size_t> numbers;
    for (std::size_t i = 0; i < sums.locks.size(); ++i) {
        const LockReport &lock = report.locks[places.locks[i]];
        const auto [found, added] = numbers.try_emplace({lock.name(), lock.family}, groups.size());
        if (added) {
            groups.emplace_back();
        }
        groups[found->second].push_back(i);
    }
    return groups;
}

/// As of their sum.
auto group_rank(const Sums &sums, const std::vector<std::size_t> &members) {
    auto rank = lock_rank(sums.locks[members.front()]);
    for (std::size_t i = 1; i < members.size(); ++i) {
        const auto [wait_ns, abandoned_ns, region_ns, attempts] = lock_rank(sums.locks[members[i]]);
        rank = {saturating_add(std::get<0>(rank), wait_ns), saturating_add(std::get<1>(rank), abandoned_ns),
                saturating_add(std::get<2>(rank), region_ns), std::get<3>(rank) + attempts};
    }
    return rank;
}

/// The sum of one group, whose parts' distributions are taken away.
LockGroup lock_group(Sums &sums, const std::vector<std::size_t> &members, const ReportPlaces &places,
                     const Report &report) {
    LockSum &sum = sums.locks[members.front()];
    LockGroup group;
    if (members.size() == 1) {
        group.sum = report.locks[places.locks[members.front()]];
    } else {
        for (std::size_t i = 1; i < members.size(); ++i) {
            sum.merge(sums.locks[members[i]]);
        }
        group.sum = lock_report(sum, sums);
        group.sum.fairness = fairness_report(sum.fairness, places);
    }
    for (const std::size_t member : members) {
        group.locks.push_back(places.locks[member]);
    }
    std::ranges::sort(group.locks);
    group.wait = {std::move(sum.wait[0].values), std::move(sum.wait[1].values)};
    group.region = {std::move(sum.region[0].values), std::move(sum.region[1].values)};
    return group;
}

/// Puts locks of the same name and family together. What the locks' sums have is of no use afterwards.
void add_groups(Sums &sums, const ReportPlaces &places, Report &report) {
    const std::vector<std::vector<std::size_t>> groups = locks_by_name(sums, places, report);
    const auto order =
        ranked(groups, [&](const std::vector<std::size_t> &members) { return group_rank(sums, members); });
    report.groups.reserve(groups.size());
    for (const std::size_t number : order) {
        report.groups.push_back(lock_group(sums, groups[number], places, report));
    }
}

/// Adds the sites in their order; returns the place of each in it.
std::vector<std::size_t> add_sites(const Sums &sums, const MergedStacks &stacks,
                                   const std::vector<std::size_t> &lock_places, Symbolizer *symbolizer,
                                   Report &report) {
    std::vector<std::size_t> places(sums.sites.size());
    report.sites.reserve(sums.sites.size());
    const auto order = ranked(sums.sites, [](const SiteSum &site) {
        return std::tuple(site.wait.sum_ns, site.abandoned_ns, site.region.sum_ns, site.attempts.all());
    });
    std::map<std::uint32_t, SharedFrames> frames_of; // by stack
    for (const std::size_t number : order) {
        const SiteSum &sum = sums.sites[number];
        SiteReport site = site_report(sum);
        site.lock = lock_places[sum.lock];
        const auto [frames, added] = frames_of.try_emplace(sum.stack);
        if (added) {
            frames->second = stacks.frames(sum.stack, symbolizer);
        }
        site.frames = frames->second;
        places[number] = report.sites.size();
        report.sites.push_back(std::move(site));
    }
    return places;
}

void add_blame(const Sums &sums, const std::vector<std::size_t> &site_places, Report &report) {
    const std::vector<BlameSum> blame = sums.blame();
    for (const std::size_t number :
         ranked(blame, [](const BlameSum &sum) { return std::tuple(sum.wait_ns, sum.waits); })) {
        const BlameSum &sum = blame[number];
        const std::size_t waiter = site_places[sum.waiter];
        const auto holder = sum.holder ? std::optional(site_places[*sum.holder]) : std::nullopt;
        report.blame.push_back({report.sites[waiter].lock, waiter, holder, sum.waits, sum.wait_ns});
    }
}

/// Adds the processes in their order; returns the place of each in it.
std::vector<std::size_t> add_processes(const Sums &sums, Report &report) {
    std::vector<std::size_t> places(sums.processes.size());
    report.processes.reserve(sums.processes.size());
    const auto order = ranked(sums.processes, [](const ProcessSum &sum) {
        return std::tuple(sum.process.wait.sum_ns, sum.region.sum_ns, sum.process.attempts);
    });
    for (const std::size_t number : order) {
        places[number] = report.processes.size();
        report.processes.push_back(process_report(sums.processes[number]));
    }
    return places;
}

std::uint64_t span_ns(std::int64_t from_ns, std::int64_t to_ns) {
    return to_ns > from_ns ? static_cast<std::uint64_t>(to_ns - from_ns) : 0;
}

/// Keeps the names in their order, each once.
void add_name(const std::string &name, std::vector<std::string> *names) {
    const auto place = std::ranges::lower_bound(*names, name);
    if (place == names->end() || *place != name) {
        names->insert(place, name);
    }
}

/// Adds the facts of one more run. A process that replaced itself by exec has several records and is one
/// process.
void add_run(const Run &run, bool first, RunReport &report) {
    if (first) {
        report.directory = run.directory;
        report.command = run.command;
        report.started_at_ns = run.started_at_ns;
        report.host = run.host;
        report.clock = run.clock;
        report.complete = true;
    }
    add_name(run.host, &report.hosts);
    report.started_at_ns = std::min(report.started_at_ns, run.started_at_ns);
    report.threads += run.threads;
    report.damaged += run.damaged;
    report.probe = report.probe && !run.probe_off;
    report.stacks = report.stacks && !run.stacks_off;
    report.clock_estimated = report.clock_estimated || run.clock_estimated;
    if (report.unread_python.empty()) {
        report.unread_python = unread_python(run);
    }
    const Endings endings(run);
    for (std::uint32_t i = 0; i < run.processes.size(); ++i) {
        const Process &process = run.processes[i];
        report.process_time_ns =
            saturating_add(report.process_time_ns, span_ns(process.attached_at_ns, process.ended_at_ns));
        report.processes += process.ending == Ending::execed && endings.exec_successor(i) != no_index ? 0 : 1;
        report.running += process.ending == Ending::running ? 1 : 0;
        report.complete =
            report.complete && process.ending != Ending::running && process.ending != Ending::unknown;
    }
}

void add_lost(const Run &run, record::Lost &lost) {
    lost.events = saturating_add(lost.events, run.lost.events);
    lost.processes = saturating_add(lost.processes, run.lost.processes);
    lost.locks = saturating_add(lost.locks, run.lost.locks);
    lost.stacks = saturating_add(lost.stacks, run.lost.stacks);
    lost.calls = saturating_add(lost.calls, saturating_add(run.lost.calls, run.damaged));
    lost.orders = saturating_add(lost.orders, run.lost.orders);
}

void add_unattributed(const Sums &sums, Report &report) {
    for (std::size_t family = 0; family < record::family_count; ++family) {
        const UnattributedSum &sum = sums.unattributed[family];
        report.unattributed[family] = {sum.attempts.all(), sum.unlocks, sum.tests, named(sum.errors)};
    }
}

void add_waiting(const Sums &sums, const std::vector<std::size_t> &lock_places, Report &report) {
    for (const WaitingSum &blocked : sums.waiting) {
        const auto lock = blocked.lock ? std::optional(lock_places[*blocked.lock]) : std::nullopt;
        report.waiting.push_back(
            {lock, blocked.pid, blocked.thread, blocked.mode, blocked.wait_ns, blocked.alive});
    }
}

void add_counters(Sums &sums, Report &report) {
    report.counters = {{"filelock.enter", full_stat(sums.enter.sum())},
                       {"filelock.region", full_stat(sums.region.sum())},
                       {"filelock.exit", full_stat(sums.exit.sum())}};
    report.concurrency["filelock.enter"] = sums.contended;
    for (const auto &[name, counter] : sums.wait_counters) {
        if (report.counters.try_emplace(name, full_stat(counter.waits))
                .second) { // a program may call its own so
            report.concurrency[name] = counter.concurrency;
        }
    }
}

} // namespace

void Analysis::add(const Run &run) {
    stacks_.add(run);
    sums_.add(run, runs_);
    add_run(run, runs_ == 0, report_.run);
    const std::uint64_t id = run.run_id != 0 ? run.run_id : runs_;
    const auto [span, added] = spans_.try_emplace(id, run.started_at_ns, run.finished_at_ns);
    span->second = {std::min(span->second.first, run.started_at_ns),
                    std::max(span->second.second, run.finished_at_ns)};
    add_lost(run, report_.lost);
    report_.windows.insert(report_.windows.end(), run.windows.begin(), run.windows.end());
    ++runs_;
}

void Analysis::add_elsewhere(const std::string &host) { add_name(host, &report_.run.elsewhere); }

Report Analysis::report(Symbolizer *symbolizer) {
    Report report = std::move(report_);
    report.run.complete = report.run.complete && report.run.elsewhere.empty();
    report.run.runs = spans_.size();
    for (const auto &[id, span] : spans_) {
        report.run.duration_ns = saturating_add(report.run.duration_ns, span_ns(span.first, span.second));
    }
    sums_.hosts = report.run.hosts;
    if (symbolizer != nullptr) {
        symbolizer->look_up(stacks_.places());
    }
    const std::vector<std::size_t> lock_places = add_locks(sums_, report);
    const std::vector<std::size_t> site_places = add_sites(sums_, stacks_, lock_places, symbolizer, report);
    add_blame(sums_, site_places, report);
    const std::vector<std::size_t> process_places = add_processes(sums_, report);
    add_site_processes(sums_, site_places, process_places, report);
    const ReportPlaces places{lock_places, site_places, process_places};
    for (std::size_t i = 0; i < sums_.locks.size(); ++i) {
        report.locks[lock_places[i]].fairness = fairness_report(sums_.locks[i].fairness, places);
    }
    add_order_findings(sums_, places, report);
    add_groups(sums_, places, report);
    add_fairness_findings(report);
    add_timeline(sums_, lock_places, site_places, process_places, report);
    add_waiting(sums_, lock_places, report);
    add_unattributed(sums_, report);
    add_counters(sums_, report);
    std::ranges::stable_sort(report.windows, {}, &Window::start_at_ns);
    return report;
}

Report analyze(std::span<const Run> runs, Symbolizer *symbolizer, Timeline timeline) {
    Analysis analysis(timeline);
    for (const Run &run : runs) {
        analysis.add(run);
    }
    return analysis.report(symbolizer);
}

} // namespace flockstat::reporter
