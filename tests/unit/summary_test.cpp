// The plain summary against the big reporter: the same arena, the same numbers.
#include "reporter/analyze/report.h"
#include "reporter/read/run.h"
#include "reporter/record/chain.h"
#include "reporter/summary/plain_summary.h"
#include "reporter/summary/plain_text.h"
#include "reporter/write/json.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <random>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace flockstat;
using nlohmann::json;
using record::LeafKind;
using record::Ref;
using record::Release;
namespace fs = std::filesystem;

namespace {

/// An arena in a directory of its own, filled by hand as the shim would. Its clock is CLOCK_MONOTONIC and it
/// seems to come from another boot, so nothing depends on when it is read.
class Arena {
public:
    Arena() {
        std::string name = (fs::temp_directory_path() / "flockstat-summary-XXXXXX").string();
        REQUIRE(mkdtemp(name.data()) != nullptr);
        directory_ = name;
        record::NewArena wanted;
        wanted.run.run_id = 0x1234;
        wanted.run.arena_directory = directory_;
        wanted.run.directory = directory_;
        wanted.bytes = 4U << 20U;
        wanted.command = std::string_view("make\0-j \"8\"\0", 12);
        REQUIRE(record::create_arena(wanted, &mapping_) == 0);
        header().clock = record::Clock::monotonic;
        header().started = {1'000, 1'000, 1'700'000'000'123'456'789};
        header().latest = {9'000'000'000, 9'000'000'000, 0};
        std::strcpy(header().boot_id, "another boot");
        header().ended = 1;
    }
    Arena(const Arena &) = delete;
    Arena &operator=(const Arena &) = delete;
    ~Arena() {
        munmap(mapping_.base, mapping_.bytes);
        fs::remove_all(directory_);
    }

    record::Header &header() { return *reinterpret_cast<record::Header *>(mapping_.base); }
    [[nodiscard]] const record::Mapping &mapping() const { return mapping_; }
    [[nodiscard]] const std::string &directory() const { return directory_; }

    template<typename Record>
    Record &make(Ref *ref, std::uint64_t more = 0) {
        *ref = record::take_room(mapping_, sizeof(Record) + more, 64);
        auto *made = record::resolve<Record>(mapping_, *ref);
        REQUIRE(made != nullptr);
        return *made;
    }

    template<typename Record>
    void chain(Ref *head, Record &record, Ref ref) {
        record.next = *head;
        *head = ref;
    }

    Ref text(std::string_view text) { return record::intern_string(mapping_, text); }

    Ref lock(std::string_view path, record::Family family = record::Family::flock) {
        Ref ref = 0;
        auto &made = make<record::Lock>(&ref);
        made.path = text(path);
        made.family = family;
        made.device_major = 8;
        made.device_minor = 1;
        made.inode = 1000 + ref;
        made.filesystem = 0xef53;
        chain(&header().lock_heads[ref % record::lock_chains], made, ref);
        return ref;
    }

    Ref stack(std::initializer_list<std::uint64_t> offsets) {
        Ref module_ref = 0;
        auto &module = make<record::Module>(&module_ref);
        module.path = text("/usr/lib/lib \"x\".so");
        Ref ref = 0;
        auto &made = make<record::Stack>(&ref, offsets.size() * sizeof(record::Frame));
        for (const std::uint64_t offset : offsets) {
            // The outermost one is in no module.
            made.frames[made.depth] = {offset, made.depth + 1 < offsets.size() ? module_ref : 0,
                                       record::FrameKind::native};
            ++made.depth;
        }
        chain(&header().stack_heads[0], made, ref);
        return ref;
    }

    Ref process(std::int32_t pid, record::ProcessState state, std::uint64_t attached, std::uint64_t ended) {
        Ref ref = 0;
        auto &made = make<record::Process>(&ref);
        made.pid = pid;
        made.parent_pid = 1;
        made.state = state;
        made.status = state == record::ProcessState::exited ? 3 : -1;
        made.attached_ticks = attached;
        made.ended_ticks = ended;
        made.command = text(std::string_view("worker\0", 7));
        made.executable = text("/usr/bin/worker\xff");
        chain(&header().process_heads[0], made, ref);
        return ref;
    }

    record::ThreadBlock &block(Ref process) {
        Ref ref = 0;
        auto &made = make<record::ThreadBlock>(&ref);
        made.process = process;
        ++header().thread_count;
        chain(&header().blocks, made, ref);
        return made;
    }

    record::Leaf &leaf(record::ThreadBlock &block, Ref lock, Ref stack, LeafKind kind) {
        Ref ref = 0;
        auto &made = make<record::Leaf>(&ref);
        made.lock = lock;
        made.stack = stack;
        made.kind = kind;
        chain(&block.leaves, made, ref);
        return made;
    }

    record::LeafExtra &extra(record::Leaf &leaf) { return make<record::LeafExtra>(&leaf.extra); }

    /// Adds one sample as the shim does.
    void sample(record::Stat &stat, std::uint64_t value, std::uint64_t at) {
        stat.min_ticks = stat.count == 0 ? value : std::min(stat.min_ticks, value);
        stat.max_ticks = std::max(stat.max_ticks, value);
        ++stat.count;
        stat.sum_ticks += value;
        stat.last_ticks = value;
        stat.last_at_ticks = at;
        if (stat.histogram == 0) {
            make<record::Histogram>(&stat.histogram);
        }
        auto *histogram = record::resolve<record::Histogram>(mapping_, stat.histogram);
        const unsigned bucket = record::bucket_of(value);
        Ref &octave = histogram->octaves[bucket / record::steps_in_octave];
        if (octave == 0) {
            make<record::OctaveCounts>(&octave);
        }
        ++record::resolve<record::OctaveCounts>(mapping_, octave)->counts[bucket % record::steps_in_octave];
    }

private:
    std::string directory_;
    record::Mapping mapping_;
};

json read_json(const fs::path &file) {
    std::ifstream content(file);
    const json parsed = json::parse(content, nullptr, false);
    INFO(file);
    REQUIRE_FALSE(parsed.is_discarded());
    return parsed;
}

std::string read_text(const fs::path &file) {
    std::ifstream content(file);
    return {std::istreambuf_iterator<char>(content), {}};
}

json big_report(const fs::path &file) {
    const std::vector<reporter::Run> runs = {reporter::read_run(file)};
    return json::parse(to_json(reporter::analyze(runs, nullptr)));
}

/// Equal ranks may be listed in any order: sorts what is ranked, and lets sites name their lock.
json normalized(json report) {
    for (json &site : report["sites"]) {
        const json &lock = report["locks"][site["lock"].get<std::size_t>()];
        site["lock"] = lock["path"].get<std::string>() + lock["inode"].dump();
    }
    for (json &lock : report["locks"]) {
        lock.erase("fairness"); // take the reporter
        lock.erase("source");
    }
    for (const char *part : {"locks", "sites", "processes"}) {
        std::vector<json> items(report[part].begin(), report[part].end());
        std::sort(items.begin(), items.end());
        report[part] = items;
    }
    return report;
}

/// What the locks are ranked by, in their order.
std::vector<std::uint64_t> waits(const json &report) {
    std::vector<std::uint64_t> sums;
    for (const json &lock : report["locks"]) {
        sums.push_back(lock["wait"]["sum_ns"]);
    }
    return sums;
}

/// The plain summary's JSON, after comparing it with the reporter's.
json compare(const Arena &arena) {
    REQUIRE(summary::write_plain_summary(arena.mapping(), arena.directory(), "run.flk") == 0);
    json written = read_json(arena.directory() + "/summary.json");
    const json read = big_report(arena.directory() + "/run.flk");
    CHECK(waits(written) == waits(read));
    json plain = normalized(written);
    json big = normalized(read);
    CHECK(plain["schema"] == big["schema"]);
    CHECK(plain["blame"].empty()); // who made whom wait takes the reporter
    for (const char *part :
         {"run", "lost", "unattributed", "counters", "locks", "sites", "processes", "findings"}) {
        INFO(part << ": plain " << plain[part].dump(1) << "\nbig " << big[part].dump(1));
        CHECK(plain[part] == big[part]);
    }
    return written;
}

} // namespace

TEST_CASE("an empty arena gives an empty summary") {
    Arena arena;
    const json plain = compare(arena);
    CHECK(plain["locks"].empty());
    CHECK(plain["run"]["started"] == "2023-11-14T22:13:20.123Z");
    CHECK(plain["run"]["command"] == json({"make", "-j \"8\"", ""}));
    CHECK(plain["counters"]["filelock.enter"]["count"] == 0);
}

TEST_CASE("counts and times of one lock") {
    Arena arena;
    const Ref lock = arena.lock("/tmp/a\x01\xc3\xa4\xff\"\\.lock");
    const Ref process = arena.process(100, record::ProcessState::exited, 2'000, 8'000'000);
    auto &block = arena.block(process);
    auto &leaf = arena.leaf(block, lock, arena.stack({0x1000, 0x2000, 0x3000}), LeafKind::acquire_exclusive);
    for (std::uint64_t value : {100U, 250U, 175U}) {
        arena.sample(leaf.first, value, 5'000 + value);
        arena.sample(leaf.second, 1'000 * value, 6'000 + value);
    }
    auto &extra = arena.extra(leaf);
    extra.refused = 7;
    extra.polled = 1;
    extra.abandoned = 2;
    extra.abandoned_ticks = 12'345;
    extra.released[static_cast<unsigned>(Release::close)] = 1;
    extra.errors[0] = {37, 3};
    extra.errors[1] = {11, 7};
    extra.errors[2] = {0, 2};
    extra.failed = 5;
    arena.sample(extra.wait, 200, 5'400);
    arena.sample(extra.overshoot, 50, 5'400);
    arena.leaf(block, lock, 0, LeafKind::release).calls = 2;
    arena.leaf(block, lock, 0, LeafKind::test).calls = 4;
    block.totals.attempts = 15;
    block.totals.enter = {3, 525, 100, 250, 175, 5'175};
    const json plain = compare(arena);
    REQUIRE(plain["locks"].size() == 1);
    const json &found = plain["locks"][0];
    CHECK(found["path"] == "/tmp/a\x01\xc3\xa4\\xff\"\\.lock");
    CHECK(found["attempts"] == 15);
    CHECK(found["errors"] == json({{"ENOLCK", 3}, {"EAGAIN", 7}, {"other", 2}}));
    CHECK(found["released"]["unlock"] == 2);
    CHECK(found["enter"]["sum_ns"] == 525);
    CHECK(found["enter"]["p50_ns"] == 175);
    CHECK(found["wait"]["value_ns"] == 200);
    CHECK(plain["sites"][0]["frames"].size() == 3);
    CHECK(plain["processes"][0]["attempts"] == 15);
    const std::string text = read_text(arena.directory() + "/summary.txt");
    CHECK(text.find("/tmp/a\\x01\\xc3\\xa4\\xff") != std::string::npos);
    CHECK(text.find("/usr/lib/lib \"x\".so+0x1000") != std::string::npos);
    CHECK(text.find("200 ns") != std::string::npos);
}

TEST_CASE("many leaves of many threads, locks and sites") {
    Arena arena;
    std::mt19937_64 random(1);
    std::vector<Ref> locks = {0};
    std::vector<Ref> stacks = {0};
    for (int i = 0; i < 6; ++i) {
        locks.push_back(arena.lock("/l" + std::to_string(i), static_cast<record::Family>(i % 3)));
        stacks.push_back(arena.stack({0x1000U + static_cast<unsigned>(i), 0x99}));
    }
    for (int process = 0; process < 5; ++process) {
        const Ref owner = arena.process(100 + process, record::ProcessState::exited, 2'000, 8'000'000'000);
        auto &block = arena.block(owner);
        for (int i = 0; i < 20; ++i) {
            const Ref lock = locks[random() % locks.size()];
            auto &leaf = arena.leaf(block, lock, stacks[random() % stacks.size()],
                                    static_cast<LeafKind>(random() % 4));
            // A lock's calls are of its family, those without a lock say so themselves.
            leaf.family = lock == 0 ? static_cast<record::Family>(random() % 3)
                                    : record::resolve<record::Lock>(arena.mapping(), lock)->family;
            leaf.calls = random() % 10;
            const bool acquire =
                leaf.kind == LeafKind::acquire_shared || leaf.kind == LeafKind::acquire_exclusive;
            const auto samples = random() % 60;
            for (std::uint64_t n = 0; n < samples; ++n) {
                const std::uint64_t at = 10'000 + random() % 7'000'000'000;
                arena.sample(leaf.first, random() >> (random() % 40 + 24), at);
                if (acquire) {
                    arena.sample(leaf.second, random() >> (random() % 30 + 30), at);
                }
            }
            auto &extra = arena.extra(leaf);
            extra.errors[0] = {static_cast<std::uint32_t>(random() % 40),
                               static_cast<std::uint32_t>(random() % 5)};
            if (acquire) {
                extra.refused = random() % 9;
                arena.sample(extra.wait, random() % 1'000'000, 10'000 + random() % 7'000'000'000);
            }
        }
    }
    compare(arena);
}

TEST_CASE("open regions and episodes of processes that ended in every way") {
    Arena arena;
    const Ref lock = arena.lock("/posix", record::Family::posix);
    const Ref shared = arena.lock("/flock");
    const Ref stack = arena.stack({0x10, 0x20});
    using State = record::ProcessState;
    const Ref exited = arena.process(10, State::exited, 2'000, 5'000'000);
    const Ref execed = arena.process(11, State::execed, 2'000, 3'000'000);
    const Ref image = arena.process(11, State::running, 3'000'001, 0);
    const Ref killed = arena.process(12, State::running, 2'000, 0);
    for (const Ref owner : {exited, execed, image, killed, Ref{0}}) {
        auto &block = arena.block(owner);
        Ref ref = 0;
        auto &group = arena.make<record::RegionGroup>(&ref);
        block.regions = ref;
        group.slots[0] = {};
        group.slots[0].since_ticks = 1'000'000;
        group.slots[0].lock = lock;
        group.slots[0].stack = stack;
        group.slots[0].process = owner;
        group.slots[0].mode = record::Mode::exclusive;
        group.slots[3] = group.slots[0];
        group.slots[3].lock = shared;
        group.slots[3].holders = 2;
        block.episodes[2].first_ticks = 1'500'000;
        block.episodes[2].last_ticks = 1'700'000;
        block.episodes[2].lock = shared;
        block.episodes[2].stack = stack;
    }
    SECTION("and the run is over") {
        const json plain = compare(arena);
        CHECK(plain["locks"][0]["abandoned"] == 5);
        const json &posix = plain["locks"][0]["path"] == "/posix" ? plain["locks"][0] : plain["locks"][1];
        CHECK(posix["released"]["exit"] == 1);
        CHECK(posix["released"]["unknown"] == 4);
        CHECK(posix["region"]["sum_ns"] == 4'000'000);
        CHECK(plain["run"]["complete"] == true);
        CHECK(plain["run"]["processes"] == 3); // two of the four records are of one process
    }
    SECTION("and events tell how long the killed one lived") {
        Ref ref = 0;
        auto &chunk = arena.make<record::EventChunk>(&ref);
        chunk.events[4].kind = record::EventKind::held;
        chunk.events[4].lock = lock;
        chunk.events[4].process = killed;
        chunk.events[4].start_ticks = 3'000'000;
        chunk.events[4].end_ticks = 4'000'000;
        arena.chain(&arena.header().event_chunks, chunk, ref);
        const json plain = compare(arena);
        const json &posix = plain["locks"][0]["path"] == "/posix" ? plain["locks"][0] : plain["locks"][1];
        CHECK(posix["held_open_ns"] > 3'000'000);
    }
    SECTION("and somebody may be left: the link to the arena stays") {
        arena.header().left_running = 1;
        fs::create_symlink(arena.directory() + "/flockstat-0000000000001234", arena.directory() + "/run.flk");
        REQUIRE(summary::write_plain_summary(arena.mapping(), arena.directory(), "run.flk") == 0);
        CHECK(fs::is_symlink(arena.directory() + "/run.flk"));
        CHECK(read_json(arena.directory() + "/summary.json")["run"]["complete"] == false);
    }
}

TEST_CASE("the copy of the arena is sparse and equal") {
    Arena arena;
    auto &block = arena.block(arena.process(1, record::ProcessState::exited, 2'000, 3'000));
    arena.leaf(block, arena.lock("/x"), 0, LeafKind::release).calls = 1;
    REQUIRE(summary::write_plain_summary(arena.mapping(), arena.directory(), "run.2.flk") == 0);
    const std::string file = arena.directory() + "/run.2.flk";
    const std::string bytes = read_text(file);
    REQUIRE(bytes.size() == arena.mapping().bytes);
    CHECK(std::memcmp(bytes.data(), arena.mapping().base, bytes.size()) == 0);
    struct stat facts {};
    REQUIRE(stat(file.c_str(), &facts) == 0);
    CHECK(static_cast<std::uint64_t>(facts.st_blocks) * 512 < bytes.size() / 2);
    CHECK(read_text(arena.directory() + "/summary.txt").find("This is run.2.flk alone") != std::string::npos);
}

TEST_CASE("what cannot be written is an errno, and nothing is left beside") {
    Arena arena;
    CHECK(summary::write_plain_summary(arena.mapping(), "/proc/no/such", "run.flk") == ENOENT);
    rlimit64 before{};
    REQUIRE(getrlimit64(RLIMIT_FSIZE, &before) == 0);
    rlimit64 little = before;
    little.rlim_cur = 100;
    REQUIRE(setrlimit64(RLIMIT_FSIZE, &little) == 0); // one byte more would be a SIGXFSZ
    const int error = summary::write_plain_summary(arena.mapping(), arena.directory(), "run.flk");
    REQUIRE(setrlimit64(RLIMIT_FSIZE, &before) == 0);
    CHECK(error == EFBIG);
    CHECK(std::distance(fs::directory_iterator(arena.directory()), {}) == 1); // the arena
}

TEST_CASE("no bytes in the arena crash the summary") {
    Arena arena;
    auto &block = arena.block(arena.process(1, record::ProcessState::exited, 2'000, 3'000));
    for (int i = 0; i < 50; ++i) {
        auto &leaf = arena.leaf(block, arena.lock("/x" + std::to_string(i)), arena.stack({1, 2, 3}),
                                LeafKind::acquire_shared);
        for (unsigned n = 0; n < 20; ++n) {
            arena.sample(leaf.first, n * n, n);
        }
        arena.extra(leaf).refused = 1;
    }
    const std::uint64_t used = arena.header().heap_next;
    const std::string good(arena.mapping().base, used);
    std::mt19937_64 random(7);
    for (int round = 0; round < 60; ++round) {
        std::memcpy(arena.mapping().base, good.data(), used);
        const int damages = 1 + static_cast<int>(random() % 400);
        for (int i = 0; i < damages; ++i) {
            // Half of them in the heap, where records are; the chains of the header are mostly empty.
            const std::uint64_t from = random() % 2 == 0 ? sizeof(record::Header) : 24;
            arena.mapping().base[from + random() % (used - from)] = static_cast<char>(random());
        }
        REQUIRE(summary::write_plain_summary(arena.mapping(), arena.directory(), "run.flk") == 0);
        read_json(arena.directory() + "/summary.json");
    }
}

TEST_CASE("times of the plain summary have three digits and a unit") {
    char room[24];
    const auto text = [&](std::uint64_t ns) { return std::string(summary::short_time(ns, room)); };
    CHECK(text(0) == "0 ns");
    CHECK(text(999) == "999 ns");
    CHECK(text(1'250) == "1.25 us");
    CHECK(text(12'345'678) == "12.3 ms");
    CHECK(text(999'999'999) == "999 ms");
    CHECK(text(3'005'000'000) == "3.00 s");
    CHECK(text(UINT64_MAX) == "18446744073 s");
}
