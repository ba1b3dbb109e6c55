/// Taking and giving back thread blocks: the part of recorder.h that runs once a thread.
#include "shim/recorder.h"

#include "reporter/record/system_call.h"

#include <algorithm>

namespace flockstat::shim {
namespace {

/// A block with more leaves than this is not handed on: finding them again would cost the next thread too
/// much.
constexpr std::uint32_t max_leaves_to_hand_on = 1024;

record::Header &header() { return *reinterpret_cast<record::Header *>(run.arena.base); }

/// Pops the header's stack of free blocks. The high half counts changes, so that a block that was popped and
/// pushed meanwhile is noticed.
record::Ref pop_free_block() {
    std::uint64_t head = __atomic_load_n(&header().free_blocks, __ATOMIC_ACQUIRE);
    while (true) {
        const auto ref = static_cast<record::Ref>(head);
        const auto *block = record::resolve<record::ThreadBlock>(run.arena, ref);
        if (block == nullptr) {
            return 0;
        }
        const std::uint64_t next = (((head >> 32U) + 1) << 32U) | block->next_free;
        if (__atomic_compare_exchange_n(&header().free_blocks, &head, next, true, __ATOMIC_ACQ_REL,
                                        __ATOMIC_ACQUIRE)) {
            return ref;
        }
    }
}

void push_free_block(record::ThreadBlock *block, record::Ref ref) {
    std::uint64_t head = __atomic_load_n(&header().free_blocks, __ATOMIC_ACQUIRE);
    std::uint64_t mine = 0;
    do {
        block->next_free = static_cast<record::Ref>(head);
        mine = (((head >> 32U) + 1) << 32U) | ref;
    } while (!__atomic_compare_exchange_n(&header().free_blocks, &head, mine, true, __ATOMIC_ACQ_REL,
                                          __ATOMIC_ACQUIRE));
}

/// What the thread before left in its block: leaves to go on with, room, a half-filled event chunk.
void adopt_records(ThreadState &thread) {
    const record::ThreadBlock &block = *thread.block;
    record::Ref ref = block.leaves;
    for (std::uint32_t i = 0; i < max_leaves_to_hand_on; ++i) {
        auto *leaf = record::resolve<record::Leaf>(run.arena, ref);
        if (leaf == nullptr) {
            break;
        }
        const std::uint64_t key = leaf_key(leaf->lock, leaf->stack, leaf->kind, leaf->family);
        if (thread.leaves.find(key) == nullptr && !thread.leaves.insert(key, leaf)) {
            break;
        }
        ref = leaf->next;
    }
    const std::uint64_t next = std::uint64_t{block.room_next} * record::ref_unit;
    const std::uint64_t end = std::uint64_t{block.room_end} * record::ref_unit;
    if (next >= sizeof(record::Header) && next <= end && end <= run.arena.bytes &&
        end - next <= 64U * 1024U) {
        thread.room_next = next;
        thread.room_end = end;
    }
    thread.events = record::resolve<record::EventChunk>(run.arena, block.events);
    thread.event_count = 0;
    while (thread.events != nullptr && thread.event_count < record::events_in_chunk &&
           thread.events->events[thread.event_count].kind != record::EventKind::none) {
        ++thread.event_count;
    }
}

bool take_block(ThreadState &thread) {
    record::Ref ref = pop_free_block();
    auto *block = record::resolve<record::ThreadBlock>(run.arena, ref);
    const bool adopted = block != nullptr;
    if (!adopted) {
        ref = take_own_room(thread, sizeof(record::ThreadBlock), 64);
        block = record::resolve<record::ThreadBlock>(run.arena, ref);
        if (block == nullptr) {
            return false;
        }
        record::push(&header().blocks, block, ref);
    }
    thread.block = block;
    thread.block_ref = ref;
    thread.forget_leaves();
    thread.slots = nullptr;
    thread.open_episodes = 0;
    thread.events = nullptr; // of a block that may be another's by now
    thread.event_count = 0;
    if (adopted) {
        adopt_records(thread);
        block->totals = {};
        std::fill_n(block->episodes, record::max_episodes, record::Episode{});
    }
    block->epoch = run.process->epoch;
    __atomic_store_n(&block->process, run.process_ref, __ATOMIC_RELEASE);
    return true;
}

void merge(record::ShortStat &into, const record::ShortStat &from) {
    if (from.count == 0) {
        return;
    }
    into.min_ticks = into.count == 0 ? from.min_ticks : std::min(into.min_ticks, from.min_ticks);
    into.max_ticks = std::max(into.max_ticks, from.max_ticks);
    if (from.last_at_ticks >= into.last_at_ticks) {
        into.last_ticks = from.last_ticks;
        into.last_at_ticks = from.last_at_ticks;
    }
    into.count += from.count;
    into.sum_ticks += from.sum_ticks;
}

void merge(record::ProcessTotals &into, const record::ProcessTotals &from) {
    into.attempts += from.attempts;
    into.unlocks += from.unlocks;
    merge(into.enter, from.enter);
    merge(into.region, from.region);
    merge(into.wait, from.wait);
}

/// Hands a thread's block on to whoever comes.
void give_block(ThreadState &thread) {
    record::ThreadBlock *block = thread.block;
    block->room_next = static_cast<record::Ref>(thread.room_next / record::ref_unit);
    block->room_end = static_cast<record::Ref>(thread.room_end / record::ref_unit);
    block->thread = 0;
    __atomic_store_n(&block->process, 0, __ATOMIC_RELEASE);
    thread.quick_generation = ThreadState::no_generation;
    thread.block = nullptr;
    thread.room_next = thread.room_end = 0;
    for (HeldRegion *region = thread.region_pool; region != nullptr; region = region->next) {
        region->live = nullptr;
    }
    if (block->leaf_count <= max_leaves_to_hand_on) {
        push_free_block(block, thread.block_ref);
    }
}

} // namespace

bool attach_block(ThreadState &thread) {
    // A state that is reused by another thread of this process keeps its block.
    if (!attach_run() || (thread.block == nullptr && !take_block(thread))) {
        count_lost(&record::Lost::calls);
        return false;
    }
    thread.generation = run.generation;
    ++thread.leaf_epoch; // what regions in the pool say of their thread is said of another one
    thread.block->thread = static_cast<std::int32_t>(record::system_call(SYS_gettid));
    ++thread.block->threads_served;
    __atomic_fetch_add(&header().thread_count, 1, __ATOMIC_RELAXED);
    __atomic_fetch_add(&run.process->threads, 1, __ATOMIC_RELAXED);
    return true;
}

void give_blocks(ThreadState *calling) {
    // The new sums are written beside the old ones, and the epoch's one store makes them count instead of
    // those of the blocks that are given back.
    record::Process &process = *run.process;
    const std::uint32_t next_epoch = process.epoch + 1;
    record::ProcessTotals totals = process.totals[process.epoch & 1U];
    for (const ThreadState *thread = all_thread_states(); thread != nullptr; thread = thread->next_all) {
        record::ThreadBlock *block = thread->block;
        if (block == nullptr || block->epoch != process.epoch) {
            continue;
        }
        if (thread != calling && block->thread != 0) {
            // It still runs, and may be writing at this moment: it keeps its block.
            block->epoch = next_epoch;
        } else {
            merge(totals, block->totals);
        }
    }
    process.totals[next_epoch & 1U] = totals;
    __atomic_store_n(&process.epoch, next_epoch, __ATOMIC_RELEASE);
    for (ThreadState *thread = all_thread_states(); thread != nullptr; thread = thread->next_all) {
        if (thread->block != nullptr && thread->block->epoch != next_epoch) {
            give_block(*thread);
        }
    }
}

} // namespace flockstat::shim
