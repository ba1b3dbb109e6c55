// The text report: what comes first, that it fits, and that it says what must not be overlooked.
#include "reporter/write/printable.h"
#include "reporter/write/text.h"

#include <catch2/catch.hpp>

#include <sstream>

using namespace flockstat::reporter;

namespace {

constexpr std::uint64_t ms = 1'000'000;

Stat stat(std::uint64_t count, std::uint64_t mean_ns) {
    return {count,   count * mean_ns, mean_ns,     mean_ns / 2, mean_ns * 3,
            mean_ns, mean_ns,         mean_ns * 2, mean_ns * 3};
}

void add_site(Report &report, std::size_t lock, const std::string &function, std::uint64_t waits) {
    SiteReport site;
    site.lock = lock;
    site.frames = {{"lockf64", "", 0, "/lib/libc.so.6", 1, false},
                   {function + "(db::Table<int, std::string>&, int)", "/home/someone/src/storage/journal.cpp",
                    412, "/srv/bin/app", 2, false},
                   {"db::Transaction<db::Table<int, std::string> >::commit()",
                    "/home/someone/src/storage/transaction.cpp", 88, "/srv/bin/app", 3, false},
                   {"main", "/home/someone/src/main.cpp", 12, "/srv/bin/app", 4, false},
                   {"__libc_start_main", "", 0, "/lib/libc.so.6", 5, false}};
    site.acquisitions = waits * 3;
    site.wait = stat(waits, 20 * ms);
    site.contended = waits;
    site.region = stat(waits * 3, 6 * ms);
    report.sites.push_back(site);
}

void add_lock(Report &report, const std::string &path, std::uint64_t waits) {
    LockReport lock;
    lock.path = path;
    lock.filesystem = "ext4";
    lock.family = Family::posix;
    lock.acquisitions = lock.granted = 3 * waits + 1;
    lock.refused = 7 * waits;
    lock.attempts = lock.granted + lock.refused;
    lock.contended = waits;
    lock.polled = waits;
    lock.exclusive = {stat(2 * waits, ms), stat(2 * waits, 6 * ms)};
    lock.shared = {stat(waits + 1, ms), stat(waits + 1, 6 * ms)};
    lock.enter = stat(lock.granted, ms);
    lock.region = stat(lock.granted, 6 * ms);
    lock.wait = stat(waits, 20 * ms);
    lock.overshoot = stat(waits, 3 * ms);
    report.locks.push_back(lock);
    report.groups.push_back({lock, {report.locks.size() - 1}});
    if (waits != 0) {
        add_site(report, report.locks.size() - 1, "flush_journal", waits - waits / 4);
        add_site(report, report.locks.size() - 1, "recover_journal", waits / 4);
    }
}

Report example() {
    Report report;
    report.run.command = {"python3", "train.py", "--name", "two words"};
    report.run.directory = "/home/someone/flockstat-python3-4711";
    report.run.started_at_ns = 1'700'000'000'000'000'000;
    report.run.duration_ns = 16'300 * ms;
    report.run.process_time_ns = 65'200 * ms;
    report.run.processes = 4;
    report.run.threads = 12;
    report.run.host = "box";
    report.run.complete = true;
    add_lock(
        report,
        "/very/long/way/down/the/directories/to/where/the/files/of/this/program/are/cache/application.db",
        400);
    add_lock(report, "/srv/other.lock", 10);
    add_lock(report, "/srv/quiet.lock", 0);
    report.counters["filelock.enter"] = stat(1'234'567, ms);
    report.counters["filelock.region"] = stat(1'234'567, 6 * ms);
    report.counters["filelock.exit"] = stat(1'234'567, 1'500);
    for (std::int32_t i = 0; i < 4; ++i) {
        ProcessReport process;
        process.pid = 4711 + i;
        process.command = {"python3", "train.py", "--worker", std::to_string(i), std::string(150, 'x')};
        process.ending = Ending::exited;
        process.status = 0;
        process.attempts = 1000;
        process.unlocks = 999;
        process.enter = stat(900, ms);
        process.region = stat(900, 6 * ms);
        process.wait = stat(100, 20 * ms);
        report.processes.push_back(process);
    }
    return report;
}

std::vector<std::string> lines_of(const std::string &text) {
    std::istringstream stream(text);
    std::vector<std::string> lines;
    for (std::string line; std::getline(stream, line);) {
        lines.push_back(line);
    }
    return lines;
}

bool has(const std::string &text, const std::string &wanted) {
    return text.find(wanted) != std::string::npos;
}

/// Text without line breaks and the blanks after them, for looking for sentences.
std::string unwrapped(const std::string &text) {
    std::string out;
    for (const char letter : text) {
        if (letter == '\n' || letter == ' ') {
            out += out.ends_with(' ') ? "" : " ";
        } else {
            out += letter;
        }
    }
    return out;
}

} // namespace

TEST_CASE("the first sentence says how much and for what") {
    Report report = example();
    CHECK(unwrapped(to_text(report, {}))
              .starts_with(
                  "Waited 8.20 s for file locks, 13 % of the 65.2 s that 4 processes ran: 98 % of it for "));
    report.run.process_time_ns = 1'000 * ms;
    CHECK(unwrapped(to_text(report, {}))
              .starts_with("Waited 8.20 s for file locks, by all threads together, in the 1.00 s that 4"));
    Report quiet = example();
    quiet.locks.erase(quiet.locks.begin(), quiet.locks.begin() + 2);
    quiet.groups.erase(quiet.groups.begin(), quiet.groups.begin() + 2);
    CHECK(unwrapped(to_text(quiet, {}))
              .starts_with("No time was spent waiting for file locks: 1 acquisition of 1 lock, none of them "
                           "contended."));
    CHECK(unwrapped(to_text(Report{}, {})).starts_with("No file lock call was seen."));
}

TEST_CASE("lines fit the terminal, and names of files stay whole") {
    for (const int width : {80, 100, 120, 200}) {
        for (const bool unicode : {false, true}) {
            const std::string text = to_text(example(), {.width = width, .unicode = unicode});
            for (const std::string &line : lines_of(text)) {
                INFO(line);
                CHECK(display_width(line) <= static_cast<std::size_t>(width));
                CHECK_FALSE(line.ends_with(' '));
            }
            CHECK(has(text, "cache/application.db"));
            CHECK_FALSE(has(text, "\033"));
        }
    }
    CHECK(has(
        to_text(example(), {.width = 200}),
        "/very/long/way/down/the/directories/to/where/the/files/of/this/program/are/cache/application.db"));
}

TEST_CASE("colours are there only when asked for, and change nothing else") {
    std::string coloured = to_text(example(), {.color = true});
    CHECK(has(coloured, "\033[1m"));
    for (std::size_t at = coloured.find('\033'); at != std::string::npos; at = coloured.find('\033')) {
        coloured.erase(at, coloured.find('m', at) + 1 - at);
    }
    CHECK(coloured == to_text(example(), {}));
}

TEST_CASE("each top lock has its numbers and its sites") {
    const std::string text = unwrapped(to_text(example(), {.width = 160}));
    CHECK(has(text, "Acquired 1,201 times (exclusive 800, shared 401), 400 contended (33 %)."));
    CHECK(has(text, "400 polled, with 2,800 refused attempts in all. Polling itself added 1.20 s"));
    CHECK(has(text, "waited 400 8.00 s 20.0 ms 20.0 ms 40.0 ms 60.0 ms 60.0 ms"));
    CHECK(has(text, "waiting at 6.00 s 75 % 300 x flush_journal (journal.cpp:412) < "
                    "db::Transaction<>::commit (transaction.cpp:88) < "
                    "main (main.cpp:12)"));
    CHECK(has(text, "held at 5.40 s 75 % 900 x flush_journal"));
    CHECK_FALSE(has(text, "lockf64"));
}

TEST_CASE("locks come in the wanted order, and not more than wanted") {
    const auto position = [](SortKey key, const char *heading) {
        return to_text(example(), {.top = 1, .sort = key}).find(heading);
    };
    CHECK(position(SortKey::wait, "/cache/application.db\n") != std::string::npos);
    CHECK(position(SortKey::wait, "2. ") == std::string::npos);
    Report report = example();
    report.groups[2].sum.abandoned = 5;
    CHECK(has(to_text(report, {.top = 1, .sort = SortKey::abandoned}), "1. /srv/quiet.lock\n"));
    CHECK(has(to_text(report, {.top = 1, .sort = SortKey::max_wait}), "application.db"));
    for (const SortKeyName &key : sort_keys) {
        CHECK(sort_key(key.name) == key.key);
    }
    CHECK_FALSE(sort_key("colour").has_value());
}

TEST_CASE("files that follow each other are one row") {
    Report report = example();
    report.groups[1].locks = {1, 2};
    report.groups.pop_back();
    const std::string text = to_text(report, {});
    CHECK(has(text, "/srv/other.lock (2 files)"));
    CHECK(has(text, "2 files of that name one after the other"));
}

TEST_CASE("what went wrong is said in words") {
    Report report = example();
    LockReport &lock = report.groups[0].sum;
    lock.abandoned = 2;
    lock.abandoned_ns = 3'200 * ms;
    report.locks[0] = lock;
    lock.deadlocked = 1;
    lock.interrupted = 4;
    lock.errors = {{"ENOLCK", 3}};
    lock.released.still_held = 1;
    lock.released.unknown = 2;
    lock.released.exit = 6;
    lock.held_open_ns = 900 * ms;
    report.waiting.push_back({0, 77, 78, Mode::exclusive, 3'500 * ms, true});
    report.waiting.push_back({std::nullopt, 79, 79, Mode::shared, 100 * ms, false});
    report.run.running = 2;
    report.run.complete = false;
    report.run.probe = false;
    report.run.clock_estimated = true;
    report.lost.stacks = 1'500;
    report.unattributed[0].unlocks = 1;
    report.unattributed[0].errors = {{"EBADF", 1}};
    const std::string text = unwrapped(to_text(report, {.width = 120}));
    CHECK(has(text, "2 times a lock was asked for and given up, after 3.20 s in all"));
    CHECK(has(text, "1 thread (pid 77) is waiting for a file lock right now, since 3.50 s for "));
    CHECK(has(text, "1 thread (pid 79) was still waiting for a file lock when its process ended: for a file "
                    "that was not looked at yet"));
    CHECK(has(text, "2 given up, after 3.20 s in vain, 4 interrupted by signals, 1 ended in a deadlock "
                    "(EDEADLK), 3 failed with ENOLCK."));
    CHECK(has(text, "Released 6 by the end of the process. 1 still held and 2 whose end was not seen: 900 ms "
                    "so far as is known"));
    CHECK(has(text, "The run goes on: 2 processes are alive"));
    CHECK(has(text, "The probe was off"));
    CHECK(has(text, "Times are estimates"));
    CHECK(has(text, "LOST: 1,500 stacks"));
    CHECK(has(text, "FLOCKSTAT_ARENA_MIB"));
    CHECK(has(text, "1 flock call whose file is not known: EBADF 1."));
    CHECK_FALSE(has(text, "Nothing was lost"));
    CHECK_FALSE(has(text, "Not all of it was recorded")); // all calls were
    CHECK(has(to_text(example(), {}), "Nothing was lost."));
}

TEST_CASE("what is missing from the figures is said before them") {
    Report report = example();
    report.lost.calls = 12'000;
    report.lost.locks = 345;
    report.lost.processes = 3;
    const std::string text = unwrapped(to_text(report, {.width = 120}));
    const auto said = text.find("Not all of it was recorded: 12,345 calls and 3 processes more at least");
    CHECK(said < text.find("LOCK"));
    CHECK(text.find("LOST: ") != std::string::npos);
}

TEST_CASE("processes are listed with how they ended, long lists cut") {
    Report report = example();
    report.processes[0].ending = Ending::killed;
    report.processes[0].status = 137;
    report.processes[1].ending = Ending::running;
    report.processes[1].status.reset();
    ProcessReport idle;
    idle.pid = 9;
    report.processes.push_back(idle);
    const std::string text = to_text(report, {.top = 1});
    CHECK(has(text, "signal 9"));
    CHECK(has(text, "running"));
    CHECK(has(text, "and 2 more with lock calls"));
    CHECK(has(text, "1 process without lock calls"));
}

TEST_CASE("a file's name cannot steer the terminal") {
    Report report = example();
    report.groups[0].sum.path = report.locks[0].path = "/srv/\033[2Jgone\nLOST: nothing";
    report.processes[0].command = {"\033]0;title\007"};
    const std::string text = to_text(report, {.width = 120});
    CHECK_FALSE(has(text, "\033"));
    CHECK_FALSE(has(text, "\007"));
    CHECK(has(text, "/srv/\\x1b[2Jgone\\nLOST: nothing"));
}
