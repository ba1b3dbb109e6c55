#include "reporter/record/names.h"
#include "reporter/summary/plain_json.h"

#include <algorithm>

namespace flockstat::summary {

RunNumbers run_numbers(const ArenaIndex &index) {
    RunNumbers numbers;
    const record::Header &header = index.arena().header();
    const std::int64_t started_at_ns = index.scale().moment_ns(header.started.ticks);
    std::int64_t last_at_ns = std::max(started_at_ns, index.scale().moment_ns(header.latest.ticks));
    for (const ProcessEntry &process : index.processes()) {
        numbers.processes += process.replaced ? 0 : 1;
        numbers.running += process.ending == Ending::running ? 1 : 0;
        numbers.complete =
            numbers.complete && process.ending != Ending::running && process.ending != Ending::unknown;
        last_at_ns = std::max({last_at_ns, process.last_seen_at_ns, process.ended_at_ns});
    }
    const std::int64_t finished_at_ns =
        numbers.running != 0 ? index.read_at_ns() : std::min(index.read_at_ns(), last_at_ns);
    numbers.duration_ns =
        finished_at_ns > started_at_ns ? static_cast<std::uint64_t>(finished_at_ns - started_at_ns) : 0;
    return numbers;
}

std::span<std::uint32_t> rank_processes(const Summary &summary) {
    const std::span<const ProcessEntry> processes = summary.index.processes();
    const std::span<std::uint32_t> order =
        summary.order.first(std::min(summary.order.size(), processes.size()));
    for (std::uint32_t i = 0; i < order.size(); ++i) {
        order[i] = i;
    }
    std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
        const ProcessEntry &left = processes[a];
        const ProcessEntry &right = processes[b];
        if (left.wait.numbers.sum_ns != right.wait.numbers.sum_ns) {
            return left.wait.numbers.sum_ns > right.wait.numbers.sum_ns;
        }
        if (left.region.numbers.sum_ns != right.region.numbers.sum_ns) {
            return left.region.numbers.sum_ns > right.region.numbers.sum_ns;
        }
        return left.attempts != right.attempts ? left.attempts > right.attempts : a < b;
    });
    return order;
}

std::string_view text_of(const record::ArenaView &arena, Ref ref) {
    const record::TextView text = arena.text(ref);
    return {text.data, text.bytes};
}

void put_error_name(OutFile &file, std::uint32_t error) {
    const std::string_view name = record::name_of(error, record::error_names);
    if (error == 0) {
        file.put("other");
    } else if (name.empty()) {
        file.print(FMT_COMPILE("{}"), error);
    } else {
        file.put(name);
    }
}

void put_filesystem_name(OutFile &file, std::uint32_t type) {
    const std::string_view name = record::name_of(type, record::filesystem_names);
    if (name.empty()) {
        file.put("0x");
        file.put_hex(type);
    } else {
        file.put(name);
    }
}

} // namespace flockstat::summary
