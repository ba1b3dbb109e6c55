// The arena's file: how it is made, and who may open it.
#include "tests/unit/arena_place.h"

#include <catch2/catch.hpp>

#include <cerrno>
#include <sys/resource.h>
#include <sys/stat.h>

using namespace flockstat::record;
using namespace flockstat::test;

namespace fs = std::filesystem;

namespace {

mode_t permissions_of(const fs::path &file) {
    struct stat facts {};
    REQUIRE(lstat(file.c_str(), &facts) == 0);
    return facts.st_mode & 07777U;
}

std::ptrdiff_t open_descriptors() {
    const fs::directory_iterator entries("/proc/self/fd");
    return std::distance(begin(entries), end(entries));
}

} // namespace

TEST_CASE("an arena is made complete, private and without a descriptor") {
    const Place place;
    const std::ptrdiff_t descriptors = open_descriptors();
    errno = 77;
    Mapped made, opened;
    REQUIRE(place.create(&made) == 0);
    REQUIRE(place.open(&opened) == 0);
    CHECK(errno == 77);
    CHECK(open_descriptors() == descriptors);
    CHECK(permissions_of(place.file()) == 0600);
    CHECK(fs::file_size(place.file()) == place.wanted.bytes);
    CHECK(place.files() == std::set<std::string>{"flockstat-1122334455667788"});
    CHECK_FALSE(fs::exists("/dev/shm/flockstat-1122334455667788"));

    const Header &header = opened.header();
    CHECK(check_arena(opened.base, opened.bytes) == ArenaFault::none);
    CHECK(header.run_id == 0x1122334455667788);
    CHECK(header.first_pid == getpid());
    const ArenaView view(opened.base, opened.bytes);
    const TextView command = view.text(header.command);
    CHECK(std::string(command.data, command.bytes) == std::string("make\0all", 8));
    const TextView directory = view.text(header.directory);
    CHECK(std::string(directory.data, directory.bytes) == "/somewhere/run");
    std::string boot_id = read_file("/proc/sys/kernel/random/boot_id");
    boot_id.pop_back();
    CHECK(header.boot_id == boot_id);

    made.header().process_count = 5; // the same memory
    CHECK(header.process_count == 5);
}

TEST_CASE("an arena for all users is writable for all, whatever the umask") {
    Place place;
    place.wanted.all_users = true;
    const mode_t mask = umask(077);
    Mapped made;
    const int fault = place.create(&made);
    umask(mask);
    REQUIRE(fault == 0);
    CHECK(permissions_of(place.file()) == 0666);
}

TEST_CASE("of many processes one makes the arena, and all have it") {
    const Place place;
    struct Common {
        std::atomic<unsigned> arrived;
        std::atomic<unsigned> made, found, opened;
    };
    Shared<Common> common;
    constexpr unsigned everybody = 8;
    std::vector<Forked> children;
    for (unsigned i = 0; i < everybody; ++i) {
        children.emplace_back([&] {
            meet(&common->arrived, everybody);
            Mapped mine, again;
            const int fault = place.create(&mine);
            common->made += fault == 0 ? 1 : 0;
            common->found += fault == EEXIST && mine.base == nullptr ? 1 : 0;
            common->opened += place.open(&again) == 0 ? 1 : 0;
            return 0;
        });
    }
    CHECK(statuses(&children) == std::vector<int>(everybody, 0));
    CHECK(common->made == 1);
    CHECK(common->found == everybody - 1);
    CHECK(common->opened == everybody);
    CHECK(place.files().size() == 1);
}

TEST_CASE("a file that is no arena of this build and run is refused") {
    Place place;
    CHECK(place.open() == ENOENT);
    {
        Mapped made;
        REQUIRE(place.create(&made) == 0);
        REQUIRE(place.open() == 0);
        SECTION("foreign") { std::memcpy(made.header().magic, "SQLite f", 8); }
        SECTION("of another version") { made.header().version = arena_version + 1; }
        SECTION("with another header") { made.header().header_bytes += 16; }
        SECTION("that says another size") { made.header().arena_bytes -= 4096; }
        SECTION("of another run") { made.header().run_id ^= 1U; }
        SECTION("truncated") { fs::resize_file(place.file(), place.wanted.bytes / 2); }
        SECTION("longer") { fs::resize_file(place.file(), place.wanted.bytes + 4096); }
        SECTION("shorter than a header") { fs::resize_file(place.file(), 100); }
        SECTION("empty") { fs::resize_file(place.file(), 0); }
        SECTION("a pipe") {
            fs::remove(place.file());
            REQUIRE(mkfifo(place.file().c_str(), 0600) == 0);
        }
    }
    Mapped opened;
    CHECK(place.open(&opened) == EINVAL);
    CHECK(opened.base == nullptr);
}

TEST_CASE("no link is followed") {
    const Place place;
    const fs::path elsewhere = place.directory / "elsewhere";
    fs::create_symlink(elsewhere, place.file());
    Mapped made;
    SECTION("to nothing") {
        CHECK(place.create(&made) == EEXIST);
        CHECK_FALSE(fs::exists(elsewhere));
    }
    SECTION("to an arena") {
        fs::remove(place.file());
        REQUIRE(place.create(&made) == 0);
        fs::rename(place.file(), elsewhere);
        fs::create_symlink(elsewhere, place.file());
    }
    CHECK(place.open() == ELOOP);
}

TEST_CASE("an arena of somebody else is refused to all but root") {
    if (geteuid() != 0) {
        return; // nobody else's file can be made
    }
    const Place place;
    Mapped made;
    REQUIRE(place.create(&made) == 0);
    fs::permissions(place.directory.path(), fs::perms{0755});
    constexpr uid_t nobody = 65534;
    const auto opened_by_nobody = [&] {
        return Forked([&] { return setuid(nobody) == 0 ? place.open() : -1; }).wait();
    };
    CHECK(opened_by_nobody() == EACCES);
    REQUIRE(chmod(place.file().c_str(), 0660) == 0); // it is in root's group still
    CHECK(opened_by_nobody() == EPERM);
    REQUIRE(chmod(place.file().c_str(), 0666) == 0);
    CHECK(opened_by_nobody() == 0);
    REQUIRE(chmod(place.file().c_str(), 0600) == 0);
    REQUIRE(chown(place.file().c_str(), nobody, nobody) == 0);
    CHECK(opened_by_nobody() == 0);
    CHECK(place.open() == 0);
}

TEST_CASE("a directory that takes no file gives an errno") {
    Place place;
    Mapped made;
    const std::string missing = place.directory / "missing";
    place.wanted.run.arena_directory = missing;
    CHECK(place.create(&made) == ENOENT);
    write_file(missing, "");
    CHECK(place.create(&made) == ENOTDIR);
    CHECK(made.base == nullptr);
}

TEST_CASE("RLIMIT_FSIZE is an error, and no signal") {
    const Place place;
    Forked limited([&] {
        const rlimit limit{place.wanted.bytes - 1, RLIM_INFINITY};
        Mapped made;
        return setrlimit(RLIMIT_FSIZE, &limit) == 0 ? place.create(&made) : -1;
    });
    CHECK(limited.wait() == EFBIG);
    CHECK(place.files().empty());
    Forked just_enough([&] {
        const rlimit limit{place.wanted.bytes, RLIM_INFINITY};
        Mapped made;
        return setrlimit(RLIMIT_FSIZE, &limit) == 0 ? place.create(&made) : -1;
    });
    CHECK(just_enough.wait() == 0);
    Forked later([&] { // an arena that is there goes on giving room
        Mapped opened;
        const rlimit none{0, 0};
        RoomTaker taker;
        const bool ready = place.open(&opened) == 0 && setrlimit(RLIMIT_FSIZE, &none) == 0;
        return ready && taker.take_all(opened, 1) && taker.taken > place.wanted.bytes / 2 ? 0 : 1;
    });
    CHECK(later.wait() == 0);
}
