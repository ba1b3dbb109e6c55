#include "tests/support/e2e.h"

using namespace flockstat::test;

// What `make install` leaves of flockstat::monitor is enough to build a program with, by pkg-config alone.

namespace {

constexpr char program_text[] = R"(
#include <flockstat/monitor/event.h>
#include <flockstat/monitor/plugin.h>
#include <flockstat/monitor/stat.h>
#include <flockstat/monitor/wait_counter.h>
#include <flockstat/monitor/wait_totals.h>
#include <cstdio>

using namespace flockstat::monitor;

int main() {
    (void)register_event_handler([](const Event &event) {
        std::printf("%s %lld\n", event.name.c_str(),
                    static_cast<long long>(std::get<std::int64_t>(event.data.at("mine.sum"))));
    });
    Stat<std::int64_t> stat("mine", {Aggregation::sum}, std::chrono::hours(1), 2);
    stat.add(20);
    stat.add(22);
    const WaitGuard guard = WaitCounter("mine.wait").start();
}
)";

} // namespace

TEST_CASE("a program builds with what is installed, and works", "[monitor][install]") {
    const TempDirectory base;
    const std::filesystem::path top = program_source("tell.h").parent_path().parent_path().parent_path();
    const std::string root = base / "root";
    const Outcome installed = run_command(
        shell("make -C '" + top.string() + "' install DESTDIR='" + root + "' PREFIX=/opt/flockstat"));
    INFO(installed.out << installed.err);
    REQUIRE(installed.status == 0);
    write_file(base / "mine.cpp", program_text);
    const Outcome built = run_command(shell(
        "export PKG_CONFIG_PATH='" + root + "/opt/flockstat/lib/pkgconfig' PKG_CONFIG_SYSROOT_DIR='" + root +
            "'; g++ -std=c++20 -Wall -Wextra -Werror mine.cpp -o mine $(pkg-config --cflags --libs "
            "flockstat-monitor) && "
            "echo '#include <flockstat/monitor/plugin.h>' >plugin.c && "
            "gcc -std=c99 -pedantic -Wall -Wextra -Werror -c $(pkg-config --cflags flockstat-monitor) "
            "plugin.c",
        base.path()));
    INFO(built.out << built.err);
    REQUIRE(built.status == 0);
    const Outcome ran = run_command({.argv = {base / "mine"}});
    CHECK(ran.status == 0);
    CHECK(ran.out == "flockstat.Stat 42\n");
}
