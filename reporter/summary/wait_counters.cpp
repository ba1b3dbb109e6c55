#include "reporter/summary/wait_counters.h"

#include <algorithm>

namespace flockstat::summary {
namespace {

template<typename Visit>
void for_counters(const record::ArenaView &arena, Visit visit) {
    arena.for_chain<record::WaitCounter>(
        arena.header().wait_counters,
        [&](record::Ref, const record::WaitCounter &counter) { visit(counter); });
}

std::size_t count_counters(const record::ArenaView &arena) {
    std::size_t count = 0;
    for_counters(arena, [&](const record::WaitCounter &) { ++count; });
    return count;
}

} // namespace

std::size_t WaitCounters::bytes_needed(const record::ArenaView &arena) {
    return (count_counters(arena) + 1) * sizeof(record::Ref);
}

WaitCounters::WaitCounters(const record::ArenaView &arena, std::span<ValueCount> room, Memory &memory)
    : arena_(arena), scale_(TickScale::of_microseconds(arena.header())), sum_(arena, scale_, room),
      names_(memory.take<record::Ref>(count_counters(arena))) {
    std::size_t used = 0;
    for_counters(arena, [&](const record::WaitCounter &counter) {
        if (used < names_.size()) { // others may add to the chain meanwhile
            names_[used++] = counter.name;
        }
    });
    const auto named = names_.first(used);
    std::sort(named.begin(), named.end());
    names_ = named.first(static_cast<std::size_t>(std::unique(named.begin(), named.end()) - named.begin()));
}

StatNumbers WaitCounters::numbers(record::Ref name) {
    sum_.clear();
    for_counters(arena_, [&](const record::WaitCounter &counter) {
        if (counter.name == name && is_plausible(counter.waits)) {
            sum_.add(counter.waits);
        }
    });
    return sum_.numbers();
}

} // namespace flockstat::summary
