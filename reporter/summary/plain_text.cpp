#include "reporter/summary/plain_text.h"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace flockstat::summary {
namespace {

constexpr std::size_t most_locks = 20;
constexpr std::size_t most_sites = 10;
constexpr std::uint32_t most_frames = 8;
constexpr std::string_view family_names[record::family_count] = {"flock", "posix", "ofd"};

/// Paths and names, with what could steer a terminal as \xHH.
void put_visible(OutFile &file, std::string_view text) {
    constexpr std::string_view digits = "0123456789abcdef";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte >= 0x20 && byte < 0x7f) {
            file.put(c);
        } else if (byte == 0) {
            file.put(' '); // between the arguments of a command
        } else {
            file.put("\\x");
            file.put(digits[byte >> 4U]);
            file.put(digits[byte & 15U]);
        }
    }
}

void put_left(OutFile &file, std::string_view text, std::size_t width) {
    file.put(text);
    file.put_repeated(' ', width > text.size() ? width - text.size() : 0);
}

void put_right(OutFile &file, std::string_view text, std::size_t width) {
    file.put_repeated(' ', width > text.size() ? width - text.size() : 0);
    file.put(text);
}

void put_count(OutFile &file, std::uint64_t count, std::size_t width) {
    char digits[20];
    const char *end = std::to_chars(digits, digits + sizeof digits, count).ptr;
    put_right(file, {digits, static_cast<std::size_t>(end - digits)}, width);
}

void put_time(OutFile &file, std::uint64_t ns, std::size_t width) {
    char room[24];
    put_right(file, short_time(ns, room), width);
}

void put_head(const Summary &summary, OutFile &file) {
    const record::ArenaView &arena = summary.index.arena();
    const RunNumbers numbers = run_numbers(summary.index);
    file.put("flockstat: ");
    put_visible(file, text_of(arena, arena.header().command));
    char room[24];
    file.print(FMT_COMPILE("\n{} process{}, {} threads, {}"), numbers.processes,
               std::string_view(numbers.processes == 1 ? "" : "es"),
               std::uint32_t{arena.header().thread_count}, short_time(numbers.duration_ns, room));
    if (numbers.running != 0) {
        file.print(FMT_COMPILE("; {} still running"), numbers.running);
    }
    if ((arena.header().options & record::option_probe_off) != 0) {
        file.put("; FLOCKSTAT_PROBE=off, so contention is judged by time");
    }
    file.put("\nWith function names, and what later processes did: flockstat report ");
    put_visible(file, summary.directory);
    if (summary.flk_name != "run.flk") {
        file.put("\nThis is ");
        file.put(summary.flk_name);
        file.put(" alone; the directory holds other runs, which that adds.");
    }
    file.put("\n\n");
}

void put_lock(const Summary &summary, OutFile &file, const Group &group) {
    const record::ArenaView &arena = summary.index.arena();
    const std::span<const Item> items = summary.index.items(group);
    const GroupCounts counts = count_group(summary.index, items);
    const StatNumbers wait = sum_counter(summary.index, items, Counter::wait, summary.sum);
    put_count(file, counts.granted, 10);
    put_count(file, counts.contended, 10);
    put_count(file, counts.polled, 8);
    put_count(file, counts.abandoned, 10);
    put_time(file, wait.sum_ns, 11);
    put_time(file, wait.p99_ns, 11);
    const StatNumbers held = sum_counter(summary.index, items, Counter::region, summary.sum);
    put_time(file, held.sum_ns, 11);
    put_time(file, held.max_ns, 11);
    record::Lock lock{};
    const bool known =
        arena.copy(group.lock, &lock) && static_cast<unsigned>(lock.family) < record::family_count;
    file.put("  ");
    put_left(file, known ? family_names[static_cast<unsigned>(lock.family)] : std::string_view("?"), 7);
    put_visible(file, text_of(arena, lock.path));
    file.put('\n');
}

void put_locks(const Summary &summary, OutFile &file) {
    const std::span<const Group> locks = summary.index.locks();
    file.put(
        "  acquired contended  polled abandoned     waited   wait p99       held   longest  family path\n");
    for (const Group &group : locks.first(std::min(locks.size(), most_locks))) {
        put_lock(summary, file, group);
    }
    if (locks.size() > most_locks) {
        file.print(FMT_COMPILE("  ... and {} more\n"), locks.size() - most_locks);
    }
}

void put_frames(const record::ArenaView &arena, OutFile &file, Ref ref) {
    record::Stack head;
    if (!arena.copy(ref, &head) || head.depth > record::max_stack_frames || head.depth == 0) {
        file.put("    (no stack)\n");
        return;
    }
    const auto *stack = arena.at<record::Stack>(ref, (head.depth - 1) * sizeof(record::Frame));
    for (std::uint32_t i = 0; stack != nullptr && i < std::min(head.depth, most_frames); ++i) {
        const record::Frame frame = stack->frames[i];
        record::Module module;
        record::PythonFunction function;
        file.put("    ");
        if (frame.kind == record::FrameKind::python) {
            if (arena.copy(frame.module, &function)) {
                put_visible(file, text_of(arena, function.file));
                file.print(FMT_COMPILE(":{} "), frame.offset);
                put_visible(file, text_of(arena, function.name));
            }
            file.put('\n');
            continue;
        }
        if (frame.module != 0 && arena.copy(frame.module, &module)) {
            put_visible(file, text_of(arena, module.path));
            file.put('+');
        }
        file.put("0x");
        file.put_hex(frame.offset);
        file.put('\n');
    }
    if (head.depth > most_frames) {
        file.print(FMT_COMPILE("    ... and {} callers more\n"), head.depth - most_frames);
    }
}

void put_sites(const Summary &summary, OutFile &file) {
    const std::span<const Group> sites = summary.index.sites();
    const record::ArenaView &arena = summary.index.arena();
    file.put("\nWhere locks were taken, innermost call first:\n");
    for (const Group &group : sites.first(std::min(sites.size(), most_sites))) {
        const std::span<const Item> items = summary.index.items(group);
        const GroupCounts counts = count_group(summary.index, items);
        record::Lock lock{};
        const bool known = arena.copy(group.lock, &lock);
        char room[24];
        file.print(FMT_COMPILE("  {} acquired, {} contended, "), counts.granted, counts.contended);
        file.print(FMT_COMPILE("waited {}, "),
                   short_time(sum_counter(summary.index, items, Counter::wait, summary.sum).sum_ns, room));
        file.print(FMT_COMPILE("held {}: "),
                   short_time(sum_counter(summary.index, items, Counter::region, summary.sum).sum_ns, room));
        put_visible(file, known ? text_of(arena, lock.path) : std::string_view());
        file.put('\n');
        put_frames(arena, file, group.stack);
    }
    if (sites.size() > most_sites) {
        file.print(FMT_COMPILE("  ... and {} more\n"), sites.size() - most_sites);
    }
}

void put_numbers(OutFile &file, const StatNumbers &stat) {
    put_count(file, stat.count, 10);
    for (const std::uint64_t ns : {stat.sum_ns, stat.mean_ns, stat.min_ns, stat.p50_ns, stat.p90_ns,
                                   stat.p99_ns, stat.max_ns, stat.value_ns}) {
        put_time(file, ns, 10);
    }
    file.put('\n');
}

void put_counter(const Summary &summary, OutFile &file, std::string_view name, Counter counter) {
    put_left(file, name, 16);
    put_numbers(file, sum_counter(summary.index, summary.index.items(), counter, summary.sum));
}

/// Those that programs drove themselves. Their names may be long: the numbers stand below.
void put_wait_counters(const Summary &summary, OutFile &file) {
    for (const record::Ref name : summary.wait_counters.names()) {
        put_visible(file, text_of(summary.index.arena(), name));
        file.put('\n');
        put_left(file, "", 16);
        put_numbers(file, summary.wait_counters.numbers(name));
    }
}

void put_lost(const Summary &summary, OutFile &file) {
    const record::Lost lost = summary.index.arena().header().lost;
    const std::uint64_t calls = saturating_add(lost.calls, summary.index.damaged());
    if ((lost.events | lost.processes | lost.locks | lost.stacks | calls) != 0) {
        file.print(
            FMT_COMPILE(
                "\nLeft out for want of room: {} events, {} processes, {} locks, {} stacks, {} calls. More "
                "room: FLOCKSTAT_ARENA_MIB\n"),
            lost.events, lost.processes, lost.locks, lost.stacks, calls);
    }
}

} // namespace

std::string_view short_time(std::uint64_t ns, std::span<char, 24> room) {
    struct Unit {
        std::uint64_t ns;
        std::string_view name;
    };
    constexpr Unit units[] = {{1'000'000'000, " s"}, {1'000'000, " ms"}, {1'000, " us"}, {1, " ns"}};
    const Unit *unit =
        std::find_if(std::begin(units), std::end(units) - 1, [&](const Unit &u) { return ns >= u.ns; });
    const std::uint64_t whole = ns / unit->ns;
    const unsigned decimals = unit->ns == 1 || whole >= 100 ? 0 : whole >= 10 ? 1 : 2;
    char *end = std::to_chars(room.data(), room.data() + room.size() - 8, whole).ptr;
    std::uint64_t rest = ns % unit->ns; // cut, not rounded: no digit carries into the next unit
    if (decimals != 0) {
        *end++ = '.';
    }
    std::uint64_t place = unit->ns;
    for (unsigned i = 0; i < decimals; ++i) {
        place /= 10;
        *end++ = static_cast<char>('0' + rest / place);
        rest %= place;
    }
    std::memcpy(end, unit->name.data(), unit->name.size());
    return {room.data(), static_cast<std::size_t>(end - room.data()) + unit->name.size()};
}

void write_text(const Summary &summary, OutFile &file) {
    put_head(summary, file);
    put_locks(summary, file);
    put_sites(summary, file);
    file.put("\ncounter              count       sum      mean       min       p50       p90       p99       "
             "max      last\n");
    put_counter(summary, file, "filelock.enter", Counter::enter);
    put_counter(summary, file, "filelock.region", Counter::region);
    put_counter(summary, file, "filelock.exit", Counter::exit);
    put_wait_counters(summary, file);
    put_lost(summary, file);
}

} // namespace flockstat::summary
