#include "reporter/summary/plain_json.h"

#include "reporter/record/utf8.h"

#include <algorithm>
#include <cstring>

namespace flockstat::summary {
namespace {

using record::Family;
using record::Release;

constexpr std::string_view family_keys[record::family_count] = {"flock", "posix", "ofd"};
constexpr std::string_view release_keys[record::release_count] = {"unlock",    "close",      "exit",   "exec",
                                                                  "converted", "still_held", "unknown"};

void put_escaped(OutFile &file, unsigned char byte) {
    constexpr std::string_view digits = "0123456789abcdef";
    file.put("\\u00");
    file.put(digits[byte >> 4U]);
    file.put(digits[byte & 15U]);
}

/// A JSON string; a byte that is part of no valid UTF-8 becomes the four characters \xHH.
void put_string(OutFile &file, std::string_view text) {
    file.put('"');
    while (!text.empty()) {
        char copy[4]; // looked at and written must be the same bytes
        std::memcpy(copy, text.data(), std::min<std::size_t>(text.size(), sizeof copy));
        const std::string_view front(copy, std::min<std::size_t>(text.size(), sizeof copy));
        const record::Character character = record::decode_utf8(front);
        const auto byte = static_cast<unsigned char>(copy[0]);
        if (character.bytes == 0) {
            constexpr std::string_view digits = "0123456789abcdef";
            file.put("\\\\x");
            file.put(digits[byte >> 4U]);
            file.put(digits[byte & 15U]);
        } else if (byte == '"' || byte == '\\') {
            file.put('\\');
            file.put(copy[0]);
        } else if (byte < 0x20) {
            put_escaped(file, byte);
        } else {
            file.put(std::string_view(copy, character.bytes));
        }
        text.remove_prefix(std::max<std::size_t>(character.bytes, 1));
    }
    file.put('"');
}

/// Text whose parts are separated by NUL, as an array.
void put_arguments(OutFile &file, std::string_view text) {
    file.put('[');
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\0'), text.size());
        put_string(file, std::string_view(text.data(), end));
        if (end == text.size()) {
            break;
        }
        text.remove_prefix(end + 1);
        file.put(", ");
        if (text.empty()) {
            put_string(file, {}); // the last argument is empty
        }
    }
    file.put(']');
}

void put_two_digits(OutFile &file, std::int64_t number) {
    file.print(FMT_COMPILE("{}{}"), number / 10, number % 10);
}

/// A moment as RFC 3339 has it, in UTC. The calendar is that of Howard Hinnant's days_from_civil, read
/// backwards: years begin in March.
void put_time(OutFile &file, std::int64_t at_ns) {
    constexpr std::int64_t second_ns = 1'000'000'000;
    constexpr std::int64_t day_seconds = 86400;
    constexpr std::int64_t era_days = 146097; // 400 years
    const std::int64_t seconds = at_ns / second_ns - (at_ns % second_ns < 0 ? 1 : 0);
    const std::int64_t days = (seconds >= 0 ? seconds : seconds - day_seconds + 1) / day_seconds;
    const std::int64_t of_day = seconds - days * day_seconds;
    const std::int64_t shifted = days + 719468; // from 0000-03-01
    const std::int64_t era = (shifted >= 0 ? shifted : shifted - era_days + 1) / era_days;
    const std::int64_t day_of_era = shifted - era * era_days;
    const std::int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / (era_days - 1)) / 365;
    const std::int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const std::int64_t from_march = (5 * day_of_year + 2) / 153;
    const std::int64_t month = from_march < 10 ? from_march + 3 : from_march - 9;
    file.print(FMT_COMPILE("\"{}-"), year_of_era + era * 400 + (month <= 2 ? 1 : 0));
    put_two_digits(file, month);
    file.put('-');
    put_two_digits(file, day_of_year - (153 * from_march + 2) / 5 + 1);
    file.put('T');
    put_two_digits(file, of_day / 3600);
    file.put(':');
    put_two_digits(file, of_day / 60 % 60);
    file.put(':');
    put_two_digits(file, of_day % 60);
    const std::int64_t millis = (at_ns - seconds * second_ns) / 1'000'000;
    file.print(FMT_COMPILE(".{}"), millis / 100);
    put_two_digits(file, millis % 100);
    file.put("Z\"");
}

void put_stat(OutFile &file, std::string_view key, const StatNumbers &stat, bool with_percentiles) {
    file.print(
        FMT_COMPILE(
            "\"{}\": {{\"count\": {}, \"sum_ns\": {}, \"mean_ns\": {}, \"min_ns\": {}, \"max_ns\": {}, "
            "\"value_ns\": {}"),
        key, stat.count, stat.sum_ns, stat.mean_ns, stat.min_ns, stat.max_ns, stat.value_ns);
    if (with_percentiles) {
        file.print(FMT_COMPILE(", \"p50_ns\": {}, \"p90_ns\": {}, \"p99_ns\": {}"), stat.p50_ns, stat.p90_ns,
                   stat.p99_ns);
    }
    file.put('}');
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
    put_string(file, {header.host, strnlen(header.host, sizeof header.host)});
    file.print(
        FMT_COMPILE(
            ", \"clock\": \"{}\", \"processes\": {}, \"threads\": {}, \"complete\": {}, \"probe\": {}}},\n"),
        std::string_view(header.clock == record::Clock::tsc ? "tsc" : "monotonic"), numbers.processes,
        std::uint32_t{header.thread_count}, std::string_view(numbers.complete ? "true" : "false"),
        std::string_view((header.options & record::option_probe_off) != 0 ? "false" : "true"));
}

void put_lost(const Summary &summary, OutFile &file) {
    const record::Lost lost = summary.index.arena().header().lost;
    file.print(FMT_COMPILE("\"lost\": {{\"events\": {}, \"processes\": {}, \"locks\": {}, \"stacks\": {}, "
                           "\"calls\": {}}},\n"),
               lost.events, lost.processes, lost.locks, lost.stacks,
               saturating_add(lost.calls, summary.index.damaged()));
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
    file.print(FMT_COMPILE(", \"device\": \"{}:{}\", \"inode\": {}, \"filesystem\": \""), lock.device_major,
               lock.device_minor, lock.inode);
    put_filesystem_name(file, lock.filesystem);
    file.print(FMT_COMPILE("\", \"family\": \"{}\",\n  "), family_keys[static_cast<unsigned>(lock.family)]);
    put_lock_counts(file, counts);
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

void put_frames(const record::ArenaView &arena, OutFile &file, Ref ref) {
    record::Stack head;
    file.put("\"frames\": [");
    if (arena.copy(ref, &head) && head.depth <= record::max_stack_frames) {
        const std::uint64_t more = head.depth > 1 ? (head.depth - 1) * sizeof(record::Frame) : 0;
        const auto *stack = arena.at<record::Stack>(ref, more);
        for (std::uint32_t i = 0; stack != nullptr && i < head.depth; ++i) {
            record::Module module;
            const record::Frame frame = stack->frames[i];
            const bool known = frame.module != 0 && arena.copy(frame.module, &module);
            file.put(i == 0 ? "" : ", ");
            file.put("{\"function\": \"\", \"file\": \"\", \"line\": 0, \"module\": ");
            put_string(file, known ? text_of(arena, module.path) : std::string_view());
            file.print(FMT_COMPILE(", \"offset\": {}}}"), frame.offset);
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

void put_process(const Summary &summary, OutFile &file, const ProcessEntry &process) {
    const record::ArenaView &arena = summary.index.arena();
    file.print(FMT_COMPILE("{{\"pid\": {}, \"parent\": {}, \"command\": "), process.record.pid,
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
    file.put('}');
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
    file.put("\"blame\": [], \"findings\": []}\n");
}

} // namespace flockstat::summary
