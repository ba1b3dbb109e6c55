#include "reporter/write/json.h"

#include "reporter/analyze/process_groups.h"
#include "reporter/write/json_parts.h"
#include "reporter/write/moment.h"
#include "reporter/write/printable.h"
#include "reporter/write/words.h"

#include <algorithm>
#include <array>
#include <concepts>
#include <fmt/format.h>

namespace flockstat::reporter {
namespace {

void short_members(JsonStream &json, const Stat &stat) {
    json.member("count", stat.count);
    json.member("sum_ns", stat.sum_ns);
    json.member("mean_ns", stat.mean_ns);
    json.member("min_ns", stat.min_ns);
    json.member("max_ns", stat.max_ns);
    json.member("value_ns", stat.value_ns);
}

void put_short(JsonStream &json, std::string_view name, const Stat &stat) {
    json.key(name);
    json.begin_object();
    short_members(json, stat);
    json.end_object();
}

void put_stat(JsonStream &json, std::string_view name, const Stat &stat) {
    json.key(name);
    json.begin_object();
    short_members(json, stat);
    json.member("p50_ns", stat.p50_ns);
    json.member("p90_ns", stat.p90_ns);
    json.member("p99_ns", stat.p99_ns);
    json.end_object();
}

// What put_array finds.
void put(JsonStream &json, const HolderReport &holder);
void put(JsonStream &json, const OutsideHolderReport &holder);
void put(JsonStream &json, const LockShare &share);
void put(JsonStream &json, const SiteReport &site);
void put(JsonStream &json, const ProcessReport &process);
void put(JsonStream &json, const GroupLock &share);
void put(JsonStream &json, const BlameReport &blame);
void put(JsonStream &json, const FindingReport &finding);
void put(JsonStream &json, const Window &window);

template<typename Item>
void put_array(JsonStream &json, std::string_view name, const std::vector<Item> &items) {
    json.key(name);
    json.begin_array();
    for (const Item &item : items) {
        put(json, item);
    }
    json.end_array();
}

Json text_array(const std::vector<std::string> &texts) {
    Json json = Json::array();
    for (const std::string &text : texts) {
        json.push_back(valid_utf8(text));
    }
    return json;
}

Json error_object(const ErrorCounts &errors) {
    Json json = Json::object();
    for (const auto &[name, count] : errors) {
        json[name] = count;
    }
    return json;
}

Json unattributed_object(const Report &report) {
    Json json = Json::object();
    for (std::size_t family = 0; family < record::family_count; ++family) {
        const UnattributedReport &calls = report.unattributed[family];
        json[family_word(static_cast<Family>(family))] = {{"attempts", calls.attempts},
                                                          {"unlocks", calls.unlocks},
                                                          {"tests", calls.tests},
                                                          {"errors", error_object(calls.errors)}};
    }
    return json;
}

void concurrency_members(JsonStream &json, const Concurrency &concurrency) {
    json.member("active", concurrency.active);
    json.member("max_active", concurrency.max_active);
    json.member("busy_ns", concurrency.busy_ns);
}

void put_counters(JsonStream &json, const Report &report) {
    json.key("counters");
    json.begin_object();
    // The three of every run in the order in which a call meets them; then what else there is.
    constexpr std::array<std::string_view, 3> first = {"filelock.enter", "filelock.region", "filelock.exit"};
    for (const std::string_view name : first) {
        const auto found = report.counters.find(std::string(name));
        put_stat(json, name, found == report.counters.end() ? Stat{} : found->second);
    }
    for (const auto &[name, stat] : report.counters) {
        if (std::ranges::find(first, name) == first.end()) {
            put_stat(json, name, stat);
        }
    }
    json.end_object();
}

void put_concurrencies(JsonStream &json, const Report &report) {
    json.key("concurrency");
    json.begin_object();
    for (const auto &[name, concurrency] : report.concurrency) {
        json.key(name);
        json.begin_object();
        concurrency_members(json, concurrency);
        json.end_object();
    }
    json.end_object();
}

void put_released(JsonStream &json, const ReleaseCounts &released) {
    json.key("released");
    json.begin_object();
    json.member("unlock", released.unlock);
    json.member("close", released.close);
    json.member("exit", released.exit);
    json.member("exec", released.exec);
    json.member("converted", released.converted);
    json.member("still_held", released.still_held);
    json.member("unknown", released.unknown);
    json.end_object();
}

void put_mode(JsonStream &json, std::string_view name, const ModeReport &mode) {
    json.key(name);
    json.begin_object();
    put_stat(json, "enter", mode.enter);
    put_stat(json, "region", mode.region);
    json.end_object();
}

void put(JsonStream &json, const HolderReport &holder) {
    json.begin_object();
    json.member("pid", holder.pid);
    put_texts(json, "command", holder.command);
    json.member("mode", mode_word(holder.mode));
    json.member("held_ns", holder.held_ns);
    json.end_object();
}

void put(JsonStream &json, const OutsideHolderReport &holder) {
    json.begin_object();
    json.member("pid", holder.pid);
    json.member("processes", holder.processes);
    put_texts(json, "command", holder.command);
    json.member("mode", mode_word(holder.mode));
    json.member("seen_ns", holder.seen_ns);
    json.end_object();
}

Json overtaken_object(const OvertakenReport &overtaken) {
    return {{"wait_ns", overtaken.wait_ns},
            {"times", overtaken.times},
            {"behind_shared_ns", overtaken.behind_shared_ns},
            {"mode", mode_word(overtaken.mode)},
            {"site", overtaken.site},
            {"process", overtaken.process ? Json(*overtaken.process) : Json(nullptr)}};
}

void put(JsonStream &json, const LockShare &share) {
    json.begin_object();
    json.member("process", share.process);
    json.member("waits", share.waits);
    json.member("wait_ns", share.wait_ns);
    json.member("holds", share.holds);
    json.member("hold_ns", share.hold_ns);
    json.end_object();
}

void put_fairness(JsonStream &json, const FairnessReport &fairness) {
    json.key("fairness");
    json.begin_object();
    json.member("longest_queue", fairness.longest_queue);
    json.member("queued_ns", fairness.queued_ns);
    json.key("handover");
    json.begin_object();
    put_short(json, "blocked", fairness.blocked);
    put_short(json, "polling", fairness.polling);
    json.end_object();
    json.member("readers_kept_writers_ns", fairness.readers_kept_writers_ns);
    json.member("writers_kept_readers_ns", fairness.writers_kept_readers_ns);
    json.member("overtaken", fairness.overtaken ? overtaken_object(*fairness.overtaken) : Json(nullptr));
    put_array(json, "processes", fairness.processes);
    json.end_object();
}

/// Calls `member` with each name and value.
template<typename Member>
void frame_members(const SourceFrame &frame, Member member) {
    member("function", frame.function);
    member("file", frame.file);
    member("line", frame.line);
    member("module", frame.module);
    member("offset", frame.offset);
    member("language", frame.language.empty() ? std::nullopt : std::optional(frame.language));
}

} // namespace

void put(JsonStream &json, const LockReport &lock) {
    json.begin_object();
    json.member("path", lock.path);
    json.member("name", lock.name());
    json.member("source", lock.source.empty() ? std::nullopt : std::optional(lock.source));
    put_texts(json, "hosts", lock.hosts == nullptr ? std::vector<std::string>() : *lock.hosts);
    json.member("device", fmt::format("{}:{}", lock.device_major, lock.device_minor));
    json.member("inode", lock.inode);
    json.member("filesystem", lock.filesystem);
    json.member("family", family_word(lock.family));
    json.member("attempts", lock.attempts);
    json.member("granted", lock.granted);
    json.member("refused", lock.refused);
    json.member("interrupted", lock.interrupted);
    json.member("deadlocked", lock.deadlocked);
    json.member("failed", lock.failed);
    json.member("tests", lock.tests);
    json.member("unlocks", lock.unlocks);
    json.member("acquisitions", lock.acquisitions);
    json.member("contended", lock.contended);
    json.member("polled", lock.polled);
    json.member("abandoned", lock.abandoned);
    json.member("abandoned_ns", lock.abandoned_ns);
    json.member("errors", error_object(lock.errors));
    put_released(json, lock.released);
    json.member("held_open_ns", lock.held_open_ns);
    put_array(json, "held_by", lock.held_by);
    put_array(json, "held_outside", lock.held_outside);
    put_mode(json, "shared", lock.shared);
    put_mode(json, "exclusive", lock.exclusive);
    put_stat(json, "enter", lock.enter);
    put_stat(json, "region", lock.region);
    put_stat(json, "exit", lock.exit);
    put_stat(json, "wait", lock.wait);
    put_stat(json, "overshoot", lock.overshoot);
    put_fairness(json, lock.fairness);
    json.end_object();
}

Json frame_object(const SourceFrame &frame) {
    Json json = Json::object();
    frame_members(frame, [&](const char *name, const auto &value) {
        if constexpr (requires { value.has_value(); }) {
            json[name] = value ? Json(*value) : Json(nullptr);
        } else if constexpr (std::convertible_to<decltype(value), std::string_view>) {
            json[name] = valid_utf8(value);
        } else {
            json[name] = value;
        }
    });
    return json;
}

void put(JsonStream &json, const SourceFrame &frame) {
    json.begin_object();
    frame_members(frame, [&](const char *name, const auto &value) { json.member(name, value); });
    json.end_object();
}

void put_texts(JsonStream &json, std::string_view name, const std::vector<std::string> &texts) {
    json.key(name);
    json.begin_array();
    for (const std::string &text : texts) {
        json.value(text);
    }
    json.end_array();
}

namespace {

void put(JsonStream &json, const SiteReport &site) {
    json.begin_object();
    json.member("lock", site.lock);
    put_array(json, "frames", site.frames.all());
    json.member("acquisitions", site.acquisitions);
    json.member("contended", site.contended);
    put_stat(json, "enter", site.enter);
    put_stat(json, "region", site.region);
    put_stat(json, "wait", site.wait);
    json.end_object();
}

void put_wait_counters(JsonStream &json, const ProcessReport &process) {
    json.key("counters");
    json.begin_object();
    for (const auto &[name, counter] : process.wait_counters) {
        json.key(name);
        json.begin_object();
        short_members(json, counter.stat);
        concurrency_members(json, counter.concurrency);
        json.end_object();
    }
    json.end_object();
}

void put(JsonStream &json, const ProcessReport &process) {
    json.begin_object();
    json.member("host", process.origin->host);
    json.member("pid", process.pid);
    json.member("parent", process.parent);
    put_texts(json, "command", process.command);
    json.member("exe", process.executable);
    json.member("ended", ending_word(process.ending));
    json.member("status", process.status);
    json.member("attempts", process.attempts);
    json.member("unlocks", process.unlocks);
    put_short(json, "enter", process.enter);
    put_short(json, "region", process.region);
    put_short(json, "wait", process.wait);
    put_wait_counters(json, process);
    json.key("job");
    json.begin_object();
    for (const auto &[name, value] : process.origin->job) {
        json.member(valid_utf8(name), value);
    }
    json.end_object();
    json.end_object();
}

void put_sums(JsonStream &json, std::string_view name, const Stat &stat) {
    json.key(name);
    json.begin_object();
    json.member("count", stat.count);
    json.member("sum_ns", stat.sum_ns);
    json.member("mean_ns", stat.mean_ns);
    json.member("min_ns", stat.min_ns);
    json.member("max_ns", stat.max_ns);
    json.end_object();
}

void put(JsonStream &json, const GroupLock &share) {
    json.begin_object();
    json.member("lock", share.lock);
    json.member("waits", share.waits);
    json.member("wait_ns", share.wait_ns);
    json.member("holds", share.holds);
    json.member("hold_ns", share.hold_ns);
    json.end_object();
}

void put_groups(JsonStream &json, const ProcessGroups &grouped) {
    std::vector<std::string> names;
    for (const ProcessKey key : grouped.keys) {
        names.emplace_back(process_key_name(key));
    }
    put_texts(json, "by", names);
    json.key("groups");
    json.begin_array();
    for (const ProcessGroup &group : grouped.groups) {
        json.begin_object();
        json.key("values");
        json.begin_object();
        for (std::size_t i = 0; i < names.size(); ++i) {
            json.member(names[i], group.values[i].empty() ? std::nullopt : std::optional(group.values[i]));
        }
        json.end_object();
        json.member("processes", group.processes);
        json.member("attempts", group.attempts);
        json.member("unlocks", group.unlocks);
        put_sums(json, "enter", group.enter);
        put_sums(json, "region", group.region);
        put_sums(json, "wait", group.wait);
        put_array(json, "locks", group.locks);
        json.end_object();
    }
    json.end_array();
}

void put(JsonStream &json, const BlameReport &blame) {
    json.begin_object();
    json.member("lock", blame.lock);
    json.member("waiter", blame.waiter);
    json.member("holder", blame.holder);
    json.member("waits", blame.waits);
    json.member("wait_ns", blame.wait_ns);
    json.end_object();
}

Json finding_object(const FindingReport &finding) {
    return {{"kind", finding.kind},
            {"lock", finding.lock},
            {"message", valid_utf8(finding.message)},
            {"sites", finding.sites},
            {"count", finding.count}};
}

Json window_counter_object(const WindowCounter &counter) {
    Json json = {{"count", counter.count},
                 {"sum_ns", counter.sum_ns},
                 {"mean_ns", counter.count == 0 ? 0 : counter.sum_ns / counter.count}};
    if (counter.counter == "filelock.wait") {
        json["max_ns"] = counter.max_ns;
    }
    return json;
}

Json window_object(const Window &window) {
    Json locks = Json::array();
    Json counters = Json::object();
    std::map<std::pair<std::string, std::string>, std::size_t> places;
    for (const WindowCounter &counter : window.counters) {
        if (counter.family.empty()) {
            counters[valid_utf8(counter.counter)] = window_counter_object(counter);
            continue;
        }
        const auto [found, added] = places.try_emplace({counter.path, counter.family}, locks.size());
        if (added) {
            locks.push_back({{"path", valid_utf8(counter.path)}, {"family", valid_utf8(counter.family)}});
        }
        locks[found->second][valid_utf8(counter.counter)] = window_counter_object(counter);
    }
    return {{"start", rfc3339(window.start_at_ns)},
            {"duration_ns", window.duration_ns},
            {"processes", window.processes},
            {"waiting", window.waiting},
            {"locks", std::move(locks)},
            {"counters", std::move(counters)}};
}

void put(JsonStream &json, const FindingReport &finding) { json.value(finding_object(finding)); }

void put(JsonStream &json, const Window &window) { json.value(window_object(window)); }

} // namespace

Json run_object(const RunReport &run) {
    return {{"directory", valid_utf8(run.directory)},
            {"command", text_array(run.command)},
            {"started", rfc3339(run.started_at_ns)},
            {"duration_ns", run.duration_ns},
            {"host", valid_utf8(run.host)},
            {"hosts", text_array(run.hosts)},
            {"elsewhere", text_array(run.elsewhere)},
            {"clock", run.clock == record::Clock::tsc ? "tsc" : "monotonic"},
            {"processes", run.processes},
            {"threads", run.threads},
            {"complete", run.complete},
            {"probe", run.probe},
            {"unread_python", run.unread_python.empty() ? Json() : Json(run.unread_python)}};
}

Json lost_object(const record::Lost &lost) {
    return {{"events", lost.events}, {"processes", lost.processes}, {"locks", lost.locks},
            {"stacks", lost.stacks}, {"calls", lost.calls},         {"orders", lost.orders}};
}

void put(JsonStream &json, const Report &report) {
    json.begin_object();
    json.member("schema", "flockstat.report/1");
    json.member("run", run_object(report.run));
    json.member("lost", lost_object(report.lost));
    json.member("unattributed", unattributed_object(report));
    put_counters(json, report);
    put_array(json, "locks", report.locks);
    put_array(json, "sites", report.sites);
    put_array(json, "processes", report.processes);
    put_array(json, "blame", report.blame);
    put_array(json, "findings", report.findings);
    put_concurrencies(json, report);
    put_array(json, "windows", report.windows);
    put_groups(json, report.groups_of_processes);
    json.end_object();
}

void write_json(const Report &report, const TextSink &sink) {
    JsonStream json(sink, JsonStream::Layout::indented);
    put(json, report);
    json.finish();
    sink("\n");
}

std::string to_json(const Report &report) {
    return text_of([&](const TextSink &sink) { write_json(report, sink); });
}

} // namespace flockstat::reporter
