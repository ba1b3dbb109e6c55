// The short way of an ordinary call leaves the same in the arena as the bookkeeping does.
#include "shim/quick_count.h"

#include "tests/unit/recording.h"

#include <catch2/catch.hpp>

#include <cerrno>
#include <random>
#include <sstream>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace flockstat;
using namespace flockstat::test;
using record::LeafKind;
using shim::Deed;
using shim::Mode;

namespace {

enum class Way { bookkeeping, quick_first };

/// One call on one of a few descriptors, and how long nothing happened before.
struct Step {
    unsigned file;
    LeafKind kind;
    int error;
    std::uint64_t idle_ns, took_ns;
    shim::Family family = shim::Family::flock;
    shim::Range range{};
};

std::vector<Step> random_steps(std::uint64_t seed, shim::Family family) {
    std::mt19937_64 random(seed);
    std::vector<Step> steps;
    for (int i = 0; i < 2'000; ++i) {
        static constexpr LeafKind kinds[] = {LeafKind::acquire_exclusive, LeafKind::acquire_shared,
                                             LeafKind::release, LeafKind::release};
        // One of them most of the time, and all given back at once: mostly one range is held, or none.
        static constexpr shim::Range asked[] = {{0, 9}, {0, 9}, {0, 9}, {5, 14}, {20, 20}};
        static constexpr shim::Range given_back[] = {{0, INT64_MAX}, {0, INT64_MAX}, {0, 9}, {5, 14}};
        Step step{};
        step.family = family;
        step.file = static_cast<unsigned>(random() % 3);
        step.kind = kinds[random() % std::size(kinds)];
        const bool refused = step.kind != LeafKind::release && random() % 16 == 0;
        step.error = refused ? EAGAIN : 0;
        step.idle_ns = random() % 32 == 0 ? 20 * ms : random() % (100 * us); // some are to be verified again
        step.took_ns = 100 + random() % 1'000;
        if (family != shim::Family::flock) {
            step.range = step.kind == LeafKind::release ? given_back[random() % std::size(given_back)]
                                                        : asked[random() % std::size(asked)];
        }
        steps.push_back(step);
    }
    return steps;
}

bool counted_quickly(const Step &step, const shim::Operation &operation) {
    shim::ThreadState *thread = shim::existing_thread_state();
    const shim::QuickCall call{operation.descriptor, operation.start_ticks, operation.end_ticks, step.kind,
                               step.range};
    if (thread == nullptr || step.error != 0) {
        return false;
    }
    switch (step.family) {
    case shim::Family::posix: return shim::count_quickly<shim::Family::posix>(*thread, call, operation.site);
    case shim::Family::ofd: return shim::count_quickly<shim::Family::ofd>(*thread, call, operation.site);
    default: return shim::count_quickly<shim::Family::flock>(*thread, call, operation.site);
    }
}

/// A call from `site`. Returns true where it was counted on the short way.
bool call_from(const shim::CallSite &site, Recording *recording, int descriptor, const Step &step, Way way) {
    shim::Operation operation;
    operation.site = site;
    operation.deed = step.kind == LeafKind::release ? Deed::unlock : Deed::attempt;
    operation.mode = step.kind == LeafKind::acquire_shared ? Mode::shared : Mode::exclusive;
    operation.family = step.family;
    operation.range = step.range;
    operation.descriptor = descriptor;
    operation.error = step.error;
    operation.outcome = shim::outcome_of(step.error, step.family);
    recording->wait(step.idle_ns);
    operation.start_ticks = recording->now();
    recording->wait(step.took_ns);
    operation.end_ticks = recording->now();
    if (way == Way::quick_first && counted_quickly(step, operation)) {
        return true;
    }
    shim::apply(operation);
    return false;
}

/// Stands for the wrapper: its caller is the site.
[[gnu::noinline]] bool locked_call(Recording *recording, int descriptor, const Step &step, Way way) {
    return call_from(FLOCKSTAT_CALL_SITE(), recording, descriptor, step, way);
}

/// Does something with its caller's site while that is alive.
template<typename Deed>
[[gnu::noinline]] void with_site(Deed deed) {
    deed(FLOCKSTAT_CALL_SITE());
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
            << (leaf.stack != reporter::no_index ? run.stacks.at(leaf.stack).frames.size() : 0) << ' '
            << leaf.calls << ' ' << leaf.refused << ' ' << leaf.polled << ' ' << leaf.abandoned;
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

TEST_CASE("only requests for locks have a stack") {
    Recording recording;
    shim::run.stacks = true;
    const int file = recording.open("a");
    unsigned quick = 0;
    for (const LeafKind kind : {LeafKind::acquire_exclusive, LeafKind::release, LeafKind::acquire_exclusive,
                                LeafKind::release, LeafKind::acquire_shared, LeafKind::release}) {
        Step step{};
        step.kind = kind;
        quick += locked_call(&recording, file, step, Way::quick_first) ? 1U : 0U;
    }
    const reporter::Run run = recording.read();
    CHECK(quick > 0);
    CHECK(run.stacks.size() == 1);
    REQUIRE(run.leaves.size() == 3);
    for (const reporter::Leaf &leaf : run.leaves) {
        CHECK((leaf.stack == reporter::no_index) == (leaf.kind == LeafKind::release));
        CHECK(leaf.calls == (leaf.kind == LeafKind::release ? 3 : 0));
    }
    recording.close(file);
}

TEST_CASE("calls that are counted quickly leave what the bookkeeping leaves") {
    const std::uint64_t seed = GENERATE(1U, 2U, 3U);
    const auto family = GENERATE(shim::Family::flock, shim::Family::posix, shim::Family::ofd);
    const std::vector<Step> steps = random_steps(seed, family);
    CAPTURE(seed, static_cast<int>(family));
    const Outcome truth = play(steps, Way::bookkeeping);
    const Outcome quick = play(steps, Way::quick_first);
    CHECK(truth.quick == 0);
    CHECK(quick.quick > 80);
    CHECK(quick.text == truth.text);
}

TEST_CASE("what is out of the ordinary is not counted quickly") {
    Recording recording;
    shim::run.stacks = true;
    const int files[] = {recording.open("a"), recording.open("a")};
    const Step lock{.file = 0, .kind = LeafKind::acquire_exclusive, .error = 0, .idle_ns = 0, .took_ns = 100};
    Step unlock = lock;
    unlock.kind = LeafKind::release;
    // Nothing is known of the first one.
    std::vector<Step> steps = {lock, unlock, lock, unlock};
    std::vector<bool> quick = {false, true, true, true};
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
    const std::uintptr_t outer[2] = {0x1000, 0x1111}; // what a live frame of this stack keeps
    for (const Step &step : steps) {                  // one place, so that it is one stack
        if (inside_at_last && &step == &steps.back()) {
            shim::existing_thread_state()->inside.place({reinterpret_cast<std::uintptr_t>(outer), outer[1]});
        }
        seen.push_back(locked_call(&recording, files[step.file], step, Way::quick_first));
    }
    shim::existing_thread_state()->inside.remove();
    CHECK(seen == quick);
    for (const int file : files) {
        recording.close(file);
    }
}

TEST_CASE("a thread's regions name it, though another one had its state before") {
    Recording recording;
    shim::run.stacks = true;
    const int files[] = {recording.open("a"), recording.open("a")};
    Step lock_one{.file = 0, .kind = LeafKind::acquire_shared, .error = 0, .idle_ns = 0, .took_ns = 100};
    Step lock_other = lock_one;
    lock_other.file = 1;
    Step unlock_one = lock_one;
    unlock_one.kind = LeafKind::release;
    Step unlock_other = lock_other;
    unlock_other.kind = LeafKind::release;
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

TEST_CASE("a region shows all its bytes, though part of the one before was given back first") {
    Recording recording;
    shim::run.stacks = true;
    const int file = recording.open("a");
    const Step lock{.file = 0,
                    .kind = LeafKind::acquire_exclusive,
                    .error = 0,
                    .idle_ns = 0,
                    .took_ns = 100,
                    .family = shim::Family::posix,
                    .range = {0, 9}};
    Step unlock_part = lock;
    unlock_part.kind = LeafKind::release;
    unlock_part.range = {5, 9};
    Step unlock = unlock_part;
    unlock.range = {0, 9};
    bool quick = false;
    for (const Step &step :
         {lock, unlock, lock, unlock_part, unlock, lock}) { // one place, so that it is one stack
        quick = locked_call(&recording, file, step, Way::quick_first);
    }
    CHECK(quick);
    const reporter::Run run = recording.read();
    REQUIRE(run.regions.size() == 1);
    CHECK(run.regions[0].range_start == 0);
    CHECK(run.regions[0].range_end == 9);
    recording.close(file);
}

TEST_CASE("a region that another thread got is none of the thread's own, though called from the same place") {
    // As after a thread that took over the other one's stack.
    Recording recording;
    shim::run.stacks = true;
    const int file = recording.open("a");
    const Step lock{.file = 0, .kind = LeafKind::acquire_exclusive, .error = 0, .idle_ns = 0, .took_ns = 100};
    Step unlock = lock;
    unlock.kind = LeafKind::release;
    std::vector<bool> quick;
    std::thread([&] {
        with_site([&](const shim::CallSite &site) {
            for (const Step &step : {lock, unlock, lock}) {
                quick.push_back(call_from(site, &recording, file, step, Way::quick_first));
            }
            std::thread([&] {
                for (const Step &step : {unlock, lock}) {
                    quick.push_back(call_from(site, &recording, file, step, Way::quick_first));
                }
            }).join();
        });
    }).join();
    CHECK(quick == std::vector<bool>{false, true, true, false, false});
    recording.close(file);
}
