#include "tests/support/e2e.h"
#include "tests/support/own_mounts.h"
#include "tests/support/soak.h"

using namespace flockstat::test;
using nlohmann::json;
namespace fs = std::filesystem;

// The run's directory, or the place of its recording, is on a file system that is full, read-only, gone or
// odd, from the start or from the middle of the run: the program does all it does, and the report has every
// call.

namespace {

/// `setup` finds an empty directory `place`, in which the run's directory will be; `between` happens when the
/// program is half done. `too_small`: calls after that may be lost.
struct Place {
    const char *what, *setup, *between;
    bool too_small = false;
};

const Place directories[] = {
    {"on a full disk",
     "mount -t tmpfs -o size=64k none place; dd if=/dev/zero of=place/fill bs=4k count=99 2>/dev/null; true",
     ""},
    {"that gets full", "mount -t tmpfs -o size=1m none place",
     "dd if=/dev/zero of=place/fill bs=4k count=999 2>/dev/null"},
    {"that gets read-only", "mount -t tmpfs none place", "mount -o remount,ro place"},
    {"that is removed", "true", "rm -r place/run"},
    {"whose link is removed", "true", "rm place/run/*"},
    {"without fallocate", "mount -t ramfs none place", ""},
};

const Place memories[] = {
    {"without fallocate", "mount -t ramfs none /dev/shm", ""},
    {"that is full",
     "mount -t tmpfs -o size=64k none /dev/shm; dd if=/dev/zero of=/dev/shm/fill bs=4k count=99 2>/dev/null; "
     "true",
     ""},
    {"of 64 MiB", "mount -t tmpfs -o size=64m none /dev/shm", ""},
    {"that gets full", "mount -t tmpfs -o size=1m none /dev/shm",
     "dd if=/dev/zero of=/dev/shm/fill bs=4k count=999 2>/dev/null", true},
    {"that is read-only", "mount -t tmpfs -o ro none /dev/shm", ""},
    {"that is missing",
     "mkdir dev; mount -t tmpfs none dev; for f in null zero urandom; do touch dev/$f; mount --bind /dev/$f "
     "dev/$f;"
     " done; mount --rbind dev /dev",
     ""},
};

struct Result {
    Outcome outcome; ///< of the program
    json report;     ///< null: there is none
    std::string complaint;
};

/// A program that does 101 flock pairs, then what is to happen in between, then 100 more, and ends with
/// status 3.
Result run_in(const Place &place, bool bare) {
    const TempDirectory base;
    const TempDirectory out; // not on the odd file system
    fs::create_directory(base / "place");
    const std::string half = "$PROGRAMS/crowd $OUT/l 2 1 50 && ";
    const std::string program = half + "{ " + (*place.between == '\0' ? "true" : place.between) +
                                "; true; } && " + half + "echo done; exit 3";
    write_file(out / "program", program);
    const std::string start =
        bare ? "FLOCKSTAT_DIR=$PWD/place/run LD_PRELOAD=$SHIM " : "$FLOCKSTAT run --quiet -o place/run -- ";
    Command command = with_own_mounts(
        "mount -t tmpfs none /dev/shm && { " + std::string(place.setup) + "; } || exit 99\n" + start +
            "flock $OUT/first sh $OUT/program; status=$?\n"
            "$FLOCKSTAT report $HERE/place/run -f json >$OUT/report 2>$OUT/complaint\n"
            "exit $status",
        base.path());
    command.environment["OUT"] = out.path();
    command.environment["HERE"] = base.path();
    command.environment["TMPDIR"] = out.path();
    command.environment["FLOCKSTAT_ARENA_DIR"] = std::nullopt;
    Result result{run_command(command), {}, read_file(out / "complaint")};
    if (const std::string text = read_file(out / "report"); !text.empty()) {
        result.report = json::parse(text);
        check_report(result.report);
    }
    return result;
}

void check_place(const char *kind, const Place &place) {
    for (const bool bare : {false, true}) {
        INFO(kind << " " << place.what << (bare ? ", bare preload" : ", flockstat run"));
        const Result result = run_in(place, bare);
        INFO(result.outcome.err << result.complaint);
        CHECK(result.outcome.status == 3);
        CHECK(result.outcome.out == "done\n");
        REQUIRE(!result.report.is_null());
        REQUIRE(result.report["locks"].size() == 2);
        const json &lost = result.report["lost"];
        std::int64_t calls = lost["calls"];
        for (const json &lock : result.report["locks"])
            calls += sum_of(lock, {"granted", "unlocks"});
        CHECK(calls == 201 + 200);
        CHECK((lost["calls"] == 0 || place.too_small));
    }
}

void check_places() {
    for (const Place &place : directories)
        check_place("a directory", place);
    for (const Place &place : memories)
        check_place("a /dev/shm", place);
}

} // namespace

TEST_CASE("every call is in the report, or counted as lost, wherever the run's directory and recording are",
          "[places]") {
    check_places();
}

TEST_CASE(
    "the run's directory is full, read-only or removed, without fallocate; /dev/shm is full, missing, 64 MiB",
    "[.soak]") {
    constexpr int times = 5;
    for (int i = 0; i < times; ++i)
        check_places();
    soak_row(std::to_string(std::size(directories) + std::size(memories)) + " places, " +
                 std::to_string(2 * times) + " runs each",
             "the program runs on; each call is in the report, or counted as lost");
}
