// The short way of an ordinary call leaves the same in the arena as the bookkeeping does.
#include "shim/quick_count.h"

#include "tests/unit/recording.h"

#include <catch2/catch.hpp>

#include <cerrno>
#include <random>
#include <sstream>
#include <string>
#include <sys/file.h>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace flockstat;
using namespace flockstat::test;
using shim::Deed;
using shim::Mode;

namespace {

enum class Way { bookkeeping, quick_first };

/// One call on one of a few descriptors, and how long nothing happened before.
struct Step {
    unsigned file;
    int flock_operation;
    int error;
    std::uint64_t idle_ns, took_ns;
};

std::vector<Step> random_steps(std::uint64_t seed) {
    std::mt19937_64 random(seed);
    std::vector<Step> steps;
    for (int i = 0; i < 2'000; ++i) {
        static constexpr int operations[] = {LOCK_EX, LOCK_EX, LOCK_SH, LOCK_UN, LOCK_UN, LOCK_UN};
        Step step{};
        step.file = static_cast<unsigned>(random() % 3);
        step.flock_operation = operations[random() % std::size(operations)];
        const bool refused = step.flock_operation != LOCK_UN && random() % 16 == 0;
        step.error = refused ? EAGAIN : 0;
        step.idle_ns = random() % 32 == 0 ? 20 * ms : random() % (100 * us); // some are to be verified again
        step.took_ns = 100 + random() % 1'000;
        steps.push_back(step);
    }
    return steps;
}

/// Stands for the wrapper: its caller is the site. Returns true where the call was counted on the short way.
[[gnu::noinline]] bool locked_call(Recording *recording, int descriptor, const Step &step, Way way) {
    const shim::LockCall call = shim::decode_flock(step.flock_operation);
    shim::Operation operation;
    operation.site = FLOCKSTAT_CALL_SITE();
    operation.deed = call.action == shim::Action::unlock ? Deed::unlock : Deed::attempt;
    operation.mode = call.mode;
    operation.descriptor = descriptor;
    operation.error = step.error;
    operation.outcome = shim::outcome_of(step.error, call.family);
    recording->wait(step.idle_ns);
    operation.start_ticks = recording->now();
    recording->wait(step.took_ns);
    operation.end_ticks = recording->now();
    if (way == Way::quick_first && step.error == 0 &&
        shim::count_quickly(call, descriptor, operation.site, operation.start_ticks, operation.end_ticks)) {
        return true;
    }
    shim::apply(operation);
    return false;
}

void write(std::ostream &out, const char *name, const reporter::Samples &samples) {
    out << ' ' << name << ' ' << samples.count << ' ' << samples.sum_ns << ' ' << samples.min_ns << ' '
        << samples.max_ns << ' ' << samples.last_ns;
    for (const reporter::ValueCount &value : samples.values) {
        out << ' ' << value.value_ns << 'x' << value.count;
    }
}

/// All that was recorded, but for moments, addresses and the directory.
std::string text_of(const reporter::Run &run) {
    std::ostringstream out;
    for (const reporter::Leaf &leaf : run.leaves) {
        out << run.locks.at(leaf.lock).path.back() << ' ' << static_cast<int>(leaf.kind) << ' '
            << run.stacks.at(leaf.stack).frames.size() << ' ' << leaf.calls << ' ' << leaf.refused << ' '
            << leaf.polled << ' ' << leaf.abandoned;
        for (const std::uint64_t count : leaf.released) {
            out << ' ' << count;
        }
        write(out, "first", leaf.first);
        write(out, "region", leaf.region);
        write(out, "wait", leaf.wait);
        write(out, "overshoot", leaf.overshoot);
        out << '\n';
    }
    for (const reporter::Region &region : run.regions) {
        out << "held " << run.locks.at(region.lock).path.back() << ' ' << static_cast<int>(region.mode) << ' '
            << region.range_start << ' ' << region.range_end << ' ' << region.thread << '\n';
    }
    for (const reporter::Event &event : run.events) {
        out << "event " << static_cast<int>(event.kind) << ' ' << event.end_at_ns - event.start_at_ns << ' '
            << event.attempts << '\n';
    }
    const reporter::Process &process = run.processes.at(0);
    out << process.attempts << ' ' << process.unlocks;
    write(out, "enter", process.enter);
    write(out, "region", process.region);
    write(out, "wait", process.wait);
    return out.str();
}

struct Outcome {
    std::string text;
    unsigned quick = 0;
};

Outcome play(const std::vector<Step> &steps, Way way) {
    Recording recording;
    shim::run.stacks = true;
    const int files[] = {recording.open("a"), recording.open("a"), recording.open("b")};
    Outcome outcome;
    for (const Step &step : steps) {
        outcome.quick += locked_call(&recording, files[step.file], step, way) ? 1U : 0U;
    }
    outcome.text = text_of(recording.read());
    for (const int file : files) {
        recording.close(file);
    }
    return outcome;
}

} // namespace

TEST_CASE("calls that are counted quickly leave what the bookkeeping leaves") {
    const std::uint64_t seed = GENERATE(1U, 2U, 3U);
    const std::vector<Step> steps = random_steps(seed);
    const Outcome truth = play(steps, Way::bookkeeping);
    const Outcome quick = play(steps, Way::quick_first);
    CHECK(truth.quick == 0);
    CHECK(quick.quick > 300);
    CHECK(quick.text == truth.text);
}

TEST_CASE("what is out of the ordinary is not counted quickly") {
    Recording recording;
    shim::run.stacks = true;
    const int files[] = {recording.open("a"), recording.open("a")};
    const Step lock{.file = 0, .flock_operation = LOCK_EX, .error = 0, .idle_ns = 0, .took_ns = 100};
    Step unlock = lock;
    unlock.flock_operation = LOCK_UN;
    // Nothing is known of the first ones.
    std::vector<Step> steps = {lock, unlock, lock, unlock};
    std::vector<bool> quick = {false, false, true, true};
    bool inside_at_last = false;
    SECTION("an unlock of nothing") {
        steps.push_back(unlock);
        quick.push_back(false);
    }
    SECTION("a second request") {
        steps.insert(steps.end(), {lock, lock, unlock, lock});
        quick.insert(quick.end(), {true, false, true, true});
    }
    SECTION("a release that somebody was refused for") {
        Step refused = lock;
        refused.file = 1;
        refused.error = EAGAIN;
        steps.insert(steps.end(), {lock, refused, unlock});
        quick.insert(quick.end(), {true, false, false});
    }
    SECTION("while the thread polls") {
        Step refused = lock;
        refused.file = 1;
        refused.error = EAGAIN;
        steps.insert(steps.end(), {refused, lock});
        quick.insert(quick.end(), {false, false});
    }
    SECTION("a descriptor that was not verified for long") {
        steps.push_back(lock);
        steps.back().idle_ns = 11 * ms;
        quick.push_back(false);
    }
    SECTION("inside the bookkeeping") {
        inside_at_last = true;
        steps.push_back(lock);
        quick.push_back(false);
    }
    std::vector<bool> seen;
    for (const Step &step : steps) { // one place, so that it is one stack
        if (inside_at_last && &step == &steps.back()) {
            shim::existing_thread_state()->inside =
                reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0)) + 4096;
        }
        seen.push_back(locked_call(&recording, files[step.file], step, Way::quick_first));
    }
    shim::existing_thread_state()->inside = 0;
    CHECK(seen == quick);
    for (const int file : files) {
        recording.close(file);
    }
}

TEST_CASE("a thread's regions name it, though another one had its state before") {
    Recording recording;
    shim::run.stacks = true;
    const int files[] = {recording.open("a"), recording.open("a")};
    Step lock_one{.file = 0, .flock_operation = LOCK_SH, .error = 0, .idle_ns = 0, .took_ns = 100};
    Step lock_other = lock_one;
    lock_other.file = 1;
    Step unlock_one = lock_one;
    unlock_one.flock_operation = LOCK_UN;
    Step unlock_other = lock_other;
    unlock_other.flock_operation = LOCK_UN;
    unsigned quick = 0;
    std::vector<bool> named_right;
    const auto play_in_thread = [&](const std::vector<Step> &steps) {
        std::thread([&] {
            for (const Step &step : steps) {
                const bool counted = locked_call(&recording, files[step.file], step, Way::quick_first);
                quick += counted ? 1U : 0U;
            }
            for (const reporter::Region &region : recording.read().regions) {
                named_right.push_back(region.thread == gettid());
            }
        }).join();
    };
    play_in_thread({lock_one, lock_other, unlock_other, unlock_one});
    CHECK(named_right.empty());
    quick = 0;
    // Each takes the region that it had in the thread before.
    play_in_thread({lock_one, unlock_one, lock_one, lock_other});
    CHECK(quick >= 2);
    CHECK(named_right == std::vector<bool>{true, true});
    for (const int file : files) {
        recording.close(file);
    }
}
