#include "reporter/summary/plain_json.h"

#include "reporter/summary/json_text.h"

#include <algorithm>
#include <cstring>

namespace flockstat::summary {
namespace {

using record::Family;
using record::Release;

constexpr std::string_view family_keys[record::family_count] = {"flock", "posix", "ofd"};
constexpr std::string_view release_keys[record::release_count] = {"unlock",    "close",      "exit",   "exec",
                                                                  "converted", "still_held", "unknown"};

void put_numbers(OutFile &file, const StatNumbers &stat, bool with_percentiles) {
    file.print(
        FMT_COMPILE("{{\"count\": {}, \"sum_ns\": {}, \"mean_ns\": {}, \"min_ns\": {}, \"max_ns\": {}, "
                    "\"value_ns\": {}"),
        stat.count, stat.sum_ns, stat.mean_ns, stat.min_ns, stat.max_ns, stat.value_ns);
    if (with_percentiles) {
        file.print(FMT_COMPILE(", \"p50_ns\": {}, \"p90_ns\": {}, \"p99_ns\": {}"), stat.p50_ns, stat.p90_ns,
                   stat.p99_ns);
    }
    file.put('}');
}

void put_stat(OutFile &file, std::string_view key, const StatNumbers &stat, bool with_percentiles) {
    file.print(FMT_COMPILE("\"{}\": "), key);
    put_numbers(file, stat, with_percentiles);
}

/// Sums up a counter of `items` and writes it.
void put_counter(const Summary &summary, OutFile &file, std::string_view key, std::span<const Item> items,
                 Counter counter) {
    put_stat(file, key, sum_counter(summary.index, items, counter, summary.sum), true);
}

void put_errors(OutFile &file, ErrorTallies &errors) {
    const std::span<ErrorTally> tallies = errors.tallies();
    std::sort(tallies.begin(), tallies.end(),
              [](const ErrorTally &a, const ErrorTally &b) { return a.error < b.error; });
    file.put("\"errors\": {");
    for (const ErrorTally &tally : tallies) {
        file.put(&tally == tallies.data() ? "\"" : ", \"");
        put_error_name(file, tally.error);
        file.print(FMT_COMPILE("\": {}"), tally.count);
    }
    file.put('}');
}

/// `version`: PY_VERSION_HEX. One that tells none is not looked for in file names here.
void put_unread_python(std::uint32_t version, OutFile &file) {
    const std::uint32_t minor = version >> 16U & 0xFFU;
    file.put("\"unread_python\": ");
    if (minor != 0) {
        file.print(FMT_COMPILE("\"{}.{}\""), version >> 24U, minor);
    } else {
        file.put(version == 0 ? "null" : "\"before 3.11\"");
    }
}

void put_host(const record::ArenaView &arena, OutFile &file) {
    const record::Header &header = arena.header();
    put_string(file, {header.host, strnlen(header.host, sizeof header.host)});
}

void put_run(const Summary &summary, OutFile &file) {
    const record::ArenaView &arena = summary.index.arena();
    const record::Header &header = arena.header();
    const RunNumbers numbers = run_numbers(summary.index);
    file.put("\"run\": {\"directory\": ");
    put_string(file, text_of(arena, header.directory));
    file.put(", \"command\": ");
    put_arguments(file, text_of(arena, header.command));
    file.put(", \"started\": ");
    put_time(file, summary.index.scale().moment_ns(header.started.ticks));
    file.print(FMT_COMPILE(", \"duration_ns\": {}, \"host\": "), numbers.duration_ns);
    put_host(arena, file);
    file.put(", \"hosts\": [");
    put_host(arena, file);
    file.put("], \"elsewhere\": []");
    file.print(
        FMT_COMPILE(
            ", \"clock\": \"{}\", \"processes\": {}, \"threads\": {}, \"complete\": {}, \"probe\": {}, "),
        std::string_view(header.clock == record::Clock::tsc ? "tsc" : "monotonic"), numbers.processes,
        std::uint32_t{header.thread_count}, std::string_view(numbers.complete ? "true" : "false"),
        std::string_view((header.options & record::option_probe_off) != 0 ? "false" : "true"));
    put_unread_python(header.unread_python, file);
    file.put("},\n");
}

void put_lost(const Summary &summary, OutFile &file) {
    const record::Lost lost = summary.index.arena().header().lost;
    file.print(FMT_COMPILE("\"lost\": {{\"events\": {}, \"processes\": {}, \"locks\": {}, \"stacks\": {}, "
                           "\"calls\": {}, \"orders\": {}}},\n"),
               lost.events, lost.processes, lost.locks, lost.stacks,
               saturating_add(lost.calls, summary.index.damaged()), lost.orders);
}

/// Calls whose file was not known: their items come first.
void put_unattributed(const Summary &summary, OutFile &file) {
    const std::span<const Item> items = summary.index.items();
    const auto end =
        std::find_if(items.begin(), items.end(), [](const Item &item) { return item.lock != 0; });
    const std::span<const Item> unknown(items.begin(), end);
    file.put("\"unattributed\": {");
    for (unsigned i = 0; i < record::family_count; ++i) {
        const auto family = static_cast<Family>(i);
        GroupCounts counts = count_group(summary.index, unknown, &family);
        file.print(FMT_COMPILE("{}\"{}\": {{\"attempts\": {}, \"unlocks\": {}, \"tests\": {}, "),
                   std::string_view(i == 0 ? "" : ", "), family_keys[i], counts.attempts(), counts.unlocks,
                   counts.tests);
        put_errors(file, counts.errors);
        file.put('}');
    }
    file.put("},\n");
}

void put_counters(const Summary &summary, OutFile &file) {
    const std::span<const Item> items = summary.index.items();
    file.put("\"counters\": {");
    put_counter(summary, file, "filelock.enter", items, Counter::enter);
    file.put(",\n  ");
    put_counter(summary, file, "filelock.region", items, Counter::region);
    file.put(",\n  ");
    put_counter(summary, file, "filelock.exit", items, Counter::exit);
    for (const record::Ref name : summary.wait_counters.names()) {
        file.put(",\n  ");
        put_string(file, text_of(summary.index.arena(), name));
        file.put(": ");
        put_numbers(file, summary.wait_counters.numbers(name), true);
    }
    file.put("},\n");
}

void put_mode(const Summary &summary, OutFile &file, std::string_view key, std::span<const Item> items,
              Counter enter, Counter region) {
    file.print(FMT_COMPILE("\"{}\": {{"), key);
    put_counter(summary, file, "enter", items, enter);
    file.put(", ");
    put_counter(summary, file, "region", items, region);
    file.put("},\n  ");
}

void put_lock_counts(OutFile &file, GroupCounts &counts) {
    file.print(
        FMT_COMPILE(
            "\"attempts\": {}, \"granted\": {}, \"refused\": {}, \"interrupted\": {}, \"deadlocked\": {}, "
            "\"failed\": {}, \"tests\": {}, \"unlocks\": {}, \"acquisitions\": {}, \"contended\": {}, "
            "\"polled\": {}, \"abandoned\": {}, \"abandoned_ns\": {}, "),
        counts.attempts(), counts.granted, counts.refused, counts.interrupted, counts.deadlocked,
        counts.failed, counts.tests, counts.unlocks, counts.granted, counts.contended, counts.polled,
        counts.abandoned, counts.abandoned_ns);
    put_errors(file, counts.errors);
    file.put(", \"released\": {");
    for (unsigned cause = 0; cause < record::release_count; ++cause) {
        file.print(FMT_COMPILE("{}\"{}\": {}"), std::string_view(cause == 0 ? "" : ", "), release_keys[cause],
                   counts.released[cause]);
    }
    file.print(FMT_COMPILE("}}, \"held_open_ns\": {},\n  "), counts.held_open_ns);
}

/// Who held it when the summary was written.
void put_holders(const Summary &summary, OutFile &file, std::span<const Item> items) {
    const ArenaIndex &index = summary.index;
    bool first = true;
    file.put("\"held_by\": [");
    for (const Item &item : items) {
        record::Region region;
        if (item.kind != ItemKind::region || !index.read_region(item, &region)) {
            continue;
        }
        const RegionEnd end = index.end_of(item, region);
        const ProcessEntry *owner = index.process(item.process);
        const ProcessEntry *holder = owner != nullptr ? index.process(owner->last_ref) : nullptr;
        if (end.cause != Release::still_held || holder == nullptr) {
            continue;
        }
        file.print(FMT_COMPILE("{}{{\"pid\": {}, \"command\": "), std::string_view(first ? "" : ", "),
                   holder->record.pid);
        put_arguments(file, text_of(index.arena(), holder->record.command));
        file.print(FMT_COMPILE(", \"mode\": \"{}\", \"held_ns\": {}}}"),
                   std::string_view(region.mode == record::Mode::shared ? "shared" : "exclusive"),
                   end.held_ns);
        first = false;
    }
    file.put("], \"held_outside\": [],\n  "); // nobody looked
}

void put_lock(const Summary &summary, OutFile &file, const Group &group) {
    const record::ArenaView &arena = summary.index.arena();
    const std::span<const Item> items = summary.index.items(group);
    record::Lock lock{};
    if (!arena.copy(group.lock, &lock) || static_cast<unsigned>(lock.family) >= record::family_count) {
        lock = {}; // it was sound when it was indexed: somebody writes over it
    }
    GroupCounts counts = count_group(summary.index, items);
    file.put("{\"path\": ");
    put_string(file, text_of(arena, lock.path));
    file.put(", \"name\": ");
    put_string(file, text_of(arena, lock.path));
    file.put(", \"hosts\": [");
    put_host(arena, file);
    file.put("]");
    file.print(FMT_COMPILE(", \"device\": \"{}:{}\", \"inode\": {}, \"filesystem\": \""), lock.device_major,
               lock.device_minor, lock.inode);
    put_filesystem_name(file, lock.filesystem);
    file.print(FMT_COMPILE("\", \"family\": \"{}\",\n  "), family_keys[static_cast<unsigned>(lock.family)]);
    put_lock_counts(file, counts);
    put_holders(summary, file, items);
    put_mode(summary, file, "shared", items, Counter::enter_shared, Counter::region_shared);
    put_mode(summary, file, "exclusive", items, Counter::enter_exclusive, Counter::region_exclusive);
    put_counter(summary, file, "enter", items, Counter::enter);
    file.put(", ");
    put_counter(summary, file, "region", items, Counter::region);
    file.put(",\n  ");
    put_counter(summary, file, "exit", items, Counter::exit);
    file.put(", ");
    put_counter(summary, file, "wait", items, Counter::wait);
    file.put(", ");
    put_counter(summary, file, "overshoot", items, Counter::overshoot);
    file.put('}');
}

void put_python_frame(const record::ArenaView &arena, OutFile &file, const record::Frame &frame) {
    record::PythonFunction function;
    const bool known = arena.copy(frame.module, &function);
    file.put("{\"function\": ");
    put_string(file, known ? text_of(arena, function.name) : std::string_view());
    file.put(", \"file\": ");
    put_string(file, known ? text_of(arena, function.file) : std::string_view());
    file.print(FMT_COMPILE(", \"line\": {}, \"module\": \"\", \"offset\": 0, \"language\": \"python\"}}"),
               static_cast<std::uint32_t>(frame.offset));
}

void put_frames(const record::ArenaView &arena, OutFile &file, Ref ref) {
    record::Stack head;
    file.put("\"frames\": [");
    if (arena.copy(ref, &head) && head.depth <= record::max_stack_frames) {
        const std::uint64_t more = head.depth > 1 ? (head.depth - 1) * sizeof(record::Frame) : 0;
        const auto *stack = arena.at<record::Stack>(ref, more);
        for (std::uint32_t i = 0; stack != nullptr && i < head.depth; ++i) {
            const record::Frame frame = stack->frames[i];
            file.put(i == 0 ? "" : ", ");
            if (frame.kind == record::FrameKind::python) {
                put_python_frame(arena, file, frame);
                continue;
            }
            record::Module module;
            const bool known = frame.module != 0 && arena.copy(frame.module, &module);
            file.put("{\"function\": \"\", \"file\": \"\", \"line\": 0, \"module\": ");
            put_string(file, known ? text_of(arena, module.path) : std::string_view());
            file.print(FMT_COMPILE(", \"offset\": {}, \"language\": null}}"), frame.offset);
        }
    }
    file.put(']');
}

void put_site(const Summary &summary, OutFile &file, const Group &group) {
    const std::span<const Item> items = summary.index.items(group);
    const GroupCounts counts = count_group(summary.index, items);
    file.print(FMT_COMPILE("{{\"lock\": {}, "), group.lock_place);
    put_frames(summary.index.arena(), file, group.stack);
    file.print(FMT_COMPILE(", \"acquisitions\": {}, \"contended\": {},\n  "), counts.granted,
               counts.contended);
    put_counter(summary, file, "enter", items, Counter::enter);
    file.put(", ");
    put_counter(summary, file, "region", items, Counter::region);
    file.put(", ");
    put_counter(summary, file, "wait", items, Counter::wait);
    file.put('}');
}

std::string_view ending_value(Ending ending) {
    switch (ending) {
    case Ending::exited: return "\"exit\"";
    case Ending::execed: return "\"exec\"";
    case Ending::killed: return "\"killed\"";
    case Ending::running: return "\"running\"";
    case Ending::unknown: break;
    }
    return "null";
}

/// NAME=VALUE, separated by NUL.
void put_job(OutFile &file, std::string_view variables) {
    file.put('{');
    for (bool first = true; !variables.empty(); first = false) {
        const std::size_t end = std::min(variables.find('\0'), variables.size());
        const std::string_view variable = variables.substr(0, end);
        const std::size_t equals = std::min(variable.find('='), variable.size());
        file.put(first ? "" : ", ");
        put_string(file, variable.substr(0, equals));
        file.put(": ");
        put_string(file, variable.substr(std::min(equals + 1, variable.size())));
        variables.remove_prefix(std::min(end + 1, variables.size()));
    }
    file.put('}');
}

void put_process(const Summary &summary, OutFile &file, const ProcessEntry &process) {
    const record::ArenaView &arena = summary.index.arena();
    file.put("{\"host\": ");
    put_host(arena, file);
    file.print(FMT_COMPILE(", \"pid\": {}, \"parent\": {}, \"command\": "), process.record.pid,
               process.record.parent_pid);
    put_arguments(file, text_of(arena, process.record.command));
    file.put(", \"exe\": ");
    put_string(file, text_of(arena, process.record.executable));
    file.print(FMT_COMPILE(", \"ended\": {}, \"status\": "), ending_value(process.ending));
    if (process.ending == Ending::exited && process.record.status >= 0) {
        file.print(FMT_COMPILE("{}"), process.record.status);
    } else {
        file.put("null");
    }
    file.print(FMT_COMPILE(", \"attempts\": {}, \"unlocks\": {},\n  "), process.attempts, process.unlocks);
    put_stat(file, "enter", process.enter.with_mean(), false);
    file.put(", ");
    put_stat(file, "region", process.region.with_mean(), false);
    file.put(", ");
    put_stat(file, "wait", process.wait.with_mean(), false);
    file.put(", \"counters\": {}, \"job\": ");
    put_job(file, text_of(arena, process.record.job));
    file.put("}");
}

/// "KEY": [ITEM, ...]
template<typename Items, typename Put>
void put_array(OutFile &file, std::string_view key, const Items &items, Put put) {
    file.print(FMT_COMPILE("\"{}\": ["), key);
    bool first = true;
    for (const auto &item : items) {
        file.put(first ? "\n " : ",\n ");
        put(item);
        first = false;
    }
    file.put("],\n");
}

} // namespace

void write_json(const Summary &summary, OutFile &file) {
    file.put("{\"schema\": \"flockstat.report/1\",\n");
    put_run(summary, file);
    put_lost(summary, file);
    put_unattributed(summary, file);
    put_counters(summary, file);
    put_array(file, "locks", summary.index.locks(),
              [&](const Group &lock) { put_lock(summary, file, lock); });
    put_array(file, "sites", summary.index.sites(),
              [&](const Group &site) { put_site(summary, file, site); });
    put_array(file, "processes", rank_processes(summary),
              [&](std::uint32_t place) { put_process(summary, file, summary.index.processes()[place]); });
    file.put("\"blame\": [], \"findings\": [],\n\"concurrency\": {}, \"windows\": [],\n\"by\": [], "
             "\"groups\": []}\n");
}

} // namespace flockstat::summary
