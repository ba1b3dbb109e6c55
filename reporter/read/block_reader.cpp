#include "reporter/read/block_reader.h"

#include <algorithm>

namespace flockstat::reporter {
namespace {

bool valid(Family family) { return static_cast<unsigned>(family) < record::family_count; }
bool valid(Mode mode) { return mode == Mode::shared || mode == Mode::exclusive; }

} // namespace

BlockReader::BlockReader(record::ArenaView arena, const RunClock &clock, RecordTables &tables, Run &run)
    : arena_(arena), clock_(clock), tables_(tables), run_(run), stats_(arena, clock),
      orders_(arena, tables, run), seen_(arena.bytes()) {}

template<typename Record, typename Visit>
void BlockReader::walk(record::Ref head, Visit visit) {
    for (record::Ref ref = head; ref != 0;) {
        Record record;
        if (!arena_.copy(ref, &record) || !seen_.insert(ref)) {
            ++run_.damaged; // the chain is broken here, or runs in a circle
            return;
        }
        visit(record, ref);
        ref = record.next;
    }
}

void BlockReader::read_blocks() {
    walk<record::ThreadBlock>(arena_.header().blocks,
                              [&](const record::ThreadBlock &block, record::Ref) { read_block(block); });
}

void BlockReader::read_present() {
    walk<record::ThreadBlock>(arena_.header().blocks,
                              [&](const record::ThreadBlock &block, record::Ref) { read_open(block); });
}

void BlockReader::read_block(const record::ThreadBlock &block) {
    walk<record::Leaf>(block.leaves, [&](const record::Leaf &leaf, record::Ref) { read_leaf(leaf); });
    read_open(block);
}

void BlockReader::read_open(const record::ThreadBlock &block) {
    walk<record::RegionGroup>(block.regions, [&](const record::RegionGroup &group, record::Ref) {
        for (const record::Region &region : group.slots) {
            read_region(region);
        }
    });
    const std::uint32_t process = tables_.process(block.process);
    for (const record::Episode &episode : block.episodes) {
        read_episode(episode, process);
    }
    record::Process owner;
    if (process == no_index || !arena_.copy(block.process, &owner)) {
        return;
    }
    read_waiting(block.waiting, block.thread, process);
    if (owner.epoch == block.epoch) {
        add_totals(block.totals, process);
    }
}

void BlockReader::read_leaf(const record::Leaf &stored) {
    Leaf leaf;
    leaf.lock = tables_.lock(stored.lock);
    leaf.stack = tables_.stack(stored.stack);
    leaf.kind = stored.kind;
    leaf.family = leaf.lock == no_index ? stored.family : run_.locks[leaf.lock].family;
    leaf.calls = stored.calls;
    const bool known = (stored.lock == 0 || leaf.lock != no_index) && valid(stored.family) &&
                       static_cast<unsigned>(stored.kind) < record::leaf_kind_count &&
                       stored.calls <= plausible_count;
    if (!known || !stats_.read(stored.first, &leaf.first) || !stats_.read(stored.second, &leaf.region) ||
        !read_extra(stored.extra, &leaf)) {
        ++run_.damaged;
        return;
    }
    std::uint64_t otherwise = 0;
    for (const Release release : {Release::close, Release::exit, Release::exec, Release::converted}) {
        otherwise += leaf.released[static_cast<unsigned>(release)];
    }
    leaf.released[static_cast<unsigned>(Release::unlock)] =
        leaf.region.count > otherwise ? leaf.region.count - otherwise : 0;
    if (leaf.lock != no_index &&
        (leaf.kind == LeafKind::acquire_shared || leaf.kind == LeafKind::acquire_exclusive)) {
        orders_.read(stored.orders, leaf);
    }
    merge_leaf(std::move(leaf));
}

bool BlockReader::read_extra(record::Ref ref, Leaf *leaf) {
    if (ref == 0) {
        return true;
    }
    record::LeafExtra extra;
    if (!arena_.copy(ref, &extra)) {
        return false;
    }
    for (const std::uint64_t count :
         {extra.refused, extra.interrupted, extra.deadlocked, extra.failed, extra.polled, extra.abandoned}) {
        if (count > plausible_count) {
            return false;
        }
    }
    if (std::ranges::any_of(extra.released, [](std::uint64_t count) { return count > plausible_count; })) {
        return false;
    }
    leaf->refused = extra.refused;
    leaf->interrupted = extra.interrupted;
    leaf->deadlocked = extra.deadlocked;
    leaf->failed = extra.failed;
    leaf->polled = extra.polled;
    leaf->abandoned = extra.abandoned;
    leaf->abandoned_ns = clock_.duration_ns(extra.abandoned_ticks);
    std::ranges::copy(extra.released, leaf->released.begin());
    leaf->held_open_ns = clock_.duration_ns(extra.held_open_ticks);
    leaf->errors = read_errors(extra);
    return stats_.read(extra.wait, &leaf->wait) && stats_.read(extra.overshoot, &leaf->overshoot);
}

std::vector<ErrorTally> BlockReader::read_errors(const record::LeafExtra &extra) const {
    std::vector<ErrorTally> errors;
    for (const record::ErrorCount &stored : extra.errors) {
        constexpr std::uint32_t greatest_errno = 4095; // include/linux/err.h
        if (stored.count != 0) {
            errors.push_back(
                {stored.error <= greatest_errno ? static_cast<int>(stored.error) : 0, stored.count});
        }
    }
    return errors;
}

void BlockReader::merge_leaf(Leaf leaf) {
    const auto [place, added] =
        leaves_.try_emplace({leaf.lock, leaf.stack, leaf.kind, leaf.family}, run_.leaves.size());
    if (added) {
        run_.leaves.push_back(std::move(leaf));
        return;
    }
    Leaf &sum = run_.leaves[place->second];
    sum.calls += leaf.calls;
    sum.refused += leaf.refused;
    sum.interrupted += leaf.interrupted;
    sum.deadlocked += leaf.deadlocked;
    sum.failed += leaf.failed;
    sum.polled += leaf.polled;
    sum.abandoned += leaf.abandoned;
    sum.abandoned_ns = saturating_add(sum.abandoned_ns, leaf.abandoned_ns);
    for (std::size_t i = 0; i < sum.released.size(); ++i) {
        sum.released[i] += leaf.released[i];
    }
    sum.held_open_ns = saturating_add(sum.held_open_ns, leaf.held_open_ns);
    for (const ErrorTally &error : leaf.errors) {
        const auto same = std::ranges::find(sum.errors, error.error, &ErrorTally::error);
        if (same == sum.errors.end()) {
            sum.errors.push_back(error);
        } else {
            same->count += error.count;
        }
    }
    sum.first.merge(leaf.first);
    sum.region.merge(leaf.region);
    sum.wait.merge(leaf.wait);
    sum.overshoot.merge(leaf.overshoot);
}

void BlockReader::read_region(const record::Region &stored) {
    if (stored.since_ticks == 0) {
        return;
    }
    Region region;
    region.since_at_ns = clock_.moment_ns(stored.since_ticks);
    region.lock = tables_.lock(stored.lock);
    region.stack = tables_.stack(stored.stack);
    region.process = tables_.process(stored.process);
    region.thread = stored.thread;
    region.holders = stored.holders;
    region.closes_at_exec = stored.closes_at_exec != 0;
    region.mode = stored.mode;
    region.range_start = stored.range_start;
    region.range_end = stored.range_end;
    if (region.lock == no_index || !valid(stored.mode)) {
        ++run_.damaged;
        return;
    }
    see(region.process, region.since_at_ns);
    run_.regions.push_back(region);
}

void BlockReader::read_episode(const record::Episode &stored, std::uint32_t process) {
    if (stored.first_ticks == 0) {
        return;
    }
    Episode episode;
    episode.first_at_ns = clock_.moment_ns(stored.first_ticks);
    episode.last_at_ns = std::max(episode.first_at_ns, clock_.moment_ns(stored.last_ticks));
    episode.longest_gap_ns = clock_.duration_ns(stored.longest_gap_ticks);
    episode.attempts = stored.attempts;
    episode.lock = tables_.lock(stored.lock);
    episode.stack = tables_.stack(stored.stack);
    episode.process = process;
    episode.family = stored.family;
    episode.mode = stored.mode;
    episode.range_start = stored.range_start;
    episode.range_end = stored.range_end;
    if ((stored.lock != 0 && episode.lock == no_index) || !valid(stored.family) || !valid(stored.mode)) {
        ++run_.damaged;
        return;
    }
    see(process, episode.last_at_ns);
    run_.episodes.push_back(episode);
}

void BlockReader::read_waiting(const record::Waiting &stored, std::int32_t thread, std::uint32_t process) {
    if (stored.since_ticks == 0 || stored.since_ticks == UINT64_MAX) {
        return;
    }
    const Waiting waiting{clock_.moment_ns(stored.since_ticks),
                          tables_.lock(stored.lock),
                          process,
                          thread,
                          stored.mode,
                          stored.range_start,
                          stored.range_end,
                          stored.family};
    if ((stored.lock != 0 && waiting.lock == no_index) || !valid(waiting.mode) || !valid(waiting.family)) {
        ++run_.damaged;
        return;
    }
    see(process, waiting.since_at_ns);
    run_.waiting.push_back(waiting);
}

void BlockReader::read_events() {
    walk<record::EventChunk>(
        arena_.header().event_chunks, [&](const record::EventChunk &chunk, record::Ref ref) {
            for (std::uint64_t slot = 0; slot < record::events_in_chunk; ++slot) {
                read_event(chunk.events[slot], std::uint64_t{ref} * record::events_in_chunk + slot);
            }
        });
    std::ranges::stable_sort(run_.events, {}, &Event::end_at_ns);
}

void BlockReader::read_event(const record::Event &stored, std::uint64_t place) {
    if (stored.kind == record::EventKind::none) {
        return;
    }
    Event event;
    event.kind = stored.kind;
    event.family = stored.family;
    event.mode = stored.mode;
    event.release = static_cast<Release>(stored.release);
    event.error = stored.error;
    event.lock = tables_.lock(stored.lock);
    event.stack = tables_.stack(stored.stack);
    event.process = tables_.process(stored.process);
    event.thread = stored.thread;
    event.start_at_ns = clock_.moment_ns(stored.start_ticks);
    event.end_at_ns = std::max(event.start_at_ns, clock_.moment_ns(stored.end_ticks));
    const std::uint64_t ticks =
        stored.end_ticks > stored.start_ticks ? stored.end_ticks - stored.start_ticks : 0;
    event.duration_ns = clock_.duration_ns(ticks);
    event.wait_ns = clock_.duration_ns(ticks - std::min<std::uint64_t>(ticks, stored.probe_ticks));
    event.place = place;
    event.attempts = stored.attempts;
    event.range_start = stored.range_start;
    event.range_end = stored.range_end;
    if (stored.kind > record::EventKind::held || stored.release >= record::release_count ||
        !valid(stored.family) || !valid(stored.mode) || (stored.lock != 0 && event.lock == no_index)) {
        ++run_.damaged;
        return;
    }
    see(event.process, event.end_at_ns);
    run_.events.push_back(event);
}

void BlockReader::read_wait_counters() {
    walk<record::WaitCounter>(arena_.header().wait_counters, [&](const record::WaitCounter &stored,
                                                                 record::Ref) { read_wait_counter(stored); });
}

void BlockReader::read_wait_counter(const record::WaitCounter &stored) {
    WaitCounter counter;
    counter.name = tables_.text(stored.name);
    counter.process = tables_.process(stored.process);
    if (counter.process == no_index || stored.busy_us > plausible_count ||
        !stats_.read_microseconds(stored.waits, &counter.waits)) {
        ++run_.damaged;
        return;
    }
    counter.active = stored.active;
    counter.max_active = std::max(stored.max_active, stored.active);
    counter.busy_ns = stored.busy_us * 1000;
    counter.busy_since_at_ns = stored.active == 0 ? 0 : clock_.moment_of_monotonic_us(stored.busy_since_us);
    see(counter.process, counter.waits.last_at_ns);
    run_.wait_counters.push_back(std::move(counter));
}

void BlockReader::read_outside_holders() {
    const auto read = [&](const record::OutsideHolder &stored, record::Ref) {
        if (!valid(stored.family) || !valid(stored.mode)) {
            ++run_.damaged;
            return;
        }
        run_.outside_holders.push_back({stored.device_major, stored.device_minor, stored.inode,
                                        stored.family == Family::flock, stored.mode,
                                        tables_.arguments(stored.command), stored.pid, stored.processes,
                                        clock_.duration_ns(stored.seen_ticks)});
    };
    walk<record::OutsideHolder>(arena_.header().outside_holders, read);
}

void BlockReader::add_totals(const record::ProcessTotals &totals, std::uint32_t index) {
    Samples enter, region, wait;
    if (totals.attempts > plausible_count || totals.unlocks > plausible_count ||
        !stats_.read(totals.enter, &enter) || !stats_.read(totals.region, &region) ||
        !stats_.read(totals.wait, &wait)) {
        ++run_.damaged;
        return;
    }
    Process &process = run_.processes[index];
    process.attempts += totals.attempts;
    process.unlocks += totals.unlocks;
    for (const Samples *samples : {&enter, &region, &wait}) {
        if (samples->count != 0) {
            see(index, samples->last_at_ns);
        }
    }
    process.enter.merge(enter);
    process.region.merge(region);
    process.wait.merge(wait);
}

void BlockReader::see(std::uint32_t process, std::int64_t at_ns) {
    if (process != no_index) {
        std::int64_t &seen = run_.processes[process].last_seen_at_ns;
        seen = std::max(seen, at_ns);
    }
}

} // namespace flockstat::reporter
