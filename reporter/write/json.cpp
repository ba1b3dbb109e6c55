#include "reporter/write/json.h"

#include "reporter/write/json_parts.h"
#include "reporter/write/moment.h"
#include "reporter/write/printable.h"
#include "reporter/write/words.h"

#include <fmt/format.h>

namespace flockstat::reporter {
namespace {

Json short_stat(const Stat &stat) {
    return {{"count", stat.count},   {"sum_ns", stat.sum_ns}, {"mean_ns", stat.mean_ns},
            {"min_ns", stat.min_ns}, {"max_ns", stat.max_ns}, {"value_ns", stat.value_ns}};
}

Json full_stat(const Stat &stat) {
    Json json = short_stat(stat);
    json["p50_ns"] = stat.p50_ns;
    json["p90_ns"] = stat.p90_ns;
    json["p99_ns"] = stat.p99_ns;
    return json;
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

Json concurrency_object(const Concurrency &concurrency) {
    return {{"active", concurrency.active},
            {"max_active", concurrency.max_active},
            {"busy_ns", concurrency.busy_ns}};
}

Json counters_object(const Report &report) {
    Json json = Json::object();
    // The three of every run in the order in which a call meets them; then what else there is.
    for (const char *name : {"filelock.enter", "filelock.region", "filelock.exit"}) {
        const auto found = report.counters.find(name);
        json[name] = full_stat(found == report.counters.end() ? Stat{} : found->second);
    }
    for (const auto &[name, stat] : report.counters) {
        json[valid_utf8(name)] = full_stat(stat);
    }
    return json;
}

template<typename Item>
Json array_of(const std::vector<Item> &items, Json (*object)(const Item &)) {
    Json json = Json::array();
    for (const Item &item : items) {
        json.push_back(object(item));
    }
    return json;
}

Json concurrencies_object(const Report &report) {
    Json json = Json::object();
    for (const auto &[name, concurrency] : report.concurrency) {
        json[valid_utf8(name)] = concurrency_object(concurrency);
    }
    return json;
}

Json released_object(const ReleaseCounts &released) {
    return {{"unlock", released.unlock},       {"close", released.close},
            {"exit", released.exit},           {"exec", released.exec},
            {"converted", released.converted}, {"still_held", released.still_held},
            {"unknown", released.unknown}};
}

Json mode_object(const ModeReport &mode) {
    return {{"enter", full_stat(mode.enter)}, {"region", full_stat(mode.region)}};
}

Json holder_object(const HolderReport &holder) {
    return {{"pid", holder.pid},
            {"command", text_array(holder.command)},
            {"mode", mode_word(holder.mode)},
            {"held_ns", holder.held_ns}};
}

Json overtaken_object(const OvertakenReport &overtaken) {
    return {{"wait_ns", overtaken.wait_ns},
            {"times", overtaken.times},
            {"behind_shared_ns", overtaken.behind_shared_ns},
            {"mode", mode_word(overtaken.mode)},
            {"site", overtaken.site},
            {"process", overtaken.process ? Json(*overtaken.process) : Json(nullptr)}};
}

Json fairness_object(const FairnessReport &fairness) {
    Json processes = Json::array();
    for (const LockShare &share : fairness.processes) {
        processes.push_back({{"process", share.process},
                             {"waits", share.waits},
                             {"wait_ns", share.wait_ns},
                             {"holds", share.holds},
                             {"hold_ns", share.hold_ns}});
    }
    return {
        {"longest_queue", fairness.longest_queue},
        {"queued_ns", fairness.queued_ns},
        {"handover", {{"blocked", short_stat(fairness.blocked)}, {"polling", short_stat(fairness.polling)}}},
        {"readers_kept_writers_ns", fairness.readers_kept_writers_ns},
        {"writers_kept_readers_ns", fairness.writers_kept_readers_ns},
        {"overtaken", fairness.overtaken ? overtaken_object(*fairness.overtaken) : Json(nullptr)},
        {"processes", std::move(processes)}};
}

} // namespace

Json lock_object(const LockReport &lock) {
    return {{"path", valid_utf8(lock.path)},
            {"device", fmt::format("{}:{}", lock.device_major, lock.device_minor)},
            {"inode", lock.inode},
            {"filesystem", lock.filesystem},
            {"family", family_word(lock.family)},
            {"attempts", lock.attempts},
            {"granted", lock.granted},
            {"refused", lock.refused},
            {"interrupted", lock.interrupted},
            {"deadlocked", lock.deadlocked},
            {"failed", lock.failed},
            {"tests", lock.tests},
            {"unlocks", lock.unlocks},
            {"acquisitions", lock.acquisitions},
            {"contended", lock.contended},
            {"polled", lock.polled},
            {"abandoned", lock.abandoned},
            {"abandoned_ns", lock.abandoned_ns},
            {"errors", error_object(lock.errors)},
            {"released", released_object(lock.released)},
            {"held_open_ns", lock.held_open_ns},
            {"held_by", array_of(lock.held_by, holder_object)},
            {"shared", mode_object(lock.shared)},
            {"exclusive", mode_object(lock.exclusive)},
            {"enter", full_stat(lock.enter)},
            {"region", full_stat(lock.region)},
            {"exit", full_stat(lock.exit)},
            {"wait", full_stat(lock.wait)},
            {"overshoot", full_stat(lock.overshoot)},
            {"fairness", fairness_object(lock.fairness)}};
}

Json frame_object(const SourceFrame &frame) {
    return {{"function", valid_utf8(frame.function)},
            {"file", valid_utf8(frame.file)},
            {"line", frame.line},
            {"module", valid_utf8(frame.module)},
            {"offset", frame.offset},
            {"language", frame.language.empty() ? Json(nullptr) : Json(frame.language)}};
}

namespace {

Json site_object(const SiteReport &site) {
    Json frames = Json::array();
    for (const SourceFrame &frame : site.frames) {
        frames.push_back(frame_object(frame));
    }
    return {
        {"lock", site.lock},           {"frames", std::move(frames)},    {"acquisitions", site.acquisitions},
        {"contended", site.contended}, {"enter", full_stat(site.enter)}, {"region", full_stat(site.region)},
        {"wait", full_stat(site.wait)}};
}

Json ending_value(Ending ending) {
    const auto word = ending_word(ending);
    return word ? Json(*word) : Json(nullptr);
}

Json wait_counters_object(const ProcessReport &process) {
    Json json = Json::object();
    for (const auto &[name, counter] : process.wait_counters) {
        Json stat = short_stat(counter.stat);
        stat.update(concurrency_object(counter.concurrency));
        json[valid_utf8(name)] = std::move(stat);
    }
    return json;
}

Json process_object(const ProcessReport &process) {
    return {{"pid", process.pid},
            {"parent", process.parent},
            {"command", text_array(process.command)},
            {"exe", valid_utf8(process.executable)},
            {"ended", ending_value(process.ending)},
            {"status", process.status ? Json(*process.status) : Json(nullptr)},
            {"attempts", process.attempts},
            {"unlocks", process.unlocks},
            {"enter", short_stat(process.enter)},
            {"region", short_stat(process.region)},
            {"wait", short_stat(process.wait)},
            {"counters", wait_counters_object(process)}};
}

Json blame_object(const BlameReport &blame) {
    return {{"lock", blame.lock},
            {"waiter", blame.waiter},
            {"holder", blame.holder ? Json(*blame.holder) : Json(nullptr)},
            {"waits", blame.waits},
            {"wait_ns", blame.wait_ns}};
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

} // namespace

Json run_object(const RunReport &run) {
    return {{"directory", valid_utf8(run.directory)},
            {"command", text_array(run.command)},
            {"started", rfc3339(run.started_at_ns)},
            {"duration_ns", run.duration_ns},
            {"host", valid_utf8(run.host)},
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

Json report_object(const Report &report) {
    return {{"schema", "flockstat.report/1"},
            {"run", run_object(report.run)},
            {"lost", lost_object(report.lost)},
            {"unattributed", unattributed_object(report)},
            {"counters", counters_object(report)},
            {"locks", array_of(report.locks, lock_object)},
            {"sites", array_of(report.sites, site_object)},
            {"processes", array_of(report.processes, process_object)},
            {"blame", array_of(report.blame, blame_object)},
            {"findings", array_of(report.findings, finding_object)},
            {"concurrency", concurrencies_object(report)},
            {"windows", array_of(report.windows, window_object)}};
}

std::string to_json(const Report &report) { return report_object(report).dump(1) + "\n"; }

} // namespace flockstat::reporter
