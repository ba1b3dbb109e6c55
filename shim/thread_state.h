/// What one thread keeps for its bookkeeping: private memory, a few pages, reused by other threads when it
/// ends.
#pragma once

#include "reporter/record/arena.h"
#include "shim/frame_mark.h"
#include "shim/held_now.h"
#include "shim/held_region.h"
#include "shim/leaf_index.h"
#include "shim/module_cache.h"
#include "shim/operation.h"
#include "shim/python_frames.h"
#include "shim/run.h"
#include "shim/stack_cache.h"
#include "shim/thread_slot.h"

namespace flockstat::shim {

/// Operations of signal handlers that ran while their thread was inside the bookkeeping. Filled by handlers
/// on top of the frame that empties it, so plain stores by one thread; what does not fit is counted as lost.
class OperationQueue {
public:
    void push(const Operation &operation);
    /// Takes the oldest; false where there is none.
    [[nodiscard]] bool pop(Operation *out);
    [[nodiscard]] bool empty() const { return __atomic_load_n(&filled_, __ATOMIC_RELAXED) == taken_; }
    [[nodiscard]] bool half_full() const {
        return __atomic_load_n(&filled_, __ATOMIC_RELAXED) - taken_ >= capacity / 2;
    }
    void clear() { filled_ = taken_ = 0; }

private:
    static constexpr unsigned capacity = 32;
    static constexpr unsigned nested_pushes = 8; ///< handlers that interrupt each other's push
    unsigned filled_ = 0;                        ///< ever pushed
    unsigned taken_ = 0;                         ///< ever popped
    Operation operations_[capacity];
};

/// What every call looks at comes first.
struct ThreadState {
    // The guard: the frame that is inside the bookkeeping. See bookkeeping.h.
    FrameMark inside;
    /// Ordinary calls may be counted at once (quick_count.h) while the word that fork_word points to, which
    /// the kernel zeroes in a child, says quick_generation.
    const std::uint32_t *fork_word = &never_quick;
    std::uint32_t quick_generation = no_generation;
    std::uint32_t generation = 0;         ///< of the process that `block` was taken for
    record::ThreadBlock *block = nullptr; ///< what the thread writes in the arena; null: none yet, or no room
    HeldRegion *region_pool = nullptr;
    int *errno_at = nullptr; ///< the thread's errno
    unsigned leaf_epoch = 0; ///< changes with `block`: leaf pointers of before are not this block's
    unsigned open_episodes = 0;
    bool left_inside = false; ///< the guard was broken, and what the frame left behind is not mended yet
    HeldNow held;
    StackCache stacks;
    OperationQueue queue;
    /// What knows the leaves of calls that are counted without a stack, by lock.
    static constexpr unsigned stackless_count = 16;
    CachedStack stackless[stackless_count];

    HeldRegion *in_doubt = nullptr; ///< doubtful_close.h
    record::Ref block_ref = 0;
    unsigned event_count = 0; ///< in `events`
    LeafIndex leaves;
    std::uint64_t room_next = 0,
                  room_end = 0; ///< bytes from the arena's start, taken for this block's records

    record::EventChunk *events = nullptr;
    record::RegionGroup *slots = nullptr; ///< live regions: the group whose slots are handed out now
    unsigned slots_used = 0;              ///< handed out of `slots`

    ThreadState *next_idle = nullptr; ///< among those whose thread has ended
    ThreadState *next_all = nullptr;
    ModuleCache modules;
    // For unwinding: too large for a foreign stack.
    UnwoundFrame unwound[record::max_stack_frames];
    record::Frame frames[record::max_stack_frames];
    NativeFrame native[record::max_stack_frames];
    PythonFrame python_frames[record::max_stack_frames];
    PythonFunction python_function;

    /// The leaves that are known are of another block, or gone.
    void forget_leaves() {
        ++leaf_epoch;
        leaves.clear();
        stacks.flush();
        for (CachedStack &each : stackless) {
            each = {};
        }
    }

    static constexpr std::uint32_t no_generation = UINT32_MAX;
    static constexpr std::uint32_t never_quick = 0;
};

/// The calling thread's state where it has one.
[[nodiscard]] inline ThreadState *existing_thread_state() { return thread_slot.state; }

/// The slow part of thread_state.
[[nodiscard, gnu::cold]] ThreadState *make_thread_state();

/// The calling thread's state, made at its first use; nullptr without memory.
/// Async-signal-safe.
[[nodiscard]] inline ThreadState *thread_state() {
    return thread_slot.state != nullptr ? thread_slot.state : make_thread_state();
}

/// All states of this process, linked by next_all, those of ended threads included.
[[nodiscard]] ThreadState *all_thread_states();

/// Counts dlclose calls: stacks and modules that were seen before may be others now.
extern std::uint32_t module_unloads;

/// In the constructor: have `ended(ThreadState*)` called when a thread ends.
void watch_thread_ends(void (*ended)(ThreadState *));

/// In a child of fork: the states of the parent's other threads are idle now, and all belong to nobody's
/// block.
void reset_thread_states();

} // namespace flockstat::shim
