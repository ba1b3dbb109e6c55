#include "reporter/write/html_extras.h"

#include "reporter/write/short_stack.h"
#include "reporter/write/words.h"

namespace flockstat::reporter {
namespace {

Json run_extras(const RunReport &run) {
    return {{"runs", run.runs},       {"process_time_ns", run.process_time_ns},
            {"running", run.running}, {"damaged", run.damaged},
            {"stacks", run.stacks},   {"clock_estimated", run.clock_estimated}};
}

Json pairs_of(const std::vector<ValueCount> &values) {
    Json pairs = Json::array();
    for (const ValueCount &value : values) {
        pairs.push_back(Json::array({value.value_ns, value.count}));
    }
    return pairs;
}

Json distribution_object(const Distribution &distribution) {
    return {{"shared", pairs_of(distribution.shared)}, {"exclusive", pairs_of(distribution.exclusive)}};
}

Json group_object(const LockGroup &group) {
    return {{"locks", group.locks},
            {"sum", group.locks.size() == 1 ? Json(nullptr) : lock_object(group.sum)},
            {"wait", distribution_object(group.wait)},
            {"region", distribution_object(group.region)}};
}

Json waiting_object(const WaitingReport &waiting) {
    return {{"lock", waiting.lock ? Json(*waiting.lock) : Json(nullptr)},
            {"pid", waiting.pid},
            {"thread", waiting.thread},
            {"mode", mode_word(waiting.mode)},
            {"wait_ns", waiting.wait_ns},
            {"alive", waiting.alive}};
}

std::int64_t place_or_none(const std::optional<std::size_t> &place) {
    return place ? static_cast<std::int64_t>(*place) : -1;
}

Json timeline_object(const std::vector<TimelineBar> &bars) {
    const std::int64_t from_ns = bars.empty() ? 0 : bars.front().start_at_ns;
    const auto column = [&](auto fact) {
        std::vector<std::int64_t> facts;
        facts.reserve(bars.size());
        for (const TimelineBar &bar : bars) {
            facts.push_back(static_cast<std::int64_t>(fact(bar)));
        }
        return facts;
    };
    return {{"from", from_ns},
            {"kind", column([](const TimelineBar &bar) { return bar.kind; })},
            {"exclusive", column([](const TimelineBar &bar) { return bar.mode == Mode::exclusive; })},
            {"start", column([&](const TimelineBar &bar) { return bar.start_at_ns - from_ns; })},
            {"length", column([](const TimelineBar &bar) { return bar.end_at_ns - bar.start_at_ns; })},
            {"lock", column([](const TimelineBar &bar) { return bar.lock; })},
            {"site", column([](const TimelineBar &bar) { return place_or_none(bar.site); })},
            {"process", column([](const TimelineBar &bar) { return place_or_none(bar.process); })},
            {"thread", column([](const TimelineBar &bar) { return bar.thread; })},
            {"blocker", column([](const TimelineBar &bar) { return place_or_none(bar.blocker); })}};
}

} // namespace

Json extras_object(const Report &report) {
    Json groups = Json::array();
    for (const LockGroup &group : report.groups) {
        groups.push_back(group_object(group));
    }
    Json labels = Json::array();
    Json abandoned = Json::array();
    for (const SiteReport &site : report.sites) {
        labels.push_back(short_stack(site.frames, true));
        abandoned.push_back(site.abandoned);
    }
    Json waiting = Json::array();
    for (const WaitingReport &blocked : report.waiting) {
        waiting.push_back(waiting_object(blocked));
    }
    return {{"run", run_extras(report.run)}, {"groups", std::move(groups)},
            {"labels", std::move(labels)},   {"abandoned", std::move(abandoned)},
            {"waiting", std::move(waiting)}, {"timeline", timeline_object(report.timeline)}};
}

} // namespace flockstat::reporter
