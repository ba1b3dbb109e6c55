// Literal lines of /proc/locks.
#include "reporter/analyze/outside_holders.h"

#include <catch2/catch.hpp>

using namespace flockstat;
using namespace flockstat::reporter;

namespace {

constexpr const char *text = "1: POSIX  ADVISORY  WRITE 812 08:1f:1835012 1073741826 1073742335\n"
                             "2: FLOCK  ADVISORY  READ 45 fe:00:408224 0 EOF\n"
                             "2: -> FLOCK  ADVISORY  WRITE 46 fe:00:408224 0 EOF\n"
                             "3: OFDLCK ADVISORY  WRITE -1 fe:00:408225 0 EOF\n"
                             "4: LEASE  ACTIVE    READ 99 fe:00:408226 0 EOF\n"
                             "5: FLOCK  ADVISORY  WRITE 0 fe:00:408227 0 EOF\n"
                             "6: POSIX  ADVISORY  WRITE\n";

/// Process 1 of the run has polled for the file for so long.
struct Scene {
    Run run;
    LiveLocks locks;

    explicit Scene(std::uint64_t wait_ns) {
        Lock lock;
        lock.family = Family::flock;
        lock.device_major = 0xfe;
        lock.inode = 408224;
        run.locks.push_back(lock);
        Process process;
        process.pid = 1;
        process.ending = Ending::running;
        run.processes.push_back(process);
        WantedLock wanted;
        wanted.lock = 0;
        wanted.process = 0;
        wanted.mode = Mode::exclusive;
        wanted.wait_ns = wait_ns;
        locks.wanted.push_back(wanted);
    }
};

} // namespace

TEST_CASE("what is held, with a pid, is read") {
    const KernelLocks all = parse_kernel_locks(text);
    const std::vector<KernelLock> &locks = all.held;
    REQUIRE(locks.size() == 2);
    CHECK(locks[0].family == Family::posix);
    CHECK(locks[0].mode == Mode::exclusive);
    CHECK(locks[0].pid == 812);
    CHECK(locks[0].device_major == 8);
    CHECK(locks[0].device_minor == 31);
    CHECK(locks[0].inode == 1835012);
    CHECK(locks[0].range_start == 1073741826);
    CHECK(locks[0].range_end == 1073742335);
    CHECK(locks[1].family == Family::flock);
    CHECK(locks[1].mode == Mode::shared);
    CHECK(locks[1].range_end == INT64_MAX);
}

TEST_CASE("who is in the way of a long wait from outside is found") {
    const std::vector<KernelLock> held = parse_kernel_locks(text).held;
    Scene scene(long_wait_ns);
    REQUIRE(outside_holders(scene.run, scene.locks, held).size() == 1);
    CHECK(outside_holders(scene.run, scene.locks, held)[0].pid == 45);
    SECTION("not where the wait is short") {
        CHECK(outside_holders(Scene(long_wait_ns - 1).run, Scene(long_wait_ns - 1).locks, held).empty());
    }
    SECTION("nor where both are shared") {
        scene.locks.wanted[0].mode = Mode::shared;
        CHECK(outside_holders(scene.run, scene.locks, held).empty());
    }
    SECTION("nor one of the run") {
        scene.run.processes[0].pid = 45;
        CHECK(outside_holders(scene.run, scene.locks, held).empty());
    }
    SECTION("nor where somebody of the run is in the way") {
        scene.locks.wanted[0].behind.push_back(0);
        CHECK(outside_holders(scene.run, scene.locks, held).empty());
    }
    SECTION("nor on another file, or in the other conflict class") {
        scene.run.locks[0].device_minor = 1;
        CHECK(outside_holders(scene.run, scene.locks, held).empty());
        scene.run.locks[0].device_minor = 0;
        scene.run.locks[0].family = Family::posix;
        CHECK(outside_holders(scene.run, scene.locks, held).empty());
    }
}

TEST_CASE("who waits, with a pid, is read apart") {
    const std::vector<KernelLock> wanted = parse_kernel_locks(text).wanted;
    REQUIRE(wanted.size() == 1);
    CHECK(wanted[0].family == Family::flock);
    CHECK(wanted[0].mode == Mode::exclusive);
    CHECK(wanted[0].pid == 46);
    CHECK(wanted[0].inode == 408224);
}
