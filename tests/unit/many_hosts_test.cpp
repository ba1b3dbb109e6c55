// Runs of several hosts in one report: whose locks are one.
#include "reporter/analyze/analysis.h"
#include "reporter/read/arena_image.h"
#include "tests/support/arena_builder.h"

#include <catch2/catch.hpp>

#include <cstring>
#include <string>
#include <vector>

using namespace flockstat;
using namespace flockstat::reporter;
using record::Family;
using record::LeafKind;
using test::ArenaBuilder;

namespace {

constexpr char nas_home[] = "50 1 0:52 / /home rw - nfs4 nas1:/home rw,local_lock=none,addr=10.0.0.2";
constexpr char nas_ann[] = "91 1 0:77 / /ann rw - nfs4 nas1:/home/ann rw,local_lock=none,addr=10.0.0.2";
constexpr char other_home[] = "50 1 0:52 / /home rw - nfs4 nas2:/home rw,local_lock=none,addr=10.0.0.3";

/// A run of one process that got one lock once.
class HostRun {
public:
    explicit HostRun(const char *host, std::uint64_t run_id = 7) {
        std::strcpy(arena_.header().host, host);
        arena_.header().run_id = run_id;
        process_ = arena_.process(100, record::ProcessState::exited, ArenaBuilder::start,
                                  ArenaBuilder::start + 1000);
    }

    HostRun &locks(const char *path, std::uint64_t inode, const char *mount = nullptr,
                   std::uint32_t minor = 1, bool of_another = false) {
        const record::Ref ref = arena_.lock(path, Family::flock, inode);
        auto &lock = arena_.get<record::Lock>(ref);
        lock.device_minor = minor;
        lock.mount = mount == nullptr ? 0 : arena_.text(mount);
        lock.mount_of_another = of_another ? 1 : 0;
        record::Leaf &leaf = arena_.leaf(arena_.block(process_), ref, 0, LeafKind::acquire_exclusive);
        arena_.sample(leaf.first, 10);
        return *this;
    }

    HostRun &is_in_job(std::string_view variables) {
        arena_.get<record::Process>(process_).job = arena_.text(variables);
        return *this;
    }

    [[nodiscard]] Run read() { return read_run(ArenaImage(arena_.bytes(), "run.flk")); }

private:
    ArenaBuilder arena_;
    record::Ref process_;
};

std::vector<std::string> names(const Report &report) {
    std::vector<std::string> names;
    for (const LockReport &lock : report.locks) {
        names.push_back(lock.name() + " " + std::to_string(lock.acquisitions));
    }
    std::ranges::sort(names);
    return names;
}

using Names = std::vector<std::string>;

Report report_of(const std::vector<Run> &runs) { return analyze(runs, nullptr); }

} // namespace

TEST_CASE("locks of a host's own file systems are its own", "[hosts]") {
    const Report report =
        report_of({HostRun("n1").locks("/tmp/l", 5).read(), HostRun("n2").locks("/tmp/l", 5).read(),
                   HostRun("n1").locks("/tmp/l", 5).read()});
    CHECK(names(report) == Names{"n1:/tmp/l 2", "n2:/tmp/l 1"});
    CHECK(report.groups.size() == 2);
    CHECK(report.run.hosts == Names{"n1", "n2"});
    for (const LockReport &lock : report.locks) {
        CHECK(lock.source.empty());
        CHECK(lock.hosts->size() == 1);
        CHECK(lock.path == "/tmp/l");
    }
}

TEST_CASE("locks of a report of one host are called as ever", "[hosts]") {
    const Report report = report_of(
        {HostRun("n1").locks("/tmp/l", 5).read(), HostRun("n1").locks("/home/x", 6, nas_home).read()});
    CHECK(names(report) == Names{"/home/x 1", "/tmp/l 1"});
    CHECK(report.run.hosts == Names{"n1"});
}

TEST_CASE("a file on a network file system is one lock for all hosts", "[hosts]") {
    // The device number is the host's, and so may the mount point be.
    const Report report =
        report_of({HostRun("n1").locks("/home/ann/l", 5, nas_home, 52).read(),
                   HostRun("n2").locks("/home/ann/l", 5, nas_home, 61).read(),
                   HostRun("n3")
                       .locks("/mnt/ann/l", 5, "50 1 0:9 / /mnt rw - nfs4 nas1:/home rw,local_lock=none")
                       .read()});
    CHECK(names(report) == Names{"nas1:/home/ann/l 3"});
    REQUIRE(report.locks.size() == 1);
    CHECK(report.locks[0].source == "nas1:/home");
    CHECK(*report.locks[0].hosts == Names{"n1", "n2", "n3"});
}

TEST_CASE("equal numbers on different servers are different files", "[hosts]") {
    const Report report = report_of({HostRun("n1").locks("/home/l", 5, nas_home).read(),
                                     HostRun("n2").locks("/home/l", 5, other_home).read(),
                                     HostRun("n3").locks("/home/l", 6, nas_home).read(),
                                     HostRun("n4").locks("/home/l", 5).read()});
    CHECK(names(report) == Names{"n4:/home/l 1", "nas1:/home/l 1", "nas1:/home/l 1", "nas2:/home/l 1"});
    CHECK(report.groups.size() == 3); // the file of that name on nas1 was replaced
}

TEST_CASE("hosts that mount different directories of a server lock the same file", "[hosts]") {
    const Report report = report_of({HostRun("n1").locks("/home/ann/l", 5, nas_home).read(),
                                     HostRun("n2").locks("/ann/l", 5, nas_ann).read(),
                                     HostRun("n2").locks("/ann/other", 6, nas_ann).read()});
    CHECK(names(report) == Names{"nas1:/home/ann/l 2", "nas1:/home/ann/other 1"});
}

TEST_CASE("a mount that another process saw tells the file system, but no name", "[hosts]") {
    const Report report = report_of({HostRun("n1").locks("/l", 5, nas_home, 1, true).read(),
                                     HostRun("n2").locks("/home/ann/l", 5, nas_home).read()});
    REQUIRE(report.locks.size() == 1);
    CHECK(report.locks[0].acquisitions == 2);
}

TEST_CASE("a line of a mount that is damaged leaves the lock to its host", "[hosts]") {
    const Report report = report_of({HostRun("n1").locks("/l", 5, "50 1 0:52 nonsense").read(),
                                     HostRun("n2").locks("/l", 5, nas_home).read()});
    CHECK(report.locks.size() == 2);
}

TEST_CASE("the parts of a run on several hosts are one run", "[hosts]") {
    const Report report =
        report_of({HostRun("n1", 1).read(), HostRun("n2", 1).read(), HostRun("n3", 2).read()});
    CHECK(report.run.runs == 2);
    CHECK(report.run.duration_ns == 2000);
    CHECK(report.run.hosts.size() == 3);
}

TEST_CASE("processes keep their host and their part of a job", "[hosts]") {
    const Report report =
        report_of({HostRun("n1").is_in_job(std::string_view("SLURM_JOB_ID=7\0SLURM_PROCID=3", 29)).read(),
                   HostRun("n2").read()});
    REQUIRE(report.processes.size() == 2);
    const Origin &first = *report.processes[0].origin;
    CHECK(first.host == "n1");
    REQUIRE(first.job.size() == 2);
    CHECK(first.job[0] == std::pair<std::string, std::string>("SLURM_JOB_ID", "7"));
    CHECK(first.job[1] == std::pair<std::string, std::string>("SLURM_PROCID", "3"));
    CHECK(report.processes[1].origin->host == "n2");
    CHECK(report.processes[1].origin->job.empty());
}

TEST_CASE("a part that lies elsewhere leaves a report incomplete", "[hosts]") {
    Analysis analysis(Timeline::left_out);
    analysis.add(HostRun("n1").locks("/l", 5).read());
    analysis.add_elsewhere("n3");
    analysis.add_elsewhere("n2");
    analysis.add_elsewhere("n3");
    const Report report = analysis.report(nullptr);
    CHECK(report.run.elsewhere == Names{"n2", "n3"});
    CHECK_FALSE(report.run.complete);
}
