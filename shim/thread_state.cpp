#include "shim/thread_state.h"

#include "shim/private_memory.h"
#include "shim/run.h"
#include "shim/signals_blocked.h"
#include "shim/spin_lock.h"

#include <cerrno>
#include <new>
#include <pthread.h>

namespace flockstat::shim {

std::uint32_t module_unloads = 0;
thread_local constinit ThreadSlot thread_slot{};

namespace {

constexpr std::size_t state_bytes = (sizeof(ThreadState) + 4095) & ~std::size_t{4095};
constexpr std::size_t stack_cache_bytes = 64 * 1024;

SpinLock states_lock; ///< guards idle_states and all_states
ThreadState *idle_states = nullptr;
ThreadState *all_states = nullptr;
pthread_key_t end_key;
bool end_key_made = false;
void (*on_thread_end)(ThreadState *) = nullptr;

ThreadState *take_idle_state() {
    if (!states_lock.lock()) {
        return nullptr;
    }
    ThreadState *state = idle_states;
    if (state != nullptr) {
        idle_states = state->next_idle;
    }
    states_lock.unlock();
    return state;
}

ThreadState *make_state() {
    auto *memory = static_cast<char *>(map_pages(state_bytes + stack_cache_bytes));
    if (memory == nullptr) {
        return nullptr;
    }
    auto *state = new (memory) ThreadState;
    state->stacks.attach(memory + state_bytes, stack_cache_bytes, &module_unloads);
    if (!states_lock.lock()) {
        unmap_pages(memory, state_bytes + stack_cache_bytes);
        return nullptr;
    }
    state->next_all = all_states;
    all_states = state;
    states_lock.unlock();
    return state;
}

/// The key's destructor: runs in the thread that ends. A lock call after it (in another key's destructor)
/// makes a state again, and this runs once more.
void thread_ended(void *pointer) {
    auto *state = static_cast<ThreadState *>(pointer);
    on_thread_end(state);
    state->quick_generation = ThreadState::no_generation;
    state->generation = 0; // who takes it over keeps the block, and is another thread
    state->held = {};
    thread_slot.state = nullptr;
    if (states_lock.lock()) {
        state->next_idle = idle_states;
        idle_states = state;
        states_lock.unlock();
    }
}

} // namespace

void OperationQueue::push(const Operation &operation) {
    if (filled_ - taken_ >= capacity - nested_pushes) {
        count_lost(&record::Lost::calls);
        return;
    }
    // Taken first: another signal may come now, and its handler's operation goes behind this one.
    Operation &slot = operations_[__atomic_fetch_add(&filled_, 1U, __ATOMIC_RELAXED) % capacity];
    slot = operation;
    slot.frames_gone = true;
}

bool OperationQueue::pop(Operation *out) {
    if (empty()) {
        return false;
    }
    *out = operations_[taken_ % capacity];
    ++taken_;
    return true;
}

ThreadState *all_thread_states() { return all_states; }

ThreadState *make_thread_state() {
    if (!end_key_made) {
        return nullptr;
    }
    const SignalsBlocked blocked;
    if (thread_slot.state != nullptr) {
        return thread_slot.state; // a signal handler has made it just before
    }
    name_lock_holder();
    ThreadState *state = take_idle_state();
    if (state == nullptr) {
        state = make_state();
    }
    if (state != nullptr) {
        // No malloc: the constructor's key is among the first 32, whose values lie in the thread itself
        // (glibc, nptl/pthread_setspecific.c).
        pthread_setspecific(end_key, state);
        state->errno_at = &errno;
        thread_slot.state = state;
    }
    return state;
}

void watch_thread_ends(void (*ended)(ThreadState *)) {
    on_thread_end = ended;
    end_key_made = pthread_key_create(&end_key, thread_ended) == 0;
}

void reset_thread_states() {
    name_lock_holder();
    idle_states = nullptr;
    for (ThreadState *state = all_states; state != nullptr; state = state->next_all) {
        if (state != thread_slot.state) { // the calling thread is inside, and goes on
            state->inside = {};
            state->left_inside = false;
            state->queue.clear();
            state->held = {};
            state->next_idle = idle_states;
            idle_states = state;
        }
        state->quick_generation = ThreadState::no_generation;
        state->block = nullptr;
        state->block_ref = 0;
        state->events = nullptr;
        state->open_episodes = 0;
        state->room_next = state->room_end = 0;
        state->forget_leaves();
        state->slots = nullptr;
        state->slots_used = 0;
        for (HeldRegion *region = state->region_pool; region != nullptr; region = region->next) {
            region->live = nullptr; // a slot of the parent's
        }
    }
}

} // namespace flockstat::shim
