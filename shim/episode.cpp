#include "shim/episode.h"

namespace flockstat::shim {
namespace {

constexpr std::uint64_t patience_ns = 5'000'000'000;
constexpr std::uint64_t gaps_of_patience = 20;

/// Same family, mode and range of the same file; by path where the file was replaced between polls.
bool belongs(const record::Episode &episode, const LockedFile &file, const Operation &operation) {
    return episode.first_ticks != 0 && episode.family == operation.family && episode.mode == operation.mode &&
           episode.range_start == operation.range.start && episode.range_end == operation.range.end &&
           (episode.lock == file.locks[static_cast<unsigned>(operation.family)] || episode.path == file.path);
}

bool is_late(const record::Episode &episode, std::uint64_t now) {
    if (now == UINT64_MAX) {
        return true;
    }
    const std::uint64_t idle = now - episode.last_ticks;
    // A tick is a nanosecond or less, so below this number of ticks there is no need to ask how long they
    // are.
    if (now < episode.last_ticks || idle <= patience_ns ||
        idle <= gaps_of_patience * episode.longest_gap_ticks) {
        return false;
    }
    return idle > ticks_for_ns(patience_ns);
}

void abandon(ThreadState &thread, record::Episode &episode) {
    record::Event event{};
    event.kind = record::EventKind::abandoned;
    event.family = episode.family;
    event.mode = episode.mode;
    event.lock = episode.lock;
    event.stack = episode.stack;
    event.process = run.process_ref;
    event.thread = thread.block->thread;
    event.start_ticks = episode.first_ticks;
    event.end_ticks = episode.last_ticks;
    event.attempts = episode.attempts;
    event.range_start = episode.range_start;
    event.range_end = episode.range_end;
    episode.first_ticks = 0;
    --thread.open_episodes;
    log_event(thread, event);
    record::Leaf *leaf = find_leaf(thread, {.stack = event.stack, .cached = nullptr}, event.lock,
                                   acquire_kind(event.mode), event.family);
    record::LeafExtra *extra = leaf != nullptr ? find_extra(thread, *leaf) : nullptr;
    if (extra != nullptr) {
        ++extra->abandoned;
        extra->abandoned_ticks += event.end_ticks - event.start_ticks;
    }
}

/// A free slot; with all in use, the one that was not retried for the longest time is given up.
record::Episode &free_slot(ThreadState &thread) {
    record::Episode *oldest = &thread.block->episodes[0];
    for (record::Episode &episode : thread.block->episodes) {
        if (episode.first_ticks == 0) {
            return episode;
        }
        if (episode.last_ticks < oldest->last_ticks) {
            oldest = &episode;
        }
    }
    abandon(thread, *oldest);
    return *oldest;
}

record::Episode *find_episode(ThreadState &thread, const LockedFile &file, const Operation &operation) {
    if (thread.open_episodes != 0) {
        for (record::Episode &episode : thread.block->episodes) {
            if (belongs(episode, file, operation)) {
                return &episode;
            }
        }
    }
    return nullptr;
}

} // namespace

void note_episode(ThreadState &thread, const LockedFile &file, const Operation &operation, record::Ref lock,
                  record::Ref stack) {
    record::Episode *episode = find_episode(thread, file, operation);
    if (episode != nullptr && is_late(*episode, operation.start_ticks)) {
        abandon(thread, *episode);
        episode = nullptr;
    }
    const std::uint32_t refused = operation.outcome == Outcome::refused ? 1 : 0;
    if (episode != nullptr) {
        const std::uint64_t gap = operation.start_ticks - episode->last_ticks;
        if (gap > episode->longest_gap_ticks) {
            episode->longest_gap_ticks = gap;
        }
        episode->last_ticks = operation.end_ticks;
        episode->lock = lock;
        episode->stack = stack;
        ++episode->attempts;
        episode->refused += refused;
        return;
    }
    record::Episode &fresh = free_slot(thread);
    fresh = {};
    fresh.last_ticks = operation.end_ticks;
    fresh.range_start = operation.range.start;
    fresh.range_end = operation.range.end;
    fresh.lock = lock;
    fresh.path = file.path;
    fresh.stack = stack;
    fresh.attempts = 1;
    fresh.refused = refused;
    fresh.family = operation.family;
    fresh.mode = operation.mode;
    __atomic_store_n(&fresh.first_ticks, operation.start_ticks, __ATOMIC_RELEASE);
    ++thread.open_episodes;
}

void take_episode(ThreadState &thread, const LockedFile &file, const Operation &operation,
                  record::Episode *out) {
    record::Episode *episode = find_episode(thread, file, operation);
    if (episode == nullptr) {
        return;
    }
    if (is_late(*episode, operation.start_ticks)) {
        abandon(thread, *episode);
        return;
    }
    *out = *episode;
    episode->first_ticks = 0;
    --thread.open_episodes;
}

void abandon_late_episodes(ThreadState &thread, std::uint64_t now) {
    for (record::Episode &episode : thread.block->episodes) {
        if (episode.first_ticks != 0 && thread.open_episodes != 0 && is_late(episode, now)) {
            abandon(thread, episode);
        }
    }
}

} // namespace flockstat::shim
