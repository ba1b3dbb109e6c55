#include "tests/support/e2e.h"

using namespace flockstat::test;

// A line of a Python program is one site, however often it runs.

TEST_CASE("a line that the interpreter learns to call faster stays one site", "[python][sites]") {
    const TempDirectory base;
    // From the second call on 3.11 and later have code of their own for the call (PEP 659).
    const RecordedRun run = flockstat_run({.argv = {"/usr/bin/python3", "-c",
                                                    "import fcntl, sys\n"
                                                    "def take(file):\n"
                                                    "    fcntl.flock(file, fcntl.LOCK_EX)\n"
                                                    "    fcntl.flock(file, fcntl.LOCK_UN)\n"
                                                    "with open(sys.argv[1], 'w') as file:\n"
                                                    "    for _ in range(200): take(file)\n",
                                                    base / "l"}},
                                          base / "run");
    REQUIRE(run.outcome.status == 0);
    REQUIRE(run.report["sites"].size() == 1);
    CHECK(run.report["sites"][0]["acquisitions"] == 200);
}
