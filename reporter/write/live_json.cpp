#include "reporter/write/live_json.h"

#include "reporter/write/json_parts.h"
#include "reporter/write/words.h"

namespace flockstat::reporter {
namespace {

template<typename Holder>
void put_range(JsonStream &json, const Holder &holder) {
    json.key("range");
    json.begin_array();
    json.value(holder.range_start);
    json.value(holder.range_end);
    json.end_array();
}

void put_frames(JsonStream &json, const LiveRun &live, std::uint32_t stack) {
    json.key("frames");
    json.begin_array();
    if (stack < live.sites.size()) {
        for (const SourceFrame &frame : live.sites[stack]) {
            put(json, frame);
        }
    }
    json.end_array();
}

/// What is known of whoever holds or wants a lock; path and family are null for a file that was not looked at
/// yet.
template<typename Party>
void party_members(JsonStream &json, const LiveRun &live, const Party &party) {
    const Process &process = live.run.processes[party.process];
    if (party.lock != no_index) {
        json.member("path", live.run.locks[party.lock].path);
        json.member("family", family_word(live.run.locks[party.lock].family));
    } else {
        json.member("path", nullptr);
        json.member("family", nullptr);
    }
    json.member("mode", mode_word(party.mode));
    json.member("pid", process.pid);
    json.member("thread", party.thread != 0 ? std::optional(party.thread) : std::nullopt);
    put_texts(json, "command", process.command);
}

void put(JsonStream &json, const LiveRun &live, const HeldLock &held) {
    json.begin_object();
    party_members(json, live, held);
    json.member("held_ns", held.held_ns);
    put_range(json, held);
    put_frames(json, live, held.stack);
    json.end_object();
}

void put(JsonStream &json, const LiveRun &live, const WantedLock &wanted) {
    json.begin_object();
    party_members(json, live, wanted);
    json.member("polling", wanted.polling);
    json.member("wait_ns", wanted.wait_ns);
    put_range(json, wanted);
    json.key("behind");
    json.begin_array();
    for (const std::size_t place : wanted.behind) {
        json.value(place);
    }
    json.end_array();
    json.member("deadlocked", wanted.deadlocked);
    put_frames(json, live, wanted.stack);
    json.end_object();
}

void put(JsonStream &json, const LiveRun &live, const OutsideHolder &holder) {
    const Lock &lock = live.run.locks[holder.lock];
    json.begin_object();
    json.member("path", lock.path);
    json.member("family", family_word(lock.family));
    json.member("mode", mode_word(holder.mode));
    json.member("pid", holder.pid);
    put_texts(json, "command", holder.command);
    put_range(json, holder);
    json.end_object();
}

template<typename Item>
void put_array(JsonStream &json, std::string_view name, const LiveRun &live, const std::vector<Item> &items) {
    json.key(name);
    json.begin_array();
    for (const Item &item : items) {
        put(json, live, item);
    }
    json.end_array();
}

void put(JsonStream &json, const LiveRun &live) {
    json.begin_object();
    json.member("directory", live.run.directory);
    put_texts(json, "command", live.run.command);
    json.member("pid", live.run.first_pid);
    put_array(json, "held", live, live.locks.held);
    put_array(json, "waiting", live, live.locks.wanted);
    put_array(json, "outside", live, live.outside);
    json.end_object();
}

} // namespace

void write_live_json(std::span<const LiveRun> runs, const TextSink &sink) {
    JsonStream json(sink, JsonStream::Layout::indented);
    json.begin_object();
    json.member("schema", "flockstat.ps/1");
    json.key("runs");
    json.begin_array();
    for (const LiveRun &live : runs) {
        put(json, live);
    }
    json.end_array();
    json.end_object();
    json.finish();
    sink("\n");
}

} // namespace flockstat::reporter
