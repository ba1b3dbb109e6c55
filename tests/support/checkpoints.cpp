#include "tests/support/checkpoints.h"

#include <catch2/catch.hpp>
#include <optional>
#include <sstream>

#include "tests/support/recorded_run.h"

namespace flockstat::test {

using nlohmann::json;

namespace {

// "STEP PATH FLOCK POSIX OFD", read from its end: a step has spaces.
struct Checkpoint {
    std::string step;
    std::string path;
    int flock = 0;
    int posix = 0;
    int ofd = 0;
};

std::optional<Checkpoint> parse(const std::string &line) {
    const std::size_t slash = line.find(" /");
    if (slash == std::string::npos)
        return {};
    Checkpoint checkpoint;
    checkpoint.step = line.substr(0, slash);
    std::istringstream rest(line.substr(slash + 1));
    rest >> checkpoint.path >> checkpoint.flock >> checkpoint.posix >> checkpoint.ofd;
    return rest ? std::optional(checkpoint) : std::nullopt;
}

int still_held(const json &report, const std::string &path, const std::string &family) {
    int held = 0;
    for (const json &lock : report["locks"]) {
        if (lock["path"] == path && lock["family"] == family)
            held += lock["released"]["still_held"].get<int>();
    }
    return held;
}

void compare(const json &report, const Checkpoint &kernel) {
    INFO("the kernel: flock " << kernel.flock << ", posix " << kernel.posix << ", ofd " << kernel.ofd
                              << " on " << kernel.path);
    CHECK(still_held(report, kernel.path, "flock") == kernel.flock);
    CHECK((still_held(report, kernel.path, "posix") != 0) == (kernel.posix != 0));
    CHECK((still_held(report, kernel.path, "ofd") != 0) == (kernel.ofd != 0));
}

} // namespace

void check_released(const json &lock, const Ends &expected) {
    INFO("released: " << lock["released"].dump());
    for (const auto &[cause, count] : lock["released"].items()) {
        INFO(cause);
        CHECK(count == (expected.contains(cause) ? expected.at(cause) : 0));
    }
    for (const auto &[cause, count] : expected)
        CHECK(lock["released"][cause] == count);
}

json run_checkpoints(const std::vector<std::string> &argv, const std::filesystem::path &directory,
                     const std::string &but_at) {
    Process process(under_flockstat({.argv = argv}, directory));
    for (;;) {
        std::string line;
        try {
            line = process.read_line();
        } catch (const std::runtime_error &) { // the end of its output
            break;
        }
        const std::optional<Checkpoint> checkpoint = parse(line);
        INFO(line);
        REQUIRE(checkpoint);
        INFO("at \"" << checkpoint->step << "\"");
        if (but_at.empty() || checkpoint->step != but_at)
            compare(read_report(directory), *checkpoint);
        process.send("on");
    }
    const Outcome outcome = process.wait();
    INFO(outcome.err);
    REQUIRE(outcome.status == 0);
    return read_report(directory);
}

} // namespace flockstat::test
