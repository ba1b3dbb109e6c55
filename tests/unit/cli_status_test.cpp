// The line that says how a run goes.
#include "reporter/cli/status_line.h"

#include <catch2/catch.hpp>

#include <cstring>
#include <memory>

using namespace flockstat;
using namespace flockstat::cli;
using record::Ref;

namespace {

constexpr std::uint64_t second = 1000; ///< in ticks of these tests

/// A header, two processes and two threads in memory.
struct Arena {
    record::Header header{};
    alignas(64) record::Process processes[2]{};
    alignas(64) record::ThreadBlock blocks[2]{};

    Ref ref(const void *record) const {
        return static_cast<Ref>((static_cast<const char *>(record) - reinterpret_cast<const char *>(this)) /
                                16);
    }
    Arena() {
        header.process_heads[5] = ref(&processes[0]);
        processes[0].next = ref(&processes[1]);
        header.blocks = ref(&blocks[0]);
        blocks[0].next = ref(&blocks[1]);
        for (int i = 0; i < 2; ++i) {
            processes[i].state = record::ProcessState::running;
            processes[i].epoch = 1;
            processes[i].totals[1].attempts = 100;
            processes[i].totals[0].attempts = 7; // of another epoch: not this process's
            blocks[i].process = ref(&processes[i]);
            blocks[i].epoch = 1;
            blocks[i].totals.attempts = 10;
            blocks[i].totals.unlocks = 3;
        }
    }
    [[nodiscard]] LiveCounts count(std::uint64_t now) const {
        return count_live(record::ArenaView(this, sizeof *this), now, second);
    }
};

} // namespace

TEST_CASE("processes and calls are counted") {
    const auto arena = std::make_unique<Arena>();
    const LiveCounts counts = arena->count(0);
    CHECK(counts.processes == 2);
    CHECK(counts.lock_calls == 226);
    CHECK(counts.waiting == 0);
    arena->blocks[1].epoch = 2; // handed back, its calls are in the process's totals
    CHECK(arena->count(0).lock_calls == 213);
}

TEST_CASE("threads that are blocked or polling are waiting") {
    const auto arena = std::make_unique<Arena>();
    arena->blocks[0].waiting.since_ticks = 1;
    CHECK(arena->count(50).waiting == 1);
    arena->blocks[1].episodes[3].first_ticks = 10;
    arena->blocks[1].episodes[3].last_ticks = 40;
    CHECK(arena->count(50).waiting == 2);
    CHECK(arena->count(40 + 5 * second).waiting == 1); // not retried for five seconds: given up
    arena->blocks[1].episodes[3].longest_gap_ticks = second;
    CHECK(arena->count(40 + 5 * second).waiting == 2); // its gaps are long
    CHECK(arena->count(40 + 20 * second).waiting == 1);
    arena->processes[0].state = record::ProcessState::exited;
    CHECK(arena->count(40 + 20 * second).waiting == 0);
}

TEST_CASE("references out of bounds and cycles end the count") {
    const auto arena = std::make_unique<Arena>();
    arena->processes[1].next = arena->ref(&arena->processes[0]);
    arena->blocks[0].process = 0xffffffff;
    arena->blocks[1].next = 0xfffffff0;
    CHECK(arena->count(0).processes >= 2);
}

TEST_CASE("the text has thousands and plurals") {
    using std::chrono::milliseconds;
    CHECK(status_text(milliseconds(0), {0, 1, 1}) == "0.0 s, 0 processes, 1 lock call, 1 waiting now");
    CHECK(status_text(milliseconds(340), {1, 12, 0}) == "0.3 s, 1 process, 12 lock calls, 0 waiting now");
    CHECK(status_text(milliseconds(0), {0, 1, 1}) == "0.0 s, 0 processes, 1 lock call, 1 waiting now");
    CHECK(status_text(milliseconds(3'723'999), {4, 1'234'567, 1'000}) ==
          "3,723.9 s, 4 processes, 1,234,567 lock calls, 1,000 waiting now");
}
