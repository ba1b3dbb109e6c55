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

void put_pairs(JsonStream &json, std::string_view name, const std::vector<ValueCount> &values) {
    json.key(name);
    json.begin_array();
    for (const ValueCount &value : values) {
        json.begin_array();
        json.value(value.value_ns);
        json.value(value.count);
        json.end_array();
    }
    json.end_array();
}

void put_distribution(JsonStream &json, std::string_view name, const Distribution &distribution) {
    json.key(name);
    json.begin_object();
    put_pairs(json, "shared", distribution.shared);
    put_pairs(json, "exclusive", distribution.exclusive);
    json.end_object();
}

void put_group(JsonStream &json, const LockGroup &group) {
    json.begin_object();
    json.member("locks", Json(group.locks));
    json.key("sum");
    if (group.locks.size() == 1) {
        json.value(nullptr);
    } else {
        put(json, group.sum);
    }
    put_distribution(json, "wait", group.wait);
    put_distribution(json, "region", group.region);
    json.end_object();
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

void put_timeline(JsonStream &json, const std::vector<TimelineBar> &bars) {
    const std::int64_t from_ns = bars.empty() ? 0 : bars.front().start_at_ns;
    const auto column = [&](std::string_view name, auto fact) {
        json.key(name);
        json.begin_array();
        for (const TimelineBar &bar : bars) {
            json.value(static_cast<std::int64_t>(fact(bar)));
        }
        json.end_array();
    };
    json.key("timeline");
    json.begin_object();
    json.member("from", from_ns);
    column("kind", [](const TimelineBar &bar) { return bar.kind; });
    column("exclusive", [](const TimelineBar &bar) { return bar.mode == Mode::exclusive; });
    column("start", [&](const TimelineBar &bar) { return bar.start_at_ns - from_ns; });
    column("length", [](const TimelineBar &bar) { return bar.end_at_ns - bar.start_at_ns; });
    column("lock", [](const TimelineBar &bar) { return bar.lock; });
    column("site", [](const TimelineBar &bar) { return place_or_none(bar.site); });
    column("process", [](const TimelineBar &bar) { return place_or_none(bar.process); });
    column("thread", [](const TimelineBar &bar) { return bar.thread; });
    column("blocker", [](const TimelineBar &bar) { return place_or_none(bar.blocker); });
    json.end_object();
}

template<typename Item, typename PutItem>
void put_list(JsonStream &json, std::string_view name, const std::vector<Item> &items, PutItem put_item) {
    json.key(name);
    json.begin_array();
    for (const Item &item : items) {
        put_item(item);
    }
    json.end_array();
}

} // namespace

void put_extras(JsonStream &json, const Report &report) {
    json.begin_object();
    json.member("run", run_extras(report.run));
    put_list(json, "groups", report.groups, [&](const LockGroup &group) { put_group(json, group); });
    put_list(json, "labels", report.sites,
             [&](const SiteReport &site) { json.value(short_stack(site.frames.all(), true)); });
    put_list(json, "abandoned", report.sites, [&](const SiteReport &site) { json.value(site.abandoned); });
    put_list(json, "waiting", report.waiting,
             [&](const WaitingReport &blocked) { json.value(waiting_object(blocked)); });
    put_timeline(json, report.timeline);
    json.end_object();
}

} // namespace flockstat::reporter
