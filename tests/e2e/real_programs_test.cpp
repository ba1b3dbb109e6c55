#include <algorithm>

#include "tests/support/e2e.h"
#include "tests/support/soak.h"

using namespace flockstat::test;
namespace fs = std::filesystem;

// Programs of others do and say the same with flockstat as without it: tests/real/NAME.sh, each a script that
// prints nothing which differs from run to run. Each locks files, and flockstat sees that it does.

namespace {

/// By name. `quick`: those that say so, which take a second or so and need what other tests need, too.
std::vector<fs::path> scripts(bool quick) {
    std::vector<fs::path> found;
    for (const fs::directory_entry &entry : fs::directory_iterator("tests/real")) {
        if (!quick || read_file(entry.path()).find("\n# quick\n") != std::string::npos)
            found.push_back(fs::absolute(entry.path()));
    }
    std::ranges::sort(found);
    return found;
}

/// In an empty directory of the same name each time, which is its home, too.
Command command_of(const fs::path &script, const fs::path &work) {
    fs::remove_all(work);
    fs::create_directory(work);
    return {.argv = {"/bin/bash", script},
            .environment = {{"HOME", work},
                            {"PATH", "/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"},
                            {"TZ", "UTC"},
                            {"LC_ALL", "C.UTF-8"},
                            {"TERM", "dumb"}},
            .directory = work};
}

void check_program(const fs::path &script) {
    INFO(script.filename());
    const TempDirectory base;
    const fs::path work = base / "work";
    const Outcome bare = run_command(command_of(script, work));
    REQUIRE_FALSE(bare.timed_out);
    REQUIRE(!bare.out.empty());
    const RecordedRun run = flockstat_run(command_of(script, work), base / "run");
    CHECK(run.outcome.out == bare.out);
    CHECK(run.outcome.err == bare.err);
    CHECK(run.outcome.status == bare.status);
    REQUIRE(!run.report.is_null());
    std::int64_t granted = 0;
    for (const nlohmann::json &lock : run.report["locks"])
        granted += lock["granted"].get<std::int64_t>();
    CHECK(granted > 0);
    CHECK(run.report["lost"]["calls"] == 0);
}

} // namespace

TEST_CASE("real programs do and say what they do without us", "[real]") {
    for (const fs::path &script : scripts(true))
        check_program(script);
}

TEST_CASE("real programs: shells, interpreters, databases, servers, compilers, stress-ng", "[.soak]") {
    const std::vector<fs::path> all = scripts(false);
    for (const fs::path &script : all)
        check_program(script);
    soak_row(std::to_string(all.size()) + " programs", "output, errors and exit status are the same");
}
