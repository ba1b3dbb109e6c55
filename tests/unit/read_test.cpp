// What an arena says, as the reporter's model has it.
#include "reporter/read/arena_image.h"
#include "reporter/read/run.h"
#include "tests/support/arena_builder.h"
#include "tests/support/places.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <fstream>
#include <sys/wait.h>
#include <unistd.h>

using namespace flockstat;
using namespace flockstat::reporter;
using flockstat::test::ArenaBuilder;
using record::LeafKind;
using record::ProcessState;

namespace {

Run read(ArenaBuilder &arena) { return read_run(ArenaImage(arena.bytes(), "test.flk")); }

std::string error_of(const std::filesystem::path &file) {
    try {
        static_cast<void>(read_run(file));
    } catch (const ReadError &error) {
        return error.what();
    }
    return {};
}

constexpr std::uint64_t start = ArenaBuilder::start;
constexpr std::int64_t start_at_ns = ArenaBuilder::start_realtime_ns;

} // namespace

TEST_CASE("the header's facts come out typed") {
    ArenaBuilder arena;
    arena.header().command = arena.text(std::string_view("make\0-j2\0", 9));
    arena.header().directory = arena.text("/tmp/run");
    arena.header().options = record::option_probe_off;
    arena.header().lost.stacks = 7;
    arena.header().thread_count = 3;
    const Run run = read(arena);
    CHECK(run.command == std::vector<std::string>{"make", "-j2", ""});
    CHECK(run.directory == "/tmp/run");
    CHECK(run.host == "elsewhere");
    CHECK(run.probe_off);
    CHECK_FALSE(run.stacks_off);
    CHECK(run.lost.stacks == 7);
    CHECK(run.threads == 3);
    CHECK(run.started_at_ns == start_at_ns);
    CHECK(run.damaged == 0);
}

TEST_CASE("leaves of several threads with the same lock, stack and kind are one") {
    ArenaBuilder arena;
    const auto process = arena.process(10, ProcessState::exited, start, start + 100);
    const auto lock = arena.lock("/data/a.lock", Family::flock);
    const auto stack = arena.stack({{0x100, arena.module("/bin/app", "build")}});
    for (const std::uint64_t value : {50U, 70U}) {
        const auto block = arena.block(process);
        record::Leaf &leaf = arena.leaf(block, lock, stack, LeafKind::acquire_exclusive);
        arena.sample(leaf.first, value, start + value);
        arena.sample(leaf.second, value * 10, start + value);
        arena.extra(leaf).refused = 2;
        arena.extra(leaf).errors[0] = {ENOLCK, 1};
        arena.extra(leaf).failed = 1;
        arena.extra(leaf).released[static_cast<unsigned>(Release::close)] = 1;
    }
    const Run run = read(arena);
    REQUIRE(run.leaves.size() == 1);
    const Leaf &leaf = run.leaves[0];
    CHECK(run.locks[leaf.lock].path == "/data/a.lock");
    CHECK(run.modules[run.stacks[leaf.stack].frames[0].module].build_id == "build");
    CHECK(run.stacks[leaf.stack].frames[0].offset == 0x100);
    CHECK(leaf.first.count == 2);
    CHECK(leaf.first.sum_ns == 120);
    CHECK(leaf.first.min_ns == 50);
    CHECK(leaf.first.max_ns == 70);
    CHECK(leaf.first.last_ns == 70);
    CHECK(leaf.refused == 4);
    REQUIRE(leaf.errors.size() == 1);
    CHECK(leaf.errors[0].error == ENOLCK);
    CHECK(leaf.errors[0].count == 2);
    CHECK(leaf.released[static_cast<unsigned>(Release::close)] == 2);
    CHECK(leaf.released[static_cast<unsigned>(Release::unlock)] == 0);
}

TEST_CASE("regions that ended in no other way ended by unlock") {
    ArenaBuilder arena;
    const auto block = arena.block(0);
    record::Leaf &leaf = arena.leaf(block, arena.lock("/l", Family::posix), 0, LeafKind::acquire_shared);
    for (int i = 0; i < 6; ++i) {
        arena.sample(leaf.second, 100);
    }
    arena.extra(leaf).released[static_cast<unsigned>(Release::converted)] = 2;
    arena.extra(leaf).released[static_cast<unsigned>(Release::unknown)] = 5; // gives no sample
    const Run run = read(arena);
    REQUIRE(run.leaves.size() == 1);
    CHECK(run.leaves[0].released[static_cast<unsigned>(Release::unlock)] == 4);
    CHECK(run.leaves[0].released[static_cast<unsigned>(Release::unknown)] == 5);
}

TEST_CASE("up to three samples are known exactly, more within 3.2 percent") {
    ArenaBuilder arena;
    const auto block = arena.block(0);
    record::Leaf &few = arena.leaf(block, arena.lock("/few", Family::flock, 1), 0, LeafKind::acquire_shared);
    for (const std::uint64_t value : {1'000'003U, 17U, 500'001U}) {
        arena.sample(few.first, value);
    }
    record::Leaf &many =
        arena.leaf(block, arena.lock("/many", Family::flock, 2), 0, LeafKind::acquire_shared);
    for (std::uint64_t i = 1; i <= 1000; ++i) {
        arena.sample(many.first, i * 1'000);
    }
    const Run run = read(arena);
    for (const Leaf &leaf : run.leaves) {
        if (run.locks[leaf.lock].path == "/few") {
            CHECK(leaf.first.percentile(33) == 17);
            CHECK(leaf.first.percentile(50) == 500'001);
            CHECK(leaf.first.percentile(99) == 1'000'003);
        } else {
            CHECK(leaf.first.count == 1000);
            for (const unsigned percent : {1U, 50U, 90U, 99U, 100U}) {
                CHECK(static_cast<double>(leaf.first.percentile(percent)) ==
                      Approx(percent * 10'000.0).epsilon(0.032));
            }
        }
    }
}

TEST_CASE("time stamp counter ticks are converted by the header's two readings") {
    ArenaBuilder arena;
    arena.header().clock = record::Clock::tsc;
    arena.header().latest = {start + 30'000'000'000, start + 10'000'000'000, 0}; // three ticks a nanosecond
    const auto process = arena.process(10, ProcessState::exited, start + 3'000, start + 6'000'000'000);
    record::Leaf &leaf =
        arena.leaf(arena.block(process), arena.lock("/l", Family::flock), 0, LeafKind::acquire_shared);
    arena.sample(leaf.first, 3'000'000, start + 3'000'000);
    const Run run = read(arena);
    CHECK(run.leaves[0].first.sum_ns == 1'000'000);
    CHECK(run.leaves[0].first.last_at_ns == start_at_ns + 1'000'000);
    CHECK(run.processes[0].attached_at_ns == start_at_ns + 1'000);
    CHECK(run.processes[0].ended_at_ns == start_at_ns + 2'000'000'000);
    CHECK_FALSE(run.clock_estimated);
    CHECK(run.finished_at_ns == start_at_ns + 10'000'000'000);
}

TEST_CASE("a sum over more ticks than 64 bits can scale is exact") {
    ArenaBuilder arena;
    arena.header().clock = record::Clock::tsc;
    arena.header().latest = {start + 3'000'000'000'000'000, start + 1'000'000'000'000'000, 0};
    record::Leaf &leaf =
        arena.leaf(arena.block(0), arena.lock("/l", Family::flock), 0, LeafKind::acquire_shared);
    arena.sample(leaf.first, 9'000'000'000'000'000'003);
    CHECK(read(arena).leaves[0].first.sum_ns == 3'000'000'000'000'000'001);
}

TEST_CASE("a process's numbers are its record's and those of the blocks that count with it") {
    ArenaBuilder arena;
    const auto ref = arena.process(10, ProcessState::exited, start, start + 100);
    record::Process &process = arena.get<record::Process>(ref);
    process.epoch = 3;
    process.totals[1].attempts = 5; // epoch 3 counts here
    process.totals[0].attempts = 1000;
    const auto current = arena.block(ref);
    arena.get<record::ThreadBlock>(current).totals.attempts = 7;
    arena.sample(arena.get<record::ThreadBlock>(current).totals.wait, 40);
    const auto folded = arena.block(ref);
    arena.get<record::ThreadBlock>(folded).epoch = 2;
    arena.get<record::ThreadBlock>(folded).totals.attempts = 100;
    const Run run = read(arena);
    REQUIRE(run.processes.size() == 1);
    CHECK(run.processes[0].attempts == 12);
    CHECK(run.processes[0].wait.sum_ns == 40);
}

TEST_CASE("what a live process is doing is read, and that it lives") {
    ArenaBuilder arena;
    arena.made_here(2'000'000'000);
    const std::uint64_t began = arena.header().started.ticks;
    const auto process = arena.process(::getpid(), ProcessState::running, began + 1'999'000'000);
    const auto lock = arena.lock("/l", Family::flock);
    const auto block = arena.block(process);
    arena.region(block, process, lock, 0, began + 1'999'500'000).holders = 2;
    arena.get<record::ThreadBlock>(block).waiting.since_ticks = began + 1'999'600'000;
    arena.get<record::ThreadBlock>(block).waiting.lock = lock;
    record::Episode &episode = arena.get<record::ThreadBlock>(block).episodes[2];
    episode.first_ticks = began + 10;
    episode.last_ticks = began + 30;
    episode.longest_gap_ticks = 20;
    episode.lock = lock;
    episode.attempts = 2;
    const Run run = read(arena);
    CHECK(run.live());
    CHECK(run.processes[0].ending == Ending::running);
    CHECK(run.read_at_ns - run.started_at_ns >= 2'000'000'000);
    CHECK(run.finished_at_ns == run.read_at_ns);
    REQUIRE(run.regions.size() == 1);
    CHECK(run.regions[0].since_at_ns == run.started_at_ns + 1'999'500'000);
    CHECK(run.regions[0].holders == 2);
    REQUIRE(run.waiting.size() == 1);
    CHECK(run.waiting[0].since_at_ns == run.started_at_ns + 1'999'600'000);
    REQUIRE(run.episodes.size() == 1);
    CHECK(run.episodes[0].longest_gap_ns == 20);
    CHECK(run.episodes[0].last_at_ns == run.started_at_ns + 30);
}

TEST_CASE("a process that is gone without a word was killed") {
    ArenaBuilder arena;
    arena.made_here(2'000'000'000);
    const std::uint64_t began = arena.header().started.ticks;
    const pid_t child = ::fork();
    if (child == 0) {
        ::_exit(0);
    }
    REQUIRE(child > 0);
    arena.process(child, ProcessState::running, began + 1'999'999'000);
    SECTION("a zombie is no process any more") {
        siginfo_t ended{};
        REQUIRE(::waitid(P_PID, static_cast<id_t>(child), &ended, WEXITED | WNOWAIT) == 0);
        CHECK(read(arena).processes[0].ending == Ending::killed);
    }
    SECTION("nor is nothing") {
        REQUIRE(::waitpid(child, nullptr, 0) == child);
        const Run run = read(arena);
        CHECK(run.processes[0].ending == Ending::killed);
        CHECK_FALSE(run.live());
        CHECK(run.processes[0].ended_at_ns == run.started_at_ns + 1'999'999'000);
    }
    ::waitpid(child, nullptr, WNOHANG);
}

TEST_CASE("a younger process of the same number is another one") {
    ArenaBuilder arena;
    arena.made_here(2'000'000'000);
    const pid_t child = ::fork();
    if (child == 0) {
        ::pause();
        ::_exit(0);
    }
    REQUIRE(child > 0);
    arena.process(child, ProcessState::running, arena.header().started.ticks + 1);
    CHECK(read(arena).processes[0].ending == Ending::killed);
    CHECK(::kill(child, 0) == 0);
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
}

TEST_CASE("a process of another pid namespace or machine is not looked for") {
    ArenaBuilder arena;
    SECTION("machine") {}
    SECTION("namespace") { arena.made_here(1'000'000'000); }
    const auto ref = arena.process(::getpid(), ProcessState::running, arena.header().started.ticks + 1);
    arena.get<record::Process>(ref).pid_namespace += 1;
    CHECK(read(arena).processes[0].ending == Ending::unknown);
    arena.header().ended = 1; // by the one who started the run, and nobody was left
    CHECK(read(arena).processes[0].ending == Ending::killed);
    arena.header().left_running = 1;
    CHECK(read(arena).processes[0].ending == Ending::unknown);
}

TEST_CASE("the command's status is known from who started it") {
    ArenaBuilder arena;
    arena.header().first_pid = 10;
    arena.header().ended = 1;
    SECTION("killed by a signal") {
        arena.process(10, ProcessState::running);
        arena.header().command_status = SIGKILL;
        CHECK(read(arena).processes[0].status == 128 + SIGKILL);
    }
    SECTION("ended with a status that nobody saw") {
        const auto ref = arena.process(10, ProcessState::exited, start, start + 1);
        arena.get<record::Process>(ref).status = -1;
        arena.header().command_status = 3 << 8;
        CHECK(read(arena).processes[0].status == 3);
    }
    SECTION("of another process nothing is known") {
        arena.process(11, ProcessState::running);
        arena.header().command_status = SIGKILL;
        CHECK(read(arena).processes[0].status == -1);
    }
}

TEST_CASE("events come in the order of their ends") {
    ArenaBuilder arena;
    const auto process = arena.process(10, ProcessState::exited, start, start + 500);
    const auto lock = arena.lock("/l", Family::ofd);
    for (const std::uint64_t end : {300U, 100U, 200U}) {
        record::Event &event = arena.event(record::EventKind::acquired, lock, 0, process);
        event.start_ticks = start + 50;
        event.end_ticks = start + end;
        event.attempts = static_cast<std::uint32_t>(end);
        event.family = Family::ofd;
    }
    const Run run = read(arena);
    REQUIRE(run.events.size() == 3);
    CHECK(run.events[0].attempts == 100);
    CHECK(run.events[2].attempts == 300);
    CHECK(run.events[2].end_at_ns == start_at_ns + 300);
}

TEST_CASE("records that hold what cannot be are left out and counted") {
    ArenaBuilder arena;
    const auto block = arena.block(0);
    const auto lock = arena.lock("/l", Family::flock);
    record::Leaf &good = arena.leaf(block, lock, 0, LeafKind::acquire_shared);
    arena.sample(good.first, 5);
    record::Leaf &bad = arena.leaf(block, lock, 0, LeafKind::acquire_exclusive);
    arena.sample(bad.first, 5);
    SECTION("a kind that is none") { bad.kind = static_cast<LeafKind>(9); }
    SECTION("a lock outside of the arena") { bad.lock = 0xfffffff; }
    SECTION("a lock of no family") {
        const auto other = arena.lock("/other", Family::flock, 2);
        arena.get<record::Lock>(other).family = static_cast<Family>(77);
        bad.lock = other;
    }
    SECTION("more samples than there can be") { bad.first.count = std::uint64_t{1} << 60U; }
    SECTION("a minimum above the maximum") { bad.first.min_ticks = 6; }
    SECTION("an extra outside of the arena") { bad.extra = 0xfffffff; }
    const Run run = read(arena);
    REQUIRE(run.leaves.size() == 1);
    CHECK(run.leaves[0].kind == LeafKind::acquire_shared);
    CHECK(run.damaged > 0);
}

TEST_CASE("chains that run in a circle are read once") {
    ArenaBuilder arena;
    const auto block = arena.block(0);
    record::Leaf &leaf = arena.leaf(block, arena.lock("/l", Family::flock), 0, LeafKind::test);
    leaf.calls = 3;
    leaf.next = arena.get<record::ThreadBlock>(block).leaves;
    arena.get<record::ThreadBlock>(block).next = block;
    const Run run = read(arena);
    REQUIRE(run.leaves.size() == 1);
    CHECK(run.leaves[0].calls == 3);
    CHECK(run.damaged == 2);
}

TEST_CASE("files that are no runs are named with what is wrong and what to do") {
    const test::TempDirectory directory;
    ArenaBuilder arena;
    const auto file = directory / "run.flk";
    const auto has = [&](const std::string &wanted) {
        const std::string error = error_of(file);
        INFO(error);
        CHECK(error.starts_with(file.string() + ": "));
        CHECK(error.find(wanted) != std::string::npos);
        CHECK(error.find('\n') == std::string::npos);
        CHECK(error.find(';') != std::string::npos); // the remedy
    };
    SECTION("missing") { has("No such file"); }
    SECTION("a directory") {
        std::filesystem::create_directory(file);
        has("no regular file");
    }
    SECTION("a link to shared memory that is gone") {
        std::filesystem::create_symlink("/dev/shm/flockstat-0000000000000000", file);
        has("is gone");
    }
    SECTION("empty") {
        test::write_file(file, "");
        has("0 bytes");
    }
    SECTION("foreign") {
        test::write_file(file, std::string(1U << 20U, 'x'));
        has("no recording of flockstat");
    }
    SECTION("truncated") {
        arena.write(file);
        std::filesystem::resize_file(file, 700'000);
        has("700000 bytes where its header says 1048576");
    }
    SECTION("of another version") {
        arena.header().version = 99;
        arena.write(file);
        has("format 99");
    }
}

TEST_CASE("a sparse file is read like a full one") {
    const test::TempDirectory directory;
    ArenaBuilder arena;
    record::Leaf &leaf = arena.leaf(arena.block(0), arena.lock("/l", Family::flock), 0, LeafKind::release);
    leaf.calls = 9;
    arena.header().arena_bytes = std::uint64_t{1} << 32U;
    const auto file = directory / "run.flk";
    arena.write(file);
    std::filesystem::resize_file(file, std::uint64_t{1} << 32U);
    const Run run = read_run(file);
    REQUIRE(run.leaves.size() == 1);
    CHECK(run.leaves[0].calls == 9);
}

TEST_CASE("the runs of a directory are found in their order") {
    const test::TempDirectory directory;
    for (const char *name :
         {"run.10.flk", "run.flk", "run.2.flk", "run.x.flk", "summary.txt", "run.2.flk.bak"}) {
        test::write_file(directory / name, "");
    }
    const std::vector<std::filesystem::path> files = run_files(directory.path());
    REQUIRE(files.size() == 3);
    CHECK(files[0] == directory / "run.flk");
    CHECK(files[1] == directory / "run.2.flk");
    CHECK(files[2] == directory / "run.10.flk");
    CHECK(run_files(directory / "summary.txt") == std::vector{directory / "summary.txt"});
    CHECK_THROWS_AS(run_files(directory / "nothing"), ReadError);
    std::filesystem::create_directory(directory / "empty");
    CHECK_THROWS_AS(run_files(directory / "empty"), ReadError);
}
