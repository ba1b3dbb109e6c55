// From leaves, open regions and episodes to locks, sites, processes and counters.
#include "reporter/analyze/report.h"

#include <catch2/catch.hpp>

#include <array>
#include <cerrno>

using namespace flockstat;
using namespace flockstat::reporter;

namespace {

constexpr std::int64_t second_ns = 1'000'000'000;

/// A run that began at second 0 and was read at second 100.
Run empty_run() {
    Run run;
    run.read_at_ns = 100 * second_ns;
    run.finished_at_ns = run.read_at_ns;
    return run;
}

std::uint32_t add_lock(Run &run, const std::string &path, Family family = Family::flock,
                       std::uint64_t inode = 1) {
    Lock lock;
    lock.path = path;
    lock.family = family;
    lock.inode = inode;
    lock.filesystem = 0xef53;
    run.locks.push_back(lock);
    return static_cast<std::uint32_t>(run.locks.size() - 1);
}

std::uint32_t add_stack(Run &run, std::uint64_t offset, const std::string &module = "/bin/app") {
    run.modules.push_back({module, "id"});
    Stack stack;
    stack.frames.push_back({offset, static_cast<std::uint32_t>(run.modules.size() - 1)});
    run.stacks.push_back(stack);
    return static_cast<std::uint32_t>(run.stacks.size() - 1);
}

std::uint32_t add_process(Run &run, Ending ending, std::int64_t ended_s, std::int32_t pid = 1,
                          std::int64_t attached_s = 0) {
    Process process;
    process.pid = pid;
    process.ending = ending;
    process.attached_at_ns = attached_s * second_ns;
    process.ended_at_ns = ended_s * second_ns;
    process.last_seen_at_ns = process.ended_at_ns;
    run.processes.push_back(process);
    return static_cast<std::uint32_t>(run.processes.size() - 1);
}

Leaf &add_leaf(Run &run, std::uint32_t lock, std::uint32_t stack,
               LeafKind kind = LeafKind::acquire_exclusive) {
    Leaf leaf;
    leaf.lock = lock;
    leaf.stack = stack;
    leaf.kind = kind;
    leaf.family = lock == no_index ? Family::flock : run.locks[lock].family;
    run.leaves.push_back(leaf);
    return run.leaves.back();
}

Samples samples(std::initializer_list<std::uint64_t> values) {
    Samples all;
    std::int64_t at_ns = 0;
    for (const std::uint64_t value : values) {
        all.add(value, ++at_ns);
    }
    return all;
}

Report analyze_one(const Run &run) { return analyze(std::span(&run, 1), nullptr); }

} // namespace

TEST_CASE("attempts are the sum of how they ended, and modes add up") {
    Run run = empty_run();
    const auto lock = add_lock(run, "/l");
    Leaf &exclusive = add_leaf(run, lock, add_stack(run, 1));
    exclusive.first = samples({10, 20, 30});
    exclusive.region = samples({100, 200});
    exclusive.wait = samples({20});
    exclusive.refused = 4;
    exclusive.interrupted = 1;
    exclusive.deadlocked = 2;
    exclusive.failed = 3;
    exclusive.polled = 1;
    exclusive.errors = {{ENOLCK, 2}, {0, 1}};
    Leaf &shared = add_leaf(run, lock, add_stack(run, 2), LeafKind::acquire_shared);
    shared.first = samples({5});
    shared.region = samples({50});
    Leaf &release = add_leaf(run, lock, no_index, LeafKind::release);
    release.calls = 3;
    release.first = samples({1, 2});
    add_leaf(run, lock, no_index, LeafKind::test).calls = 7;

    const Report report = analyze_one(run);
    REQUIRE(report.locks.size() == 1);
    const LockReport &result = report.locks[0];
    CHECK(result.attempts == 4 + 4 + 1 + 2 + 3);
    CHECK(result.granted == 4);
    CHECK(result.acquisitions == 4);
    CHECK(result.contended == 1);
    CHECK(result.unlocks == 3);
    CHECK(result.tests == 7);
    CHECK(result.errors == ErrorCounts{{"ENOLCK", 2}, {"other", 1}});
    CHECK(result.exclusive.enter.sum_ns == 60);
    CHECK(result.shared.enter.sum_ns == 5);
    CHECK(result.enter.count == 4);
    CHECK(result.enter.sum_ns == 65);
    CHECK(result.enter.min_ns == 5);
    CHECK(result.region.sum_ns == 350);
    CHECK(result.exit.count == 2);
    CHECK(result.filesystem == "ext4");
    CHECK(report.counters.at("filelock.enter").sum_ns == 65);
    CHECK(report.counters.at("filelock.region").count == 3);
    CHECK(report.counters.at("filelock.exit").max_ns == 2);
    CHECK(report.sites.size() == 2); // where it was released is no site
}

TEST_CASE("what the end of a process does to the locks it holds") {
    Run run = empty_run();
    std::uint32_t process = 0;
    Family family = Family::flock;
    std::uint16_t holders = 1;
    bool closes_at_exec = false;
    std::array<std::uint64_t, record::release_count> expected{};
    std::uint64_t held_s = 0;
    bool sample = false;
    const auto expect = [&](Release cause, std::uint64_t seconds) {
        expected[static_cast<std::size_t>(cause)] = 1;
        held_s = seconds;
        sample = cause == Release::exit || cause == Release::exec;
    };
    SECTION("an exit drops a lock that nobody shares") {
        process = add_process(run, Ending::exited, 30);
        expect(Release::exit, 20);
    }
    SECTION("an exit leaves a shared open file description locked") {
        process = add_process(run, Ending::exited, 30);
        holders = 2;
        expect(Release::unknown, 20);
    }
    SECTION("an exit drops posix locks, whoever inherited the descriptor") {
        process = add_process(run, Ending::exited, 30);
        family = Family::posix;
        holders = 2;
        expect(Release::exit, 20);
    }
    SECTION("of a killed process only the last sign of life is known") {
        process = add_process(run, Ending::killed, 15);
        expect(Release::unknown, 5);
    }
    SECTION("nothing is known of where it was not to be seen") {
        process = add_process(run, Ending::unknown, 12);
        expect(Release::unknown, 2);
    }
    SECTION("a live process holds it still") {
        process = add_process(run, Ending::running, 100);
        expect(Release::still_held, 90);
    }
    SECTION("so does what a process became by exec") {
        process = add_process(run, Ending::execed, 20, 5);
        add_process(run, Ending::execed, 40, 5, 20);
        add_process(run, Ending::running, 100, 5, 41);
        expect(Release::still_held, 90);
    }
    SECTION("an exec drops what is closed by it") {
        process = add_process(run, Ending::execed, 20, 5);
        add_process(run, Ending::running, 100, 5, 20);
        closes_at_exec = true;
        expect(Release::exec, 10);
    }
    SECTION("unless another process shares it") {
        process = add_process(run, Ending::execed, 20, 5);
        closes_at_exec = true;
        holders = 2;
        expect(Release::unknown, 10);
    }
    SECTION("an image that exited may have released it before") {
        process = add_process(run, Ending::execed, 20, 5);
        add_process(run, Ending::exited, 40, 5, 20);
        expect(Release::unknown, 10);
    }
    SECTION("an earlier process of the same number is no image of it") {
        add_process(run, Ending::running, 100, 5, 1);
        process = add_process(run, Ending::execed, 20, 5, 2);
        expect(Release::unknown, 10);
    }
    const auto lock = add_lock(run, "/l", family);
    Region region;
    region.since_at_ns = 10 * second_ns;
    region.lock = lock;
    region.stack = add_stack(run, 1);
    region.process = process;
    region.holders = holders;
    region.closes_at_exec = closes_at_exec;
    region.mode = Mode::shared;
    run.regions.push_back(region);

    const Report report = analyze_one(run);
    const LockReport &result = report.locks[0];
    const ReleaseCounts &released = result.released;
    CHECK(std::array{released.unlock, released.close, released.exit, released.exec, released.converted,
                     released.still_held, released.unknown} == expected);
    const std::uint64_t held_ns = held_s * static_cast<std::uint64_t>(second_ns);
    CHECK(result.held_open_ns == (sample ? 0 : held_ns));
    CHECK(result.shared.region.count == (sample ? 1 : 0));
    CHECK(result.shared.region.sum_ns == (sample ? held_ns : 0));
    CHECK(report.counters.at("filelock.region").sum_ns == (sample ? held_ns : 0));
    CHECK(report.sites[0].region.sum_ns == (sample ? held_ns : 0));
    std::uint64_t of_processes = 0;
    for (const ProcessReport &each : report.processes) {
        of_processes += each.region.sum_ns;
    }
    CHECK(of_processes == (sample ? held_ns : 0));
}

TEST_CASE("an episode is abandoned when nothing can come of it") {
    Run run = empty_run();
    const auto lock = add_lock(run, "/l");
    Episode episode;
    episode.lock = lock;
    episode.stack = add_stack(run, 1);
    episode.first_at_ns = 90 * second_ns;
    episode.last_at_ns = 97 * second_ns;
    bool abandoned = true;
    SECTION("its process exited") { episode.process = add_process(run, Ending::exited, 98); }
    SECTION("its process was killed") { episode.process = add_process(run, Ending::killed, 98); }
    SECTION("its thread ended") { episode.process = no_index; }
    SECTION("a live one was tried three seconds ago") {
        episode.process = add_process(run, Ending::running, 100);
        abandoned = false;
    }
    SECTION("a live one was not retried for ten seconds") {
        episode.process = add_process(run, Ending::running, 100);
        episode.first_at_ns = 83 * second_ns;
        episode.last_at_ns = 90 * second_ns;
    }
    SECTION("a live one that takes its time between attempts") {
        episode.process = add_process(run, Ending::running, 100);
        episode.first_at_ns = 83 * second_ns;
        episode.last_at_ns = 90 * second_ns;
        episode.longest_gap_ns = 600'000'000;
        abandoned = false;
    }
    run.episodes.push_back(episode);
    const Report report = analyze_one(run);
    CHECK(report.locks[0].abandoned == (abandoned ? 1 : 0));
    CHECK(report.locks[0].abandoned_ns == (abandoned ? 7 * second_ns : 0));
    CHECK(report.locks[0].enter.count == 0);
    REQUIRE(report.sites.size() == (abandoned ? 1 : 0));
}

TEST_CASE("locks are ranked by wait, then by time held; sites know their place") {
    Run run = empty_run();
    const auto held = add_lock(run, "/held", Family::flock, 1);
    const auto waited = add_lock(run, "/waited", Family::flock, 2);
    const auto idle = add_lock(run, "/idle", Family::flock, 3);
    add_leaf(run, held, add_stack(run, 1)).region = samples({500});
    add_leaf(run, idle, add_stack(run, 2)).first = samples({1});
    add_leaf(run, waited, add_stack(run, 3)).wait = samples({7});
    const Report report = analyze_one(run);
    REQUIRE(report.locks.size() == 3);
    CHECK(report.locks[0].path == "/waited");
    CHECK(report.locks[1].path == "/held");
    CHECK(report.locks[2].path == "/idle");
    REQUIRE(report.sites.size() == 3);
    CHECK(report.sites[0].lock == 0);
    CHECK(report.sites[0].frames.all().at(0).offset == 3);
    CHECK(report.sites[0].frames.all().at(0).module == "/bin/app");
    CHECK(report.sites[1].lock == 1);
    CHECK(report.sites[2].lock == 2);
}

TEST_CASE("several runs become one report") {
    Run runs[2] = {empty_run(), empty_run()};
    for (Run &run : runs) {
        const auto lock = add_lock(run, "/l");
        add_lock(run, "/l", Family::posix);
        if (&run == &runs[1]) {
            add_stack(run, 99); // so that equal stacks have different indices
        }
        Leaf &leaf = add_leaf(run, lock, add_stack(run, 1));
        leaf.first = samples({10, 30});
        leaf.wait = samples({20});
        add_process(run, Ending::exited, 50);
        run.threads = 2;
        run.lost.calls = 1;
        run.damaged = 1;
    }
    runs[1].probe_off = true;
    runs[1].started_at_ns = 40 * second_ns;
    runs[1].processes[0].attached_at_ns = 40 * second_ns;
    const Report report = analyze(runs, nullptr);
    REQUIRE(report.locks.size() == 2); // the families stay apart
    CHECK(report.locks[0].acquisitions == 4);
    CHECK(report.locks[0].wait.sum_ns == 40);
    REQUIRE(report.sites.size() == 1);
    CHECK(report.sites[0].acquisitions == 4);
    CHECK(report.run.duration_ns == 160 * second_ns);
    CHECK(report.run.process_time_ns == 60 * second_ns);
    CHECK(report.run.processes == 2);
    CHECK(report.run.threads == 4);
    CHECK(report.run.complete);
    CHECK_FALSE(report.run.probe);
    CHECK(report.lost.calls == 4);
    CHECK(report.run.damaged == 2);
}

TEST_CASE("files that follow each other under one path are a group") {
    Run run = empty_run();
    for (std::uint64_t inode = 1; inode <= 20; ++inode) {
        const auto lock = add_lock(run, "/replaced", Family::flock, inode);
        Leaf &leaf = add_leaf(run, lock, add_stack(run, 1));
        leaf.first = samples({inode});
        leaf.wait = samples({inode});
    }
    add_leaf(run, add_lock(run, "/other"), add_stack(run, 1)).wait = samples({100});
    const Report report = analyze_one(run);
    CHECK(report.locks.size() == 21);
    CHECK(report.locks[0].path == "/other"); // the greatest single one
    REQUIRE(report.groups.size() == 2);
    CHECK(report.groups[0].sum.path == "/replaced"); // greater together
    CHECK(report.groups[0].locks.size() == 20);
    CHECK(report.groups[0].sum.wait.sum_ns == 210);
    CHECK(report.groups[0].sum.wait.p50_ns == 10);
    for (const std::size_t lock : report.groups[0].locks) {
        CHECK(report.locks[lock].path == "/replaced");
    }
}

TEST_CASE("a process that replaced itself is one process, and a live run is not complete") {
    Run run = empty_run();
    add_process(run, Ending::execed, 10, 7);
    const auto image = add_process(run, Ending::exited, 20, 7, 10);
    add_process(run, Ending::execed, 30, 8); // by a program that was not seen
    CHECK(analyze_one(run).run.processes == 2);
    CHECK(analyze_one(run).run.complete);
    run.processes[image].ending = Ending::running;
    CHECK_FALSE(analyze_one(run).run.complete);
    CHECK(analyze_one(run).run.running == 1);
    run.processes[image].ending = Ending::unknown;
    CHECK_FALSE(analyze_one(run).run.complete);
}

TEST_CASE("calls on unknown files are counted by family and in the run's counters") {
    Run run = empty_run();
    Leaf &attempt = add_leaf(run, no_index, no_index);
    attempt.failed = 3;
    attempt.errors = {{EBADF, 3}};
    Leaf &unlock = add_leaf(run, no_index, no_index, LeafKind::release);
    unlock.calls = 2;
    unlock.errors = {{EBADF, 2}};
    const Report report = analyze_one(run);
    CHECK(report.locks.empty());
    CHECK(report.sites.empty());
    CHECK(report.unattributed[0].attempts == 3);
    CHECK(report.unattributed[0].unlocks == 2);
    CHECK(report.unattributed[0].errors == ErrorCounts{{"EBADF", 5}});
    CHECK(report.unattributed[1].attempts == 0);
}

TEST_CASE("threads that are blocked are told, those of ended processes too") {
    Run run = empty_run();
    const auto lock = add_lock(run, "/l");
    run.waiting.push_back(
        {60 * second_ns, lock, add_process(run, Ending::running, 100, 3), 33, Mode::shared});
    run.waiting.push_back(
        {60 * second_ns, no_index, add_process(run, Ending::exited, 75, 4), 44, Mode::exclusive});
    const Report report = analyze_one(run);
    REQUIRE(report.waiting.size() == 2);
    CHECK(report.waiting[0].alive);
    CHECK(report.waiting[0].pid == 3);
    CHECK(report.waiting[0].lock == 0);
    CHECK(report.waiting[0].wait_ns == 40 * second_ns);
    CHECK_FALSE(report.waiting[1].alive);
    CHECK_FALSE(report.waiting[1].lock.has_value());
    CHECK(report.waiting[1].wait_ns == 15 * second_ns);
}

TEST_CASE("samples add up, rank and round") {
    Samples sum = samples({5, 5, 9});
    sum.merge(samples({1, 7}));
    CHECK(sum.count == 5);
    CHECK(sum.percentile(1) == 1);
    CHECK(sum.percentile(20) == 1);
    CHECK(sum.percentile(21) == 5);
    CHECK(sum.percentile(60) == 5);
    CHECK(sum.percentile(90) == 9);
    CHECK(sum.mean_ns() == 5); // 27 / 5
    CHECK(sum.last_ns == 9);   // the later one, not the one added last
    CHECK(Samples{}.percentile(50) == 0);
    CHECK(Samples{}.mean_ns() == 0);
    Samples huge = samples({UINT64_MAX});
    huge.merge(samples({UINT64_MAX}));
    CHECK(huge.sum_ns == UINT64_MAX);
    CHECK(samples({1, 2}).mean_ns() == 2); // half is rounded up
    Samples without_distribution = samples({4, 8});
    without_distribution.values.clear();
    CHECK(without_distribution.percentile(50) == 8);
}
