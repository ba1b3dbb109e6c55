#include "reporter/write/live_json.h"

#include "reporter/write/json_parts.h"
#include "reporter/write/printable.h"
#include "reporter/write/words.h"

namespace flockstat::reporter {
namespace {

Json text_array(const std::vector<std::string> &texts) {
    Json json = Json::array();
    for (const std::string &text : texts) {
        json.push_back(valid_utf8(text));
    }
    return json;
}

Json site_array(const LiveRun &live, std::uint32_t stack) {
    Json frames = Json::array();
    if (stack < live.sites.size()) {
        for (const SourceFrame &frame : live.sites[stack]) {
            frames.push_back(frame_object(frame));
        }
    }
    return frames;
}

/// What is known of whoever holds or wants a lock; path and family are null for a file that was not looked at
/// yet.
Json party_object(const LiveRun &live, std::uint32_t lock, std::uint32_t process, std::int32_t thread,
                  Mode mode) {
    const Process &its = live.run.processes[process];
    const bool known = lock != no_index;
    return {{"path", known ? Json(valid_utf8(live.run.locks[lock].path)) : Json(nullptr)},
            {"family", known ? Json(family_word(live.run.locks[lock].family)) : Json(nullptr)},
            {"mode", mode == Mode::exclusive ? "exclusive" : "shared"},
            {"pid", its.pid},
            {"thread", thread != 0 ? Json(thread) : Json(nullptr)},
            {"command", text_array(its.command)}};
}

Json held_object(const LiveRun &live, const HeldLock &held) {
    Json json = party_object(live, held.lock, held.process, held.thread, held.mode);
    json["held_ns"] = held.held_ns;
    json["range"] = {held.range_start, held.range_end};
    json["frames"] = site_array(live, held.stack);
    return json;
}

Json wanted_object(const LiveRun &live, const WantedLock &wanted) {
    Json json = party_object(live, wanted.lock, wanted.process, wanted.thread, wanted.mode);
    json["polling"] = wanted.polling;
    json["wait_ns"] = wanted.wait_ns;
    json["behind"] = wanted.behind;
    json["deadlocked"] = wanted.deadlocked;
    json["frames"] = site_array(live, wanted.stack);
    return json;
}

Json outside_object(const LiveRun &live, const OutsideHolder &holder) {
    return {{"path", valid_utf8(live.run.locks[holder.lock].path)},
            {"family", family_word(live.run.locks[holder.lock].family)},
            {"mode", holder.mode == Mode::exclusive ? "exclusive" : "shared"},
            {"pid", holder.pid},
            {"command", text_array(holder.command)},
            {"range", {holder.range_start, holder.range_end}}};
}

Json run_object(const LiveRun &live) {
    Json outside = Json::array();
    for (const OutsideHolder &holder : live.outside) {
        outside.push_back(outside_object(live, holder));
    }
    Json held = Json::array();
    Json waiting = Json::array();
    for (const HeldLock &lock : live.locks.held) {
        held.push_back(held_object(live, lock));
    }
    for (const WantedLock &lock : live.locks.wanted) {
        waiting.push_back(wanted_object(live, lock));
    }
    return {{"directory", valid_utf8(live.run.directory)},
            {"command", text_array(live.run.command)},
            {"pid", live.run.first_pid},
            {"held", std::move(held)},
            {"waiting", std::move(waiting)},
            {"outside", std::move(outside)}};
}

} // namespace

std::string live_json(std::span<const LiveRun> runs) {
    Json all = Json::array();
    for (const LiveRun &live : runs) {
        all.push_back(run_object(live));
    }
    return Json{{"schema", "flockstat.ps/1"}, {"runs", std::move(all)}}.dump(1) + "\n";
}

} // namespace flockstat::reporter
