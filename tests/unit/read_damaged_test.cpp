// Any process of a run may scribble on its arena: whatever stands there is read without a crash, a hang or a
// foreign exception.
#include "reporter/analyze/report.h"
#include "reporter/read/arena_image.h"
#include "reporter/write/json.h"
#include "reporter/write/text.h"
#include "tests/support/arena_builder.h"

#include <catch2/catch.hpp>

#include <chrono>
#include <cstring>
#include <random>
#include <vector>

using namespace flockstat;
using namespace flockstat::reporter;
using flockstat::test::ArenaBuilder;
using record::LeafKind;
using record::ProcessState;

namespace {

constexpr std::uint64_t arena_bytes = 256U << 10U;

void fill(ArenaBuilder &arena) {
    const std::uint64_t start = ArenaBuilder::start;
    arena.header().command = arena.text(std::string_view("app\0x", 5));
    const auto module = arena.module("/bin/app", "0123456789");
    for (std::int32_t pid = 1; pid <= 4; ++pid) {
        const auto process = arena.process(pid, static_cast<ProcessState>(1 + pid % 3), start, start + 1000);
        arena.get<record::Process>(process).command = arena.header().command;
        const auto block = arena.block(process);
        for (std::uint64_t inode = 1; inode <= 4; ++inode) {
            const auto lock = arena.lock("/data/file.lock", static_cast<Family>(inode % 3), inode);
            const auto stack = arena.stack({{0x10, module}, {0x20, module}, {0x7f0000001000, 0}}, process);
            record::Leaf &leaf = arena.leaf(block, lock, stack, static_cast<LeafKind>(inode % 4));
            record::LeafExtra &extra = arena.extra(leaf);
            for (std::uint64_t i = 1; i < 12; ++i) {
                arena.sample(leaf.first, i * i * 1000, start + i);
                arena.sample(leaf.second, i * 900, start + i);
                arena.sample(extra.wait, i * 77, start + i);
            }
            extra.errors[0] = {ENOLCK, 2};
            arena.region(block, process, lock, stack, start + 5);
            arena.get<record::ThreadBlock>(block).episodes[inode].first_ticks = start;
            arena.get<record::ThreadBlock>(block).episodes[inode].lock = lock;
            arena.event(record::EventKind::acquired, lock, stack, process).start_ticks = start;
        }
        arena.get<record::ThreadBlock>(block).waiting.since_ticks = start + 7;
    }
}

/// Through the reader and the analysis, and where `written` through the writers too. Returns whether it was
/// read at all.
bool goes_through(std::span<const std::byte> bytes, bool written = true) {
    try {
        const Run run = read_run(ArenaImage(bytes, "damaged.flk"));
        const Report report = analyze(std::span(&run, 1), nullptr);
        return !written || (!to_json(report).empty() && !to_text(report, {}).empty());
    } catch (const ReadError &) {
        return false;
    }
}

} // namespace

TEST_CASE("the arena that is damaged below is a whole one") {
    ArenaBuilder arena(arena_bytes);
    fill(arena);
    const Run run = read_run(ArenaImage(arena.bytes(), "whole.flk"));
    CHECK(run.damaged == 0);
    CHECK(run.leaves.size() == 16);
    CHECK(run.regions.size() == 16);
    CHECK(run.episodes.size() == 16);
    CHECK(run.events.size() == 16);
    CHECK(goes_through(arena.bytes()));
}

TEST_CASE("random words anywhere in an arena") {
    ArenaBuilder arena(arena_bytes);
    fill(arena);
    const std::vector<std::byte> whole(arena.bytes().begin(), arena.bytes().end());
    const std::size_t used = arena.header().heap_next;
    const std::size_t heap = sizeof(record::Header);
    std::mt19937_64 random(20240229);
    unsigned read = 0;
    for (int round = 0; round < 2000; ++round) {
        std::vector<std::byte> bytes = whole;
        const unsigned hits = 1U + static_cast<unsigned>(random() % (round % 2 == 0 ? 4 : 400));
        for (unsigned hit = 0; hit < hits; ++hit) {
            // Mostly in the records; now and then in the header, whose tables are large and mostly empty.
            const std::size_t at =
                (random() % 8 == 0 ? random() % heap : heap + random() % (used - heap)) & ~std::size_t{3};
            // Values that lead somewhere do more harm than wild ones.
            const auto value =
                static_cast<std::uint32_t>(random() % 2 == 0 ? random() : random() % (used / 16));
            std::memcpy(bytes.data() + at, &value, sizeof value);
        }
        read += goes_through(bytes, round % 16 < 2) ? 1U : 0U;
    }
    CHECK(read > 1500); // damage in the records is survived, not refused
}

TEST_CASE("every byte random but for what makes it an arena") {
    ArenaBuilder arena(arena_bytes);
    std::mt19937_64 random(7);
    for (int round = 0; round < 60; ++round) {
        std::vector<std::byte> bytes(arena_bytes);
        for (std::size_t at = 0; at < bytes.size(); at += 8) {
            const std::uint64_t value =
                round % 2 == 0 ? random() : random() % (arena_bytes / 16) * 0x100000001U;
            std::memcpy(bytes.data() + at, &value, 8);
        }
        std::memcpy(bytes.data(), arena.bytes().data(), offsetof(record::Header, boot_id));
        CHECK(goes_through(bytes));
    }
}

TEST_CASE("all references lead to the same place") {
    ArenaBuilder arena(arena_bytes);
    fill(arena);
    const std::vector<std::byte> whole(arena.bytes().begin(), arena.bytes().end());
    const std::size_t units = arena.header().heap_next / 16;
    for (std::size_t unit = sizeof(record::Header) / 16; unit < units; unit += 37) {
        std::vector<std::byte> bytes = whole;
        const auto value = static_cast<std::uint32_t>(unit);
        for (std::size_t at = sizeof(record::Header); at + 4 <= units * 16; at += 16) {
            std::memcpy(bytes.data() + at, &value, sizeof value); // where most records have their `next`
        }
        CHECK(goes_through(bytes));
    }
}

TEST_CASE("an arena cut off anywhere is refused, not read") {
    ArenaBuilder arena(arena_bytes);
    fill(arena);
    for (std::size_t bytes = 0; bytes < arena_bytes; bytes += 4093) {
        CHECK_FALSE(goes_through(arena.bytes().first(bytes)));
    }
}

TEST_CASE("a densely cross-linked arena takes no time without end") {
    // Blocks, leaves and extras at every sixteenth byte, all linked to each other: the worst that a writer
    // could do.
    ArenaBuilder arena(std::uint64_t{4} << 20U);
    std::mt19937 random(3);
    const auto bytes = arena.bytes();
    for (std::size_t at = sizeof(record::Header); at + 4 <= bytes.size(); at += 4) {
        const auto value = static_cast<std::uint32_t>(random() % (bytes.size() / 16));
        std::memcpy(bytes.data() + at, &value, sizeof value);
    }
    arena.header().blocks = static_cast<std::uint32_t>(sizeof(record::Header) / 16 + 1);
    arena.header().event_chunks = arena.header().blocks + 1;
    const auto began = std::chrono::steady_clock::now();
    CHECK(goes_through(bytes));
    CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(30));
}
