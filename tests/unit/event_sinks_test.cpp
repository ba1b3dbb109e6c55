// Sinks whose file cannot take everything, and what text becomes in them.
#include "reporter/write/event_sink.h"
#include "tests/support/places.h"

#include <catch2/catch.hpp>

#include <csignal>
#include <sys/resource.h>
#include <sys/stat.h>

using namespace flockstat;
using namespace flockstat::reporter;
using flockstat::test::read_file;
using flockstat::test::TempDirectory;

namespace {

/// While it lives, files of this process end at so many bytes: a write that reaches over them writes a part.
class FileLimit {
public:
    explicit FileLimit(rlim_t bytes) {
        REQUIRE(getrlimit(RLIMIT_FSIZE, &before_) == 0);
        rlimit limit = before_;
        limit.rlim_cur = bytes;
        handler_ = signal(SIGXFSZ, SIG_IGN);
        REQUIRE(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    }
    FileLimit(const FileLimit &) = delete;
    FileLimit &operator=(const FileLimit &) = delete;
    ~FileLimit() {
        setrlimit(RLIMIT_FSIZE, &before_);
        signal(SIGXFSZ, handler_);
    }

private:
    rlimit before_{};
    void (*handler_)(int) = nullptr;
};

monitor::Event stat_of(const std::string &lock) {
    return {"flockstat.Stat",
            {},
            {{"lock", lock}, {"family", "flock"}, {"unit", "ns"}, {"waits.count", std::int64_t{1}}}};
}

} // namespace

TEST_CASE("metrics that have no room leave the file as it was", "[handlers]") {
    const TempDirectory base;
    const auto sink = make_open_metrics(base / "m.prom");
    sink->handle(stat_of("/a"));
    sink->flush();
    const std::string before = read_file(base / "m.prom");
    sink->handle(stat_of(std::string(4000, 'b')));
    {
        const FileLimit limit(1000);
        errno = 0;
        CHECK_THROWS_AS(sink->flush(), SinkError);
    }
    CHECK(read_file(base / "m.prom") == before);
    sink->flush();
    CHECK(read_file(base / "m.prom").ends_with("# EOF\n"));
    CHECK(std::distance(std::filesystem::directory_iterator(base.path()), {}) == 1);
}

TEST_CASE("metrics replace no pipe or device, and what a symbolic link leads to", "[handlers]") {
    const TempDirectory base;
    REQUIRE(mkfifo((base / "pipe").c_str(), 0600) == 0); // stands for a device, which would be gone for good
    CHECK_THROWS_AS((void)make_open_metrics(base / "pipe"), SinkError);
    CHECK(std::filesystem::is_fifo(base / "pipe"));
    flockstat::test::write_file(base / "real", "");
    std::filesystem::create_symlink("real", base / "link");
    const auto sink = make_open_metrics(base / "link");
    CHECK(std::filesystem::is_symlink(base / "link"));
    CHECK(read_file(base / "real") == "# EOF\n");
}

TEST_CASE("what is written aside, and the log of a run's windows, follow no link", "[handlers]") {
    const TempDirectory base;
    flockstat::test::write_file(base / "somebody's", "kept");
    const auto link = [&](const std::string &name) {
        std::filesystem::create_symlink("somebody's", base / name);
    };
    link("m.prom." + std::to_string(getpid()) + ".tmp");
    link("run.windows.jsonl");
    static_cast<void>(make_open_metrics(base / "m.prom"));
    const mode_t mask = umask(022);
    make_window_log(base / "run.windows.jsonl")->flush();
    umask(mask);
    CHECK(read_file(base / "somebody's") == "kept");
    CHECK(read_file(base / "m.prom") == "# EOF\n");
    const auto status = std::filesystem::symlink_status(base / "run.windows.jsonl");
    CHECK(status.type() == std::filesystem::file_type::regular);
    CHECK(status.permissions() == std::filesystem::perms{0600});
}

TEST_CASE("events that have no room leave no part of one", "[handlers]") {
    const TempDirectory base;
    const auto sink = make_json_lines(base / "e");
    sink->handle(stat_of("/a"));
    sink->flush();
    const std::string before = read_file(base / "e");
    sink->handle(stat_of(std::string(4000, 'b')));
    {
        const FileLimit limit(1000);
        CHECK_THROWS_AS(sink->flush(), SinkError);
    }
    CHECK(read_file(base / "e") == before);
    sink->handle(stat_of("/a")); // there is room again
    sink->flush();
    CHECK(read_file(base / "e") == before + before);
}

TEST_CASE("a file that is removed while events go to it is named", "[handlers]") {
    const TempDirectory base;
    const auto sink = make_json_lines(base / "e");
    sink->handle(stat_of("/a"));
    std::filesystem::remove(base / "e");
    CHECK_THROWS_WITH(sink->flush(), Catch::Contains((base / "e").string()) && Catch::Contains("removed"));
}
