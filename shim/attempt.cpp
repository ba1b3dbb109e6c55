#include "shim/attempt.h"

#include "shim/episode.h"
#include "shim/lock_order.h"
#include "shim/ownership.h"

#include <algorithm>
#include <cerrno>

namespace flockstat::shim {
namespace {

record::Ref lock_of(OpenFile *open_file, Family family) {
    return open_file != nullptr ? lock_record(*open_file->file, family) : 0;
}

[[gnu::cold, gnu::noinline]] void count_error(record::LeafExtra &extra, int error) {
    for (unsigned i = 0; i < record::max_leaf_errors; ++i) {
        record::ErrorCount &slot = extra.errors[i];
        const bool last = i + 1 == record::max_leaf_errors;
        if (slot.count == 0 && !last) {
            slot.error = static_cast<std::uint32_t>(error);
        }
        if (last || slot.error == static_cast<std::uint32_t>(error)) {
            ++slot.count;
            return;
        }
    }
}

/// Those who hold the lock see that somebody wants it.
[[gnu::cold, gnu::noinline]] void mark_waited(record::Ref lock_ref, std::uint64_t ticks) {
    auto *lock = record::resolve<record::Lock>(run.arena, lock_ref);
    if (lock != nullptr && __atomic_load_n(&lock->waited_ticks, __ATOMIC_RELAXED) < ticks) {
        __atomic_store_n(&lock->waited_ticks, ticks, __ATOMIC_RELAXED);
    }
}

record::Event event_of(ThreadState &thread, record::EventKind kind, const Operation &operation,
                       record::Ref lock, record::Ref stack) {
    record::Event event{};
    event.kind = kind;
    event.family = operation.family;
    event.mode = operation.mode;
    event.error = operation.error;
    event.lock = lock;
    event.stack = stack;
    event.process = run.process_ref;
    event.thread = thread.block->thread;
    event.start_ticks = operation.start_ticks;
    event.end_ticks = operation.end_ticks;
    event.attempts = 1;
    event.range_start = operation.range.start;
    event.range_end = operation.range.end;
    return event;
}

/// Polling went on for a while after the lock was free: from its last release inside the episode to the
/// grant.
void count_overshoot(ThreadState &thread, record::LeafExtra &extra, const record::Episode &episode,
                     const Operation &operation, record::Ref lock_ref) {
    const auto *lock = record::resolve<record::Lock>(run.arena, lock_ref);
    if (lock == nullptr) {
        return;
    }
    const std::uint64_t released = __atomic_load_n(&lock->released_ticks, __ATOMIC_RELAXED);
    if (released >= episode.first_ticks && released <= operation.end_ticks) {
        add_sample(thread, extra.overshoot, operation.end_ticks - released, operation.end_ticks);
    }
}

/// The rest of what a contended acquisition adds. `episode.first_ticks` is 0 where it did not poll.
[[gnu::cold, gnu::noinline]] void count_contended(ThreadState &thread, record::Leaf &leaf,
                                                  const record::Episode &episode, const Operation &operation,
                                                  record::Ref lock) {
    const bool stitched = episode.first_ticks != 0;
    const std::uint64_t wait_from = stitched ? episode.first_ticks : operation.wait_ticks;
    const std::uint64_t wait = operation.end_ticks - wait_from;
    add_sample(thread.block->totals.wait, wait, operation.end_ticks);
    record::Event event = event_of(thread, record::EventKind::acquired, operation, lock, leaf.stack);
    if (stitched) {
        event.start_ticks = episode.first_ticks;
        event.attempts += episode.attempts;
    } else {
        event.probe_ticks = static_cast<std::uint32_t>(
            std::min<std::uint64_t>(operation.wait_ticks - operation.start_ticks, UINT32_MAX));
    }
    log_event(thread, event);
    record::LeafExtra *extra = find_extra(thread, leaf);
    if (extra == nullptr) {
        return;
    }
    add_sample(thread, extra->wait, wait, operation.end_ticks);
    if (episode.refused != 0) {
        ++extra->polled;
        count_overshoot(thread, *extra, episode, operation, lock);
    }
}

void count_granted(ThreadState &thread, OpenFile *open_file, const Operation &operation, StackUse use,
                   record::Leaf &leaf) {
    record::Episode episode{};
    if (thread.open_episodes != 0 && open_file != nullptr) {
        take_episode(thread, *open_file->file, operation, &episode);
    }
    const std::uint64_t start = episode.first_ticks != 0 ? episode.first_ticks : operation.start_ticks;
    const std::uint64_t enter = operation.end_ticks - start;
    add_sample(thread, leaf.first, enter, operation.end_ticks);
    add_sample(thread.block->totals.enter, enter, operation.end_ticks);
    if (operation.waited || episode.first_ticks != 0) {
        count_contended(thread, leaf, episode, operation, leaf.lock);
    }
    if (open_file != nullptr) {
        begin_region(thread, *open_file, operation, use, &leaf);
    }
}

[[gnu::cold, gnu::noinline]] void count_not_granted(ThreadState &thread, OpenFile *open_file,
                                                    const Operation &operation, record::Leaf &leaf) {
    record::LeafExtra *extra = find_extra(thread, leaf);
    record::LeafExtra nowhere{};
    record::LeafExtra &counts = extra != nullptr ? *extra : nowhere;
    switch (operation.outcome) {
    case Outcome::refused: ++counts.refused; break;
    case Outcome::interrupted: ++counts.interrupted; break;
    case Outcome::deadlocked: ++counts.deadlocked; break;
    default:
        ++counts.failed;
        count_error(counts, operation.error);
        break;
    }
    if (extra == nullptr) {
        count_lost(&record::Lost::calls);
    }
    if (operation.outcome == Outcome::deadlocked || operation.outcome == Outcome::failed) {
        log_event(thread, event_of(thread, record::EventKind::failed, operation, leaf.lock, leaf.stack));
    }
    if (operation.outcome != Outcome::failed && leaf.lock != 0) {
        note_wanted(thread, leaf, operation.range);
    }
    if (operation.outcome == Outcome::deadlocked || operation.outcome == Outcome::failed) {
        return;
    }
    if (open_file != nullptr) {
        mark_waited(leaf.lock, operation.start_ticks);
        note_episode(thread, *open_file->file, operation, leaf.lock, leaf.stack);
        end_by_failed_conversion(thread, *open_file, operation);
    }
}

} // namespace

void count_attempt(ThreadState &thread, OpenFile *open_file, const Operation &operation) {
    const StackUse use = find_stack(thread, operation);
    const record::Ref lock = lock_of(open_file, operation.family);
    record::Leaf *leaf = find_leaf(thread, use, lock, acquire_kind(operation.mode), operation.family);
    ++thread.block->totals.attempts;
    if (!inherited_known) [[unlikely]] {
        find_inherited(thread);
    }
    if (leaf == nullptr) {
        count_lost(&record::Lost::calls);
        if (operation.outcome == Outcome::granted && open_file != nullptr) {
            begin_region(thread, *open_file, operation, use, nullptr);
        }
        return;
    }
    if (operation.waited) {
        mark_waited(lock, operation.wait_ticks);
    }
    if (operation.outcome == Outcome::granted) {
        count_granted(thread, open_file, operation, use, *leaf);
    } else {
        count_not_granted(thread, open_file, operation, *leaf);
    }
    if (thread.open_episodes != 0) {
        abandon_late_episodes(thread, operation.end_ticks);
    }
}

void count_unlock(ThreadState &thread, OpenFile *open_file, const Operation &operation) {
    const record::Ref lock = lock_of(open_file, operation.family);
    record::Leaf *leaf =
        find_leaf(thread, without_stack(thread, lock), lock, record::LeafKind::release, operation.family);
    ++thread.block->totals.unlocks;
    const bool released =
        open_file != nullptr && operation.error == 0 && end_by_unlock(thread, *open_file, operation);
    if (leaf == nullptr) {
        count_lost(&record::Lost::calls);
        return;
    }
    ++leaf->calls;
    if (released) {
        add_sample(thread, leaf->first, operation.end_ticks - operation.start_ticks, operation.end_ticks);
    }
    if (operation.error != 0) {
        if (record::LeafExtra *extra = find_extra(thread, *leaf); extra != nullptr) {
            count_error(*extra, operation.error);
        }
    }
}

void count_test(ThreadState &thread, OpenFile *open_file, const Operation &operation) {
    const record::Ref lock = lock_of(open_file, operation.family);
    record::Leaf *leaf =
        find_leaf(thread, without_stack(thread, lock), lock, record::LeafKind::test, operation.family);
    if (leaf == nullptr) {
        count_lost(&record::Lost::calls);
        return;
    }
    ++leaf->calls;
    add_sample(thread, leaf->first, operation.end_ticks - operation.start_ticks, operation.end_ticks);
    if (operation.error != 0) {
        if (record::LeafExtra *extra = find_extra(thread, *leaf); extra != nullptr) {
            count_error(*extra, operation.error);
        }
    }
}

void count_releasing_close(ThreadState &thread, record::Ref lock, Family family, const Operation &operation) {
    record::Leaf *leaf =
        find_leaf(thread, without_stack(thread, lock), lock, record::LeafKind::release, family);
    if (leaf != nullptr) {
        add_sample(thread, leaf->first, operation.end_ticks - operation.start_ticks, operation.end_ticks);
    }
}

void abandon_episodes(ThreadState &thread) { abandon_late_episodes(thread, UINT64_MAX); }

} // namespace flockstat::shim
