#include <unistd.h>

#include <algorithm>

#include "tests/support/e2e.h"

using namespace flockstat::test;
using nlohmann::json;
namespace fs = std::filesystem;

// Another host is here another name (uname) in a mount namespace whose /dev/shm, and where that is part of
// the test whose boot id, are its own.

namespace {

std::string user_option() { return geteuid() == 0 ? "" : "-r "; }

/// Shared memory of its own, where nobody on another host finds it.
constexpr char own_memory[] = "mount -t tmpfs none $FLOCKSTAT_ARENA_DIR; ";

/// A shell's words that run SCRIPT as on a host of that name, once PREPARATION has made it one.
std::string on_host(const std::string &name, const std::string &preparation, const std::string &script) {
    return "unshare " + user_option() + "-u -m sh -ec 'hostname " + name + "; " + preparation +
           "exec sh -ec \"$0\"' '" + script + "'";
}

/// Runs COMMAND under flockstat as on a host of that name, into DIR.
void record_on(const std::string &name, const std::string &command, const fs::path &directory) {
    const Outcome outcome = run_command(shell(on_host(
        name, "", flockstat_path().string() + " run --quiet -o " + directory.string() + " -- " + command)));
    INFO(outcome.err);
    REQUIRE(outcome.status == 0);
}

json report_of(const std::vector<std::string> &arguments) {
    std::vector<std::string> all = {"report", "-f", "json"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    const Outcome outcome = run_flockstat(all);
    INFO(outcome.err);
    REQUIRE(outcome.status == 0);
    json report = json::parse(outcome.out);
    check_report(report);
    return report;
}

/// "name hosts acquisitions" of each lock.
std::vector<std::string> locks_of(const json &report) {
    std::vector<std::string> lines;
    for (const json &lock : report["locks"]) {
        std::string line = lock["name"].get<std::string>();
        for (const json &host : lock["hosts"])
            line += " " + host.get<std::string>();
        lines.push_back(line + " " + std::to_string(lock["acquisitions"].get<int>()));
    }
    std::ranges::sort(lines);
    return lines;
}

using Lines = std::vector<std::string>;

/// Names of what a directory holds, without what is hidden.
Lines files_in(const fs::path &directory) {
    Lines names;
    for (const fs::directory_entry &entry : fs::directory_iterator(directory))
        names.push_back(entry.path().filename().string());
    std::ranges::sort(names);
    return names;
}

} // namespace

TEST_CASE("a file of that path on two hosts is two locks", "[hosts]") {
    const TempDirectory base;
    const std::string lock = base / "l";
    record_on("one", "flock " + lock + " flock " + lock + ".2 true", base / "a");
    record_on("two", "flock " + lock + " true", base / "b");
    const json report = report_of({base / "a", base / "b"});
    CHECK(report["run"]["hosts"] == json({"one", "two"}));
    CHECK(locks_of(report) ==
          Lines{"one:" + lock + " one 1", "one:" + lock + ".2 one 1", "two:" + lock + " two 1"});
    CHECK(locks_of(report_of({base / "a"})) == Lines{lock + " one 1", lock + ".2 one 1"});

    SECTION("in every format") {
        for (const std::string format : {"text", "csv", "folded", "openmetrics", "html"}) {
            CAPTURE(format);
            const Outcome outcome =
                run_flockstat({"report", base / "a", base / "b", "-f", format, "--weight", "hold"});
            CHECK(outcome.status == 0);
            CHECK(outcome.out.find(format == "csv" ? ",one," : "one:" + lock) != std::string::npos);
            CHECK(outcome.out.find(format == "csv" ? ",two," : "two:" + lock) != std::string::npos);
        }
        const Outcome check =
            run_flockstat({"check", base / "a", base / "b", "--max", lock + ":region.count=0"});
        CHECK(check.status == 1);
        CHECK(std::ranges::count(check.out, '\n') == 2);
        const Outcome diff = run_flockstat({"diff", base / "a", base / "b", "--json"});
        CHECK(json::parse(diff.out)["locks"].size() == 2); // compared by path, on whichever host
    }
}

TEST_CASE("a file on a network file system is one lock, wherever hosts mount it", "[hosts]") {
    if (geteuid() != 0 || access("/dev/fuse", R_OK | W_OK) != 0) {
        WARN("not tried: mounting a file system with FUSE needs root and /dev/fuse");
        return;
    }
    const TempDirectory base;
    fs::create_directory(base / "m1");
    fs::create_directory(base / "m2");
    const auto locks_there = [&](const std::string &host, const std::string &mount_point,
                                 const std::string &run) {
        const std::string fifo = base / (host + ".fifo");
        const std::string at = base / mount_point;
        record_on(host,
                  "sh -ec \"mkfifo " + fifo + "; env -u LD_PRELOAD " + program("network_fs").string() + " " +
                      at + " nas1:/scratch > " + fifo + " & read ready < " + fifo + "; flock " + at +
                      "/l true; umount " + at + "; wait\"",
                  base / run);
    };
    locks_there("one", "m1", "a");
    locks_there("two", "m2", "b");
    const json report = report_of({base / "a", base / "b"});
    CHECK(locks_of(report) == Lines{"nas1:/scratch/l one two 2"});
    CHECK(report["locks"][0]["source"] == "nas1:/scratch");
    CHECK(report["locks"][0]["inode"] == 4242);
    const json alone = report_of({base / "b"});
    CHECK(locks_of(alone) == Lines{(base / "m2").string() + "/l two 1"});
}

TEST_CASE("each host of a run has a recording of its own", "[hosts]") {
    const TempDirectory base;
    const std::string lock = base / "l";
    const RecordedRun run = flockstat_run(
        shell("flock l true; " + on_host("other", own_memory, "flock l true; flock l true"), base.path()),
        base / "d");
    INFO(run.outcome.err);
    REQUIRE(run.outcome.status == 0);
    CHECK(files_in(base / "d") == Lines{"run.2.flk", "run.flk", "summary.json", "summary.txt"});
    CHECK(fs::is_regular_file(fs::symlink_status(base / "d" / "run.2.flk")));
    CHECK(run.report["run"]["hosts"].size() == 2);
    CHECK(run.report["run"]["complete"] == true);
    CHECK(locks_of(report_of({base / "d" / "run.2.flk"})) == Lines{lock + " other 2"});
    CHECK(run.report["locks"].size() == 2);

    SECTION("which diff takes for one run") {
        const Outcome diff = run_flockstat({"diff", base / "d", base / "d", "--json"});
        CHECK(json::parse(diff.out)["runs"] == json({{"before", 1}, {"after", 1}}));
    }
}

TEST_CASE("a bare preload that a launcher carries to another host records there, too", "[hosts]") {
    const TempDirectory base;
    // Two that the launcher starts beside one another, and that share the host's recording: the first ends
    // while the second goes on.
    const std::string ranks = "mkfifo f g; export FLOCKSTAT_RUN=$BROUGHT; "
                              "flock l sh -c \"echo > g; read x < f\" & read y < g; "
                              "flock k true; echo > f; wait";
    const Outcome outcome = run_command(
        preloaded(shell("flock l true; export BROUGHT=$FLOCKSTAT_RUN; " + on_host("other", own_memory, ranks),
                        base.path()),
                  base / "d"));
    INFO(outcome.err);
    REQUIRE(outcome.status == 0);
    const json report = report_of({base / "d"}); // the summary is of one of them
    const std::string here = report["run"]["host"];
    const std::string path = base.path();
    CHECK(files_in(base / "d") == Lines{"run.2.flk", "run.flk", "summary.json", "summary.txt"});
    Lines expected{"other:" + path + "/k other 1", "other:" + path + "/l other 1",
                   here + ":" + path + "/l " + here + " 1"};
    std::ranges::sort(expected);
    CHECK(locks_of(report) == expected);
}

TEST_CASE("an arena on storage that hosts share is not mapped by two of them", "[hosts]") {
    const TempDirectory base;
    write_file(base / "boot", "11111111-2222-3333-4444-555555555555\n");
    fs::create_directory(base / "arenas");
    const std::string other_machine = "mount --bind boot /proc/sys/kernel/random/boot_id; ";
    Command command =
        shell("flock l true; " + on_host("other", other_machine, "flock l true; ls $FLOCKSTAT_ARENA_DIR"),
              base.path());
    command.environment["FLOCKSTAT_ARENA_DIR"] = base / "arenas";
    const RecordedRun run = flockstat_run(command, base / "d");
    INFO(run.outcome.err + run.outcome.out);
    REQUIRE(run.outcome.status == 0);
    CHECK(run.outcome.out.find("@other\n") != std::string::npos);
    CHECK(std::ranges::count(run.outcome.out, '@') == 2);
    CHECK(run.report["run"]["hosts"].size() == 2);
    for (const json &lock : run.report["locks"])
        CHECK(lock["acquisitions"] == 1);
}

TEST_CASE("what lies on another host is told, and the rest is reported", "[hosts]") {
    const TempDirectory base;
    // Killed there: nobody is left to copy the recording.
    const RecordedRun run = flockstat_run(
        shell("flock l true; " + on_host("other", own_memory, "flock l true; kill -9 $$") + " || true",
              base.path()),
        base / "d");
    INFO(run.outcome.err);
    REQUIRE(run.outcome.status == 0);
    CHECK(run.report["run"]["elsewhere"] == json({"other"}));
    CHECK(run.report["run"]["complete"] == false);
    CHECK(run.report["locks"].size() == 1);
    const Outcome text = run_flockstat({"report", base / "d"});
    CHECK(text.out.find("other") != std::string::npos);
    fs::remove(base / "d" / "run.flk");
    const Outcome nothing = run_flockstat({"report", base / "d"});
    CHECK(nothing.status == 1);
    CHECK(nothing.err.find("other") != std::string::npos);
    CHECK(std::ranges::count(nothing.err, '\n') == 1);
}

TEST_CASE("what part of a job processes were is recorded, and can be grouped by", "[hosts]") {
    const TempDirectory base;
    const auto rank = [&](const std::string &number, const std::string &times) {
        return "SLURM_PROCID=" + number + " sh -c 'for i in " + times + "; do flock l true; done'; ";
    };
    Command command =
        shell(rank("0", "1") + rank("1", "1 2 3") + "OMPI_COMM_WORLD_RANK=7 SLURM_PROCID=0 flock l true",
              base.path());
    command.environment["SLURM_JOB_ID"] = "4711";
    command.environment["SLURM_JOB_NAME"] = "secret";
    const bool bare = GENERATE(false, true);
    const RecordedRun run = bare ? preload_run(command, base / "d") : flockstat_run(command, base / "d");
    REQUIRE(run.outcome.status == 0);
    for (const json &report : {run.summary, run.report}) {
        std::size_t with_rank = 0;
        for (const json &process : report["processes"]) {
            CHECK(process["host"] == report["run"]["host"]);
            CHECK(process["job"]["SLURM_JOB_ID"] == "4711");
            CHECK_FALSE(process["job"].contains("SLURM_JOB_NAME"));
            with_rank += process["job"].contains("SLURM_PROCID") ? 1 : 0;
        }
        CHECK(with_rank >= 5);
    }
    const json grouped = report_of({base / "d", "--by", "job,rank"});
    CHECK(grouped["by"] == json({"job", "rank"}));
    std::vector<std::string> lines;
    for (const json &group : grouped["groups"]) {
        const json &value = group["values"]["rank"];
        const std::string number = value.is_null() ? "-" : value.get<std::string>();
        lines.push_back(group["values"]["job"].get<std::string>() + " " + number + " " +
                        std::to_string(group["attempts"].get<int>()));
    }
    std::ranges::sort(lines);
    CHECK(std::ranges::count_if(lines,
                                [](const std::string &line) { return !line.starts_with("4711 - "); }) == 3);
    CHECK(std::ranges::find(lines, "4711 0 1") != lines.end());
    CHECK(std::ranges::find(lines, "4711 1 3") != lines.end());
    CHECK(std::ranges::find(lines, "4711 7 1") != lines.end());
    const Outcome text = run_flockstat({"report", base / "d", "--by", "rank"});
    CHECK(text.out.find("By rank\n") != std::string::npos);
    const Outcome csv =
        run_flockstat({"report", base / "d", "--by", "rank", "-f", "csv", "--table", "groups"});
    CHECK(csv.out.starts_with("rank,processes,attempts,"));
    CHECK(std::ranges::count(csv.out, '\n') == 1 + static_cast<std::ptrdiff_t>(grouped["groups"].size()));
    CHECK(run_flockstat({"report", base / "d", "--by", "pid"}).status == 2);
}
