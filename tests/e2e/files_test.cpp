#include <set>
#include <sstream>

#include "tests/support/e2e.h"

using namespace flockstat::test;
using nlohmann::json;

// Which file a lock call was on, and which files are looked at.

namespace {

std::set<std::string> paths_of(const json &report) {
    std::set<std::string> paths;
    for (const json &lock : report["locks"])
        paths.insert(lock["path"].get<std::string>());
    return paths;
}

RecordedRun run_script(const TempDirectory &base, const std::string &script,
                       const std::vector<std::string> &options = {}) {
    std::filesystem::create_directory(base / "work");
    RecordedRun run = flockstat_run(shell(script, base / "work"), base / "run", options);
    INFO(run.outcome.err);
    REQUIRE(run.outcome.status == 0);
    return run;
}

} // namespace

TEST_CASE("files that follow one another at a path are told apart, freed inode numbers included", "[files]") {
    const TempDirectory base;
    const RecordedRun run =
        run_script(base, "for i in 1 2 3; do flock l -c \"stat -c '%i %w' l\"; rm l; done");
    std::istringstream lines(run.outcome.out);
    std::set<std::string> files;
    for (std::string line; std::getline(lines, line);)
        files.insert(line);
    INFO(run.outcome.out << run.report["locks"].dump(1));
    CHECK(run.report["locks"].size() == files.size());
    CHECK(counts_of(run.report).at({base / "work" / "l", "flock"}).granted == 3);
}

TEST_CASE("a lock on a file that is unlinked meanwhile keeps its path", "[files]") {
    const TempDirectory base;
    const RecordedRun run = run_script(
        base, "perl -MFcntl=:flock -e 'open(F, \">l\"); unlink \"l\"; flock(F, LOCK_EX); flock(F, LOCK_UN)'");
    CHECK(paths_of(run.report) == std::set<std::string>{base / "work" / "l"});
}

TEST_CASE("one file under two names and through a symbolic link is one lock", "[files]") {
    const TempDirectory base;
    const RecordedRun run =
        run_script(base, "touch l; ln l hard; ln -s l soft; flock l true; flock hard true; "
                         "flock soft true; cd ..; flock work/../work/l true");
    REQUIRE(run.report["locks"].size() == 1);
    CHECK(lock_of(run.report, base / "work" / "l", "flock")["granted"] == 4);
}

TEST_CASE("what stat says of a file is what the report says", "[files]") {
    const TempDirectory base;
    const RecordedRun run = run_script(base, "flock l true; stat -c '%Hd:%Ld %i' l; stat -f -c %T l");
    std::istringstream words(run.outcome.out);
    std::string device;
    std::uint64_t inode = 0;
    REQUIRE(words >> device >> inode);
    const json lock = lock_of(run.report, base / "work" / "l", "flock");
    CHECK(lock["device"] == device);
    CHECK(lock["inode"] == inode);
    CHECK_FALSE(lock["filesystem"].get<std::string>().empty());
}

TEST_CASE("unusual names: spaces, quotes, newlines, bytes that are not UTF-8", "[files]") {
    const TempDirectory base;
    const RecordedRun run = run_script(
        base,
        "flock 'a b\"c' true; flock \"$(printf 'new\\nline')\" true; flock \"$(printf 'latin\\351x')\" true;"
        "flock \"$(printf 'utf\\303\\251x')\" true");
    const std::string work = (base / "work").string() + "/";
    CHECK(paths_of(run.report) == std::set<std::string>{work + "a b\"c", work + "new\nline",
                                                        work + "latin\\xe9x", work + "utf\303\251x"});
}

TEST_CASE("one file in three families is three locks", "[files]") {
    const TempDirectory base;
    const std::string path = base / "l";
    const std::string hold = program("hold_time");
    const RecordedRun run = run_script(base, hold + " flock " + path + " 0;" + hold + " posix " + path +
                                                 " 0;" + hold + " ofd " + path + " 0");
    CHECK(run.report["locks"].size() == 3);
    for (const char *family : {"flock", "posix", "ofd"})
        CHECK(lock_of(run.report, path, family)["granted"] == 1);
}

TEST_CASE("--include and --exclude choose files by pattern", "[files]") {
    const std::string script = "flock one.lock true; flock two.lock true; flock three.db true";
    {
        const TempDirectory base;
        const RecordedRun run = run_script(base, script, {"--include", "*.lock"});
        CHECK(paths_of(run.report) ==
              std::set<std::string>{base / "work" / "one.lock", base / "work" / "two.lock"});
    }
    {
        const TempDirectory base;
        const RecordedRun run = run_script(base, script, {"--exclude", "*/one.*"});
        CHECK(paths_of(run.report) ==
              std::set<std::string>{base / "work" / "two.lock", base / "work" / "three.db"});
    }
    {
        const TempDirectory base;
        const RecordedRun run = run_script(base, script, {"--include", "*.lock", "--exclude", "*/one.*"});
        CHECK(paths_of(run.report) == std::set<std::string>{base / "work" / "two.lock"});
    }
}

TEST_CASE("what locks files that are reported may lock others from the same place", "[files]") {
    const TempDirectory base;
    const std::string program = R"(
from fcntl import flock, LOCK_SH, LOCK_UN
shown, hidden = open("shown", "w"), open("hidden", "w")
for file in [shown, shown, shown, hidden] * 5:
    flock(file, LOCK_SH)
    flock(file, LOCK_UN)
)";
    const RecordedRun run =
        run_script(base, "/usr/bin/python3 -c '" + program + "'", {"--exclude", "*/hidden"});
    CHECK(run.outcome.status == 0);
    CHECK(paths_of(run.report) == std::set<std::string>{base / "work" / "shown"});
    CHECK(lock_of(run.report, base / "work" / "shown", "flock")["granted"] == 15);
}
