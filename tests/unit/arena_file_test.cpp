// The arena's file: how it is made, who may open it, and how processes share its room.
#include "reporter/record/arena_file.h"
#include "reporter/record/arena_view.h"
#include "reporter/record/clock.h"
#include "tests/support/forked.h"
#include "tests/support/places.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <map>
#include <random>
#include <set>
#include <string>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <thread>
#include <vector>

using namespace flockstat::record;
using flockstat::test::Forked;
using flockstat::test::TempDirectory;

namespace fs = std::filesystem;

namespace {

/// A mapping that goes away with its scope.
struct Mapped : Mapping {
    Mapped() = default;
    Mapped(const Mapped &) = delete;
    Mapped &operator=(const Mapped &) = delete;
    ~Mapped() {
        if (base != nullptr) {
            munmap(base, bytes);
        }
    }
    [[nodiscard]] Header &header() const { return *reinterpret_cast<Header *>(base); }
};

/// A directory for arenas, and the arena that a run wants there.
struct Place {
    Place() : arena_directory(directory.path()) {
        wanted.run = {.run_id = 0x1122334455667788,
                      .first_pid = getpid(),
                      .arena_directory = arena_directory,
                      .directory = "/somewhere/run"};
        wanted.bytes = std::uint64_t{2} << 20U;
        wanted.command = std::string_view("make\0all", 8);
        wanted.first_pid = getpid();
    }

    [[nodiscard]] fs::path file() const { return directory / "flockstat-1122334455667788"; }
    [[nodiscard]] int create(Mapping *out) const { return create_arena(wanted, out); }
    [[nodiscard]] int open(Mapping *out) const { return open_arena(wanted.run, out); }
    [[nodiscard]] int open() const {
        Mapped ignored;
        return open(&ignored);
    }
    [[nodiscard]] std::set<std::string> files() const {
        std::set<std::string> names;
        for (const fs::directory_entry &entry : fs::directory_iterator(directory.path())) {
            names.insert(entry.path().filename());
        }
        return names;
    }

    TempDirectory directory;
    std::string arena_directory;
    NewArena wanted;
};

mode_t permissions_of(const fs::path &file) {
    struct stat facts {};
    REQUIRE(lstat(file.c_str(), &facts) == 0);
    return facts.st_mode & 07777U;
}

std::ptrdiff_t open_descriptors() {
    const fs::directory_iterator entries("/proc/self/fd");
    return std::distance(begin(entries), end(entries));
}

/// Memory that children share with the test.
template<typename Content>
class Shared {
public:
    Shared()
        : content_(new (mmap(nullptr, sizeof(Content), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
                             0)) Content{}) {}
    ~Shared() { munmap(content_, sizeof(Content)); }
    Shared(const Shared &) = delete;
    Shared &operator=(const Shared &) = delete;
    Content *operator->() { return content_; }

private:
    Content *content_;
};

/// Makes them all begin, or go on, at the same moment.
void meet(std::atomic<unsigned> *arrived, unsigned everybody) {
    ++*arrived;
    while (*arrived < everybody) {
        std::this_thread::yield();
    }
}

std::vector<int> statuses(std::vector<Forked> *children) {
    std::vector<int> all;
    for (Forked &child : *children) {
        all.push_back(child.wait());
    }
    return all;
}

/// Takes all the room that there is, in pieces that are marked as the taker's, and checks them when all are
/// done.
struct RoomTaker {
    struct Piece {
        char *at;
        std::size_t bytes;
    };

    bool take_all(const Mapping &arena, unsigned number) {
        mark = static_cast<char>(number + 1);
        std::mt19937 random(number);
        while (true) {
            const std::size_t bytes = 1 + random() % 700;
            const std::uint64_t alignment = std::uint64_t{16} << random() % 3;
            const Ref ref = take_room(arena, bytes, alignment);
            if (ref == 0) {
                return true;
            }
            const std::uint64_t offset = std::uint64_t{ref} * ref_unit;
            if (offset % alignment != 0 || offset < sizeof(Header) || offset + bytes > arena.bytes) {
                return false;
            }
            char *at = arena.base + offset;
            if (std::count(at, at + bytes, '\0') != static_cast<std::ptrdiff_t>(bytes)) {
                return false;
            }
            std::fill_n(at, bytes, mark);
            pieces.push_back({at, bytes});
            taken += bytes;
        }
    }

    [[nodiscard]] bool all_intact() const {
        return std::all_of(pieces.begin(), pieces.end(), [&](const Piece &piece) {
            return std::count(piece.at, piece.at + piece.bytes, mark) ==
                   static_cast<std::ptrdiff_t>(piece.bytes);
        });
    }

    char mark = 0;
    std::uint64_t taken = 0;
    std::vector<Piece> pieces;
};

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
    std::string boot_id = flockstat::test::read_file("/proc/sys/kernel/random/boot_id");
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
    flockstat::test::write_file(missing, "");
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

TEST_CASE("room is within bounds, aligned and zeroed, until there is none") {
    const Place place;
    Mapped arena;
    REQUIRE(place.create(&arena) == 0);
    CHECK(take_room(arena, arena.bytes) == 0);
    CHECK(take_room(arena, UINT64_MAX - 64) == 0);
    RoomTaker taker;
    CHECK(taker.take_all(arena, 0));
    CHECK(taker.all_intact());
    CHECK(taker.taken > (arena.bytes - sizeof(Header)) * 8 / 10);
    while (take_room(arena, 1) != 0) {}
    CHECK(intern_string(arena, "one more") == 0);
    CHECK(intern_string(arena, "/somewhere/run") == arena.header().directory);
}

TEST_CASE("a request that does not fit takes nothing from those that do") {
    const Place place;
    Mapped arena;
    REQUIRE(place.create(&arena) == 0);
    CHECK(take_room(arena, arena.bytes - 4096) == 0);
    CHECK(take_room(arena, 64) != 0);
}

TEST_CASE("room marks that somebody scribbled on give nothing outside the arena") {
    const Place place;
    Mapped arena;
    REQUIRE(place.create(&arena) == 0);
    std::mt19937_64 random(9);
    for (int i = 0; i < 2'000; ++i) {
        arena.header().heap_next = random() >> (random() % 64);
        arena.header().heap_real = random() >> (random() % 64);
        const std::uint64_t bytes = 1 + random() % 5'000;
        const std::uint64_t offset = std::uint64_t{take_room(arena, bytes, 64)} * ref_unit;
        if (offset != 0) {
            REQUIRE(offset >= sizeof(Header));
            REQUIRE(offset + bytes <= arena.bytes);
        }
    }
}

TEST_CASE("room of many threads and processes is each one's own") {
    const Place place;
    Mapped arena;
    REQUIRE(place.create(&arena) == 0);
    constexpr unsigned processes = 4, threads = 2;
    struct Common {
        std::atomic<unsigned> started, done;
        std::atomic<std::uint64_t> taken;
    };
    Shared<Common> common;
    std::vector<Forked> children;
    for (unsigned process = 0; process < processes; ++process) {
        children.emplace_back([&, process] {
            std::atomic<unsigned> good = 0;
            std::vector<std::thread> running;
            for (unsigned thread = 0; thread < threads; ++thread) {
                running.emplace_back([&, thread] {
                    meet(&common->started, processes * threads);
                    RoomTaker taker;
                    const bool fits = taker.take_all(arena, process * threads + thread);
                    common->taken += taker.taken;
                    meet(&common->done, processes * threads);
                    good += fits && taker.all_intact() ? 1 : 0;
                });
            }
            for (std::thread &thread : running) {
                thread.join();
            }
            return good == threads ? 0 : 1;
        });
    }
    CHECK(statuses(&children) == std::vector<int>(processes, 0));
    CHECK(common->taken > (arena.bytes - sizeof(Header)) * 8 / 10);
    CHECK(common->taken < arena.bytes);
}

TEST_CASE("a text that many processes intern at once has one record") {
    const Place place;
    Mapped arena;
    REQUIRE(place.create(&arena) == 0);
    constexpr unsigned everybody = 6, texts = 300;
    struct Common {
        std::atomic<unsigned> started;
        std::array<std::array<Ref, texts>, everybody> refs;
    };
    Shared<Common> common;
    std::vector<Forked> children;
    for (unsigned number = 0; number < everybody; ++number) {
        children.emplace_back([&, number] {
            meet(&common->started, everybody);
            for (unsigned i = 0; i < texts; ++i) {
                const unsigned text = number % 2 == 0 ? i : texts - 1 - i;
                common->refs[number][text] = intern_string(arena, "/data/file " + std::to_string(text));
            }
            return 0;
        });
    }
    REQUIRE(statuses(&children) == std::vector<int>(everybody, 0));
    std::map<std::string, unsigned> records;
    const ArenaView view(arena.base, arena.bytes);
    view.for_table<String>(arena.header().string_heads, [&](Ref ref, const String &) {
        const TextView text = view.text(ref);
        ++records[std::string(text.data, text.bytes)];
    });
    for (unsigned i = 0; i < texts; ++i) {
        const std::string text = "/data/file " + std::to_string(i);
        CAPTURE(text);
        CHECK(records[text] == 1);
        for (unsigned number = 0; number < everybody; ++number) {
            const TextView found = view.text(common->refs[number][i]);
            CHECK(common->refs[number][i] == common->refs[0][i]);
            CHECK(std::string(found.data, found.bytes) == text);
        }
    }
    CHECK(records.size() == texts + 2); // the command's and the directory's
}

TEST_CASE("texts of every length come back, and too long ones are cut") {
    const Place place;
    Mapped arena;
    REQUIRE(place.create(&arena) == 0);
    const ArenaView view(arena.base, arena.bytes);
    for (const std::size_t length : {std::size_t{0}, std::size_t{1}, std::size_t{3}, std::size_t{4},
                                     std::size_t{255}, max_string_bytes, max_string_bytes + 1}) {
        const std::string text(length, 'x');
        const Ref ref = intern_string(arena, text);
        CHECK(intern_string(arena, text) == ref);
        const TextView found = view.text(ref);
        CHECK(std::string(found.data, found.bytes) == text.substr(0, max_string_bytes));
        CHECK(found.data[found.bytes] == '\0');
    }
    const std::string zeros("a\0b", 3);
    CHECK(intern_string(arena, zeros) != intern_string(arena, "a"));
}

TEST_CASE("bytes hash as FNV-1a says") {
    CHECK(hash_bytes("", 0) == 0x811c9dc5);
    CHECK(hash_bytes("a", 1) == 0xe40c292c);
    CHECK(hash_bytes("foobar", 6) == 0xbf9cf968);
}

TEST_CASE("clocks are read at one moment") {
    const std::uint64_t before = monotonic_ns();
    const ClockReading reading = read_clocks(Clock::monotonic);
    const std::uint64_t after = monotonic_ns();
    CHECK(reading.ticks == reading.monotonic_ns);
    CHECK(reading.monotonic_ns >= before);
    CHECK(reading.monotonic_ns <= after);
    const std::uint64_t realtime = monotonic_ns(CLOCK_REALTIME);
    CHECK(realtime - reading.realtime_ns < 10'000'000'000);

    const Place place;
    Mapped arena;
    REQUIRE(place.create(&arena) == 0);
    const ClockReading started = arena.header().started;
    CHECK(arena.header().latest.ticks == started.ticks);
    renew_clock(arena);
    CHECK(arena.header().latest.monotonic_ns > started.monotonic_ns);
    CHECK(arena.header().latest.ticks > started.ticks);
    CHECK(arena.header().started.ticks == started.ticks);
    CHECK(arena.header().latest_sequence == 2);
    arena.header().latest_sequence = 5; // somebody is at it
    const ClockReading latest = arena.header().latest;
    renew_clock(arena);
    CHECK(arena.header().latest.ticks == latest.ticks);
    CHECK(arena.header().latest_sequence == 5);
}
