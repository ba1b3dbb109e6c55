// How a lock went from one to the next: in whose favour.
#include "reporter/analyze/fairness.h"
#include "reporter/analyze/findings.h"

#include <catch2/catch.hpp>

using namespace flockstat;
using namespace flockstat::reporter;

namespace {

constexpr std::int64_t ms = 1'000'000;

/// Processes 0 to 9 and one flock lock. Who waits holds it from then on.
struct Story {
    Run run;

    Story() {
        run.locks.emplace_back();
        run.processes.resize(10);
        run.stacks.resize(10);
    }

    void held(std::uint32_t process, std::int64_t from_ms, std::int64_t to_ms, Mode mode = Mode::exclusive) {
        add(record::EventKind::held, process, from_ms, to_ms, mode);
    }
    void waited(std::uint32_t process, std::int64_t from_ms, std::int64_t to_ms, Mode mode = Mode::exclusive,
                std::uint64_t attempts = 1) {
        Event &event = add(record::EventKind::acquired, process, from_ms, to_ms, mode);
        event.wait_ns = static_cast<std::uint64_t>((to_ms - from_ms) * ms);
        event.attempts = attempts;
    }
    [[nodiscard]] Fairness fairness() const { return fairness_of(run).at(0); }

private:
    Event &add(record::EventKind kind, std::uint32_t process, std::int64_t from_ms, std::int64_t to_ms,
               Mode mode) {
        Event &event = run.events.emplace_back();
        event.kind = kind;
        event.lock = 0;
        event.stack = event.process = process;
        event.mode = mode;
        event.start_at_ns = from_ms * ms;
        event.end_at_ns = to_ms * ms;
        event.range_end = INT64_MAX;
        return event;
    }
};

/// A report of one lock whose numbers are over all the limits.
Report crowded() {
    Report report;
    report.processes.emplace_back().pid = 7;
    report.sites.emplace_back();
    LockReport &lock = report.locks.emplace_back();
    lock.acquisitions = 40;
    lock.contended = 20;
    lock.wait.count = 20;
    lock.wait.sum_ns = 2'000'000'000;
    lock.fairness.queued_ns = 1'000'000'000;
    lock.fairness.longest_queue = 3;
    lock.fairness.overtaken = {100'000'000, 10, 50'000'000, Mode::exclusive, 0, 0};
    return report;
}

std::vector<std::string> kinds(Report report) {
    add_fairness_findings(report);
    std::vector<std::string> found;
    for (const FindingReport &finding : report.findings) {
        found.push_back(finding.kind);
    }
    return found;
}

} // namespace

TEST_CASE("the hand-over is from the release to the grant, of pollers apart") {
    Story story;
    story.held(0, 0, 40);
    story.waited(1, 10, 43);
    story.held(1, 43, 50);
    story.waited(2, 20, 75, Mode::exclusive, 5);
    const Fairness fairness = story.fairness();
    CHECK(fairness.handover[0].count == 1);
    CHECK(fairness.handover[0].sum_ns == 3 * ms);
    CHECK(fairness.handover[1].count == 1);
    CHECK(fairness.handover[1].sum_ns == 25 * ms);
}

TEST_CASE("who asked later and got it sooner has overtaken") {
    Story story;
    story.held(0, 0, 40);
    story.waited(1, 10, 100);
    SECTION("after a wait of its own") {
        story.waited(2, 20, 40);
        story.held(2, 40, 60);
    }
    SECTION("or without one") { story.held(2, 45, 60); }
    story.held(3, 70, 100);
    story.waited(3, 5, 70); // was there first
    REQUIRE(story.fairness().longest);
    CHECK(story.fairness().longest->times == 1);
    CHECK(story.fairness().longest->wait_ns == 90 * ms);
    CHECK(story.fairness().longest->process == 1);
}

TEST_CASE("nobody is overtaken in a queue that keeps its order") {
    Story story;
    story.held(0, 0, 40);
    story.waited(1, 10, 40);
    story.held(1, 40, 60);
    story.waited(2, 20, 60);
    story.held(2, 60, 70);
    CHECK_FALSE(story.fairness().longest);
}

TEST_CASE("readers who keep writers out and writers who keep readers out are told apart") {
    Story story;
    story.held(0, 0, 30, Mode::shared);
    story.held(1, 20, 50, Mode::shared);
    story.waited(2, 10, 50);
    story.held(2, 50, 90);
    story.waited(3, 60, 90, Mode::shared);
    const Fairness fairness = story.fairness();
    CHECK(fairness.readers_kept_writers_ns == 40 * ms); // once, however many readers there are
    CHECK(fairness.writers_kept_readers_ns == 30 * ms);
    REQUIRE(fairness.longest);
    CHECK(fairness.longest->mode == Mode::exclusive);
    CHECK(fairness.longest->behind_shared_ns == 40 * ms);
    CHECK(fairness.longest->times == 1);
}

TEST_CASE("what is over the limits is a finding, what is just below is none") {
    CHECK(kinds(crowded()) == std::vector<std::string>{"convoy", "writer-starved-by-readers"});
    Report report = crowded();
    LockReport &lock = report.locks[0];
    SECTION("contended") {
        lock.contended = 19;
        CHECK(kinds(report) == std::vector<std::string>{"writer-starved-by-readers"});
    }
    SECTION("share") {
        lock.acquisitions = 41;
        CHECK(kinds(report) == std::vector<std::string>{"writer-starved-by-readers"});
    }
    SECTION("queue") {
        lock.fairness.longest_queue = 2;
        CHECK(kinds(report) == std::vector<std::string>{"writer-starved-by-readers"});
    }
    SECTION("mean queue") {
        lock.wait.sum_ns = 1'990'000'000;
        CHECK(kinds(report) == std::vector<std::string>{"writer-starved-by-readers"});
    }
    SECTION("length") {
        lock.fairness.overtaken->wait_ns = 99'999'999;
        CHECK(kinds(report) == std::vector<std::string>{"convoy"});
    }
    SECTION("times") {
        lock.fairness.overtaken->times = 9;
        CHECK(kinds(report) == std::vector<std::string>{"convoy"});
    }
    SECTION("kinds of starvation") {
        lock.fairness.overtaken->behind_shared_ns = 49'000'000;
        CHECK(kinds(report)[1] == "starvation");
        lock.fairness.overtaken->mode = Mode::shared;
        CHECK(kinds(report)[1] == "reader-starved-by-writers");
    }
}
