// The arena's room: bounded, each taker's own, and texts that are in it once.
#include "reporter/record/chain.h"
#include "reporter/record/clock.h"
#include "tests/unit/arena_place.h"

#include <catch2/catch.hpp>

#include <array>
#include <map>

using namespace flockstat::record;
using namespace flockstat::test;

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

TEST_CASE("a scribbled reference gives a record where one may stand, or none") {
    const Place place;
    Mapped arena;
    REQUIRE(place.create(&arena) == 0);
    const std::uint64_t units = arena.bytes / ref_unit;
    unsigned found = 0;
    for (Ref ref = 0; ref < units + 1000; ++ref) {
        const auto *lock = resolve<Lock>(arena, ref);
        const auto *line = resolve<OctaveCounts>(arena, ref);
        if (lock != nullptr) {
            ++found;
            REQUIRE(reinterpret_cast<std::uintptr_t>(lock) % alignof(Lock) == 0);
            REQUIRE(reinterpret_cast<const char *>(lock) >= arena.base + sizeof(Header));
            REQUIRE(reinterpret_cast<const char *>(lock + 1) <= arena.base + arena.bytes);
        }
        REQUIRE(reinterpret_cast<std::uintptr_t>(line) % alignof(OctaveCounts) == 0);
    }
    CHECK(found > 1000);
}
