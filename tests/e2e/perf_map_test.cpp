// Runtimes that compile as they run, and write their functions' names into a perf map file.
#include <algorithm>

#include "tests/support/e2e.h"
#include "tests/support/pythons.h"

using namespace flockstat::test;
using nlohmann::json;

namespace {

/// The run's perf map files, removed at the end: their place is fixed.
class PerfMaps {
public:
    explicit PerfMaps(const json &report) {
        for (const json &process : report["processes"]) {
            files_.push_back("/tmp/perf-" + std::to_string(process["pid"].get<int>()) + ".map");
        }
    }
    ~PerfMaps() {
        for (const std::filesystem::path &file : files_) {
            std::error_code ignored;
            std::filesystem::remove(file, ignored);
        }
    }
    PerfMaps(const PerfMaps &) = delete;
    PerfMaps &operator=(const PerfMaps &) = delete;

private:
    std::vector<std::filesystem::path> files_;
};

/// Has any site these functions, each part of a name, one calling the next?
bool has_calls(const json &report, const std::string &callee, const std::string &caller) {
    const json &sites = report["sites"];
    return std::any_of(sites.begin(), sites.end(), [&](const json &site) {
        const json &frames = site["frames"];
        const auto named = [](const std::string &part) {
            return [&part](const json &frame) {
                return frame["function"].get<std::string>().find(part) != std::string::npos;
            };
        };
        const auto inner = std::find_if(frames.begin(), frames.end(), named(callee));
        return inner != frames.end() && std::any_of(inner + 1, frames.end(), named(caller));
    });
}

} // namespace

TEST_CASE("functions that node compiled are named from its perf map", "[python]") {
    const TempDirectory base;
    const std::string addon = program("libnode_lock.so");
    const RecordedRun run =
        flockstat_run({.argv = {"node", "--perf-basic-prof", "--interpreted-frames-native-stack",
                                program_source("node_lock.js"), addon, base / "l"},
                       .directory = base.path()}, // it writes a log, too
                      base / "run");
    const PerfMaps maps(run.report);
    INFO(run.outcome.err);
    REQUIRE(run.outcome.status == 0);
    CHECK(has_calls(run.report, "takeTheLock", "workWithLocks"));
}

TEST_CASE("Python's own perf map does not hide its functions", "[python]") {
    for (const std::string &interpreter : interpreters()) {
        INFO(interpreter);
        const TempDirectory base;
        // Before 3.12 the option means nothing.
        const RecordedRun run = flockstat_run({.argv = {interpreter, "-X", "perf", "-c",
                                                        "import fcntl, sys\n"
                                                        "def take(file):\n"
                                                        "    fcntl.flock(file, fcntl.LOCK_EX)\n"
                                                        "def work(path):\n"
                                                        "    take(open(path, 'w'))\n"
                                                        "work(sys.argv[1])\n",
                                                        base / "l"}},
                                              base / "run");
        const PerfMaps maps(run.report);
        REQUIRE(run.outcome.status == 0);
        REQUIRE(run.report["sites"].size() == 1);
        CHECK(python_frames(run.report["sites"][0]) ==
              json{{"<string>", 3, "take"}, {"<string>", 5, "work"}, {"<string>", 6, "<module>"}});
    }
}
