#include "shim/wait_counters.h"

#include "reporter/record/histogram.h"
#include "shim/bookkeeping.h"
#include "shim/private_memory.h"
#include "shim/recorder.h"
#include "shim/watched_call.h"

#include <new>

namespace flockstat::shim {
namespace {

/// A context is the start in its low bits, and above them which of the processes that share this image by
/// fork began the wait; never 0.
constexpr unsigned generation_shift = 48;
constexpr std::uint64_t start_mask = (std::uint64_t{1} << generation_shift) - 1;
constexpr std::uint64_t generation_mask = 0x7FFF;

constexpr std::size_t keys_in_page = 4096 / sizeof(KeyCounter);

/// All keys of the process. `lock` guards the rest.
struct Keys {
    SpinLock lock;
    KeyCounter *first = nullptr;
    KeyCounter *room = nullptr;
    std::size_t room_left = 0;
};
Keys keys;

std::uint64_t generation_bits() { return ((run.generation - 1) % generation_mask + 1) << generation_shift; }

/// Takes the lock, or gives up as SpinLock does. A thread that never locked a file has no name yet.
bool take(SpinLock &lock) {
    if (thread_slot.lock_name == 0) [[unlikely]] {
        name_lock_holder();
    }
    return lock.lock();
}

/// A raw clone's child learns here at the latest that it is another process; a child of fork knows already.
void notice_child() {
    if (run.fork_page == nullptr || run.fork_page->generation != 0) [[likely]] {
        return;
    }
    if (ThreadState *thread = existing_thread_state(); thread != nullptr) {
        inside_bookkeeping(*thread, [](ThreadState &) { notice_fork(); });
    } else {
        notice_fork();
    }
}

/// The record of this process for the key, made at the first use. With the lock held.
[[gnu::cold, gnu::noinline]] bool attach_record(KeyCounter &counter) {
    counter.record = nullptr;
    if (!attach_run()) {
        return false;
    }
    const record::Ref ref =
        record::take_room(run.arena, sizeof(record::WaitCounter), alignof(record::WaitCounter));
    auto *made = record::resolve<record::WaitCounter>(run.arena, ref);
    if (made == nullptr) {
        return false;
    }
    made->name = counter.name;
    made->process = run.process_ref;
    record::push(&reinterpret_cast<record::Header *>(run.arena.base)->wait_counters, made, ref);
    counter.record = made;
    counter.generation = run.generation;
    return true;
}

/// Counts one more in a bucket, where there is room for its octave.
void count_bucket(record::Histogram &histogram, unsigned bucket) {
    record::Ref &octave = histogram.octaves[bucket / record::steps_in_octave];
    auto *line = record::resolve<record::OctaveCounts>(run.arena, octave);
    if (line == nullptr) [[unlikely]] {
        octave = record::take_room(run.arena, sizeof(record::OctaveCounts), alignof(record::OctaveCounts));
        line = record::resolve<record::OctaveCounts>(run.arena, octave);
    }
    if (line != nullptr) {
        count_in_octave(*line, bucket);
    }
}

/// The fourth sample: the first three, which are min, max and the rest, go into a histogram now.
[[gnu::cold, gnu::noinline]] record::Histogram *make_histogram(record::Stat &stat) {
    stat.histogram = record::take_room(run.arena, sizeof(record::Histogram));
    auto *histogram = record::resolve<record::Histogram>(run.arena, stat.histogram);
    if (histogram != nullptr) {
        const std::uint64_t rest = stat.sum_ticks - stat.min_ticks - stat.max_ticks;
        for (const std::uint64_t value : {stat.min_ticks, rest, stat.max_ticks}) {
            count_bucket(*histogram, record::bucket_of(value));
        }
    }
    return histogram;
}

void add_wait(record::Stat &stat, std::uint64_t wait_us, std::uint64_t at_us) {
    if (stat.count >= record::samples_without_histogram) {
        auto *histogram = record::resolve<record::Histogram>(run.arena, stat.histogram);
        if (histogram == nullptr && stat.count == record::samples_without_histogram) {
            histogram = make_histogram(stat);
        }
        if (histogram != nullptr) {
            count_bucket(*histogram, record::bucket_of(wait_us));
        }
    }
    add_to_summary(stat, wait_us, at_us);
}

/// A new key, with the list's lock held.
KeyCounter *make_key(record::Ref name) {
    if (keys.room_left == 0) {
        keys.room = static_cast<KeyCounter *>(map_pages(keys_in_page * sizeof(KeyCounter)));
        keys.room_left = keys.room == nullptr ? 0 : keys_in_page;
    }
    if (keys.room_left == 0) {
        return nullptr;
    }
    --keys.room_left;
    auto *made = new (keys.room++) KeyCounter;
    made->name = name;
    made->next = keys.first;
    keys.first = made;
    return made;
}

} // namespace

KeyCounter *find_key_counter(std::string_view key) {
    if (passing()) {
        return nullptr;
    }
    notice_child();
    if (!attach_run() || !take(keys.lock)) {
        return nullptr;
    }
    const record::Ref name = record::intern_string(run.arena, key);
    KeyCounter *found = name == 0 ? nullptr : keys.first;
    while (found != nullptr && found->name != name) {
        found = found->next;
    }
    if (found == nullptr && name != 0) {
        found = make_key(name);
    }
    keys.lock.unlock();
    return found;
}

std::int64_t start_wait(KeyCounter &counter, std::int64_t now_us) {
    if (passing()) [[unlikely]] {
        return 0;
    }
    notice_child();
    if (!take(counter.lock)) {
        count_lost(&record::Lost::calls);
        return 0;
    }
    const bool current = counter.record != nullptr && counter.generation == run.generation;
    if (!current && !attach_record(counter)) [[unlikely]] {
        counter.lock.unlock();
        count_lost(&record::Lost::calls);
        return 0;
    }
    record::WaitCounter &record = *counter.record;
    const auto now = static_cast<std::uint64_t>(now_us);
    if (record.active == 0) {
        record.busy_since_us = now;
    }
    const std::uint32_t active = record.active + 1;
    record.active = active;
    if (active > record.max_active) {
        record.max_active = active;
    }
    counter.lock.unlock();
    return static_cast<std::int64_t>(generation_bits() | (now & start_mask));
}

void stop_wait(KeyCounter &counter, std::int64_t now_us, std::int64_t context) {
    const auto bits = static_cast<std::uint64_t>(context);
    if (context == 0 || passing()) [[unlikely]] {
        return;
    }
    notice_child();
    if ((bits & ~start_mask) != generation_bits()) {
        return; // its parent began it, and counts it when it stops there
    }
    if (!take(counter.lock)) {
        count_lost(&record::Lost::calls); // it stays active in the record
        return;
    }
    if (counter.record != nullptr && counter.generation == run.generation) [[likely]] {
        record::WaitCounter &record = *counter.record;
        const auto now = static_cast<std::uint64_t>(now_us);
        const std::uint64_t wait_us = (now - bits) & start_mask;
        // Threads come here in another order than they read the clock in: then a wait ends a little early.
        add_wait(record.waits, wait_us <= start_mask / 2 ? wait_us : 0, now);
        if (record.active != 0) {
            record.active -= 1;
        }
        if (record.active == 0 && now > record.busy_since_us) {
            record.busy_us += now - record.busy_since_us;
        }
    }
    counter.lock.unlock();
}

} // namespace flockstat::shim
