#include <chrono>
#include <sstream>
#include <thread>

#include "tests/support/e2e.h"

using namespace flockstat::test;

// `flockstat top` in a terminal: tmux's, which is asked what it shows.

namespace {

/// A terminal of so many columns and lines that runs a shell, on a tmux server of its own.
class Terminal {
public:
    Terminal(int columns, int lines) {
        tmux({"-f", "/dev/null", "new-session", "-d", "-x", std::to_string(columns), "-y",
              std::to_string(lines), "env", "PS1=ready$ ", "LC_ALL=C.UTF-8", "sh"});
        await("ready$");
    }
    ~Terminal() {
        try {
            tmux({"kill-server"});
        } catch (const std::exception &) {}
    }
    Terminal(const Terminal &) = delete;
    Terminal &operator=(const Terminal &) = delete;

    void type(const std::vector<std::string> &keys) {
        std::vector<std::string> arguments{"send-keys"};
        arguments.insert(arguments.end(), keys.begin(), keys.end());
        tmux(arguments);
    }
    void resize(int columns, int lines) {
        tmux({"resize-window", "-x", std::to_string(columns), "-y", std::to_string(lines)});
    }
    [[nodiscard]] std::string shown() { return tmux({"capture-pane", "-p"}).out; }
    /// The same, with the lines that went out at the top.
    [[nodiscard]] std::string all() { return tmux({"capture-pane", "-p", "-S", "-"}).out; }

    /// Until the terminal shows the words; returns all it shows then.
    std::string await(const std::string &words) {
        for (int tries = 0;; ++tries) {
            const std::string text = shown();
            if (text.find(words) != std::string::npos) {
                return text;
            }
            INFO("waiting for: " << words << "\n" << text);
            REQUIRE(tries < 1200);
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
        }
    }

private:
    Outcome tmux(std::vector<std::string> arguments) {
        std::vector<std::string> command{"tmux", "-S", (place_ / "tmux").string()};
        command.insert(command.end(), arguments.begin(), arguments.end());
        Outcome outcome = run_command({.argv = command, .environment = {{"TERM", "xterm"}}});
        INFO(outcome.err);
        REQUIRE(outcome.status == 0);
        return outcome;
    }

    TempDirectory place_;
};

/// A ring of three processes that wait for one another, and a terminal.
struct Scene {
    TempDirectory base;
    Process ring{under_flockstat({.argv = {program("ring"), "3", base / "l"}}, base / "run")};
    Terminal terminal;

    Scene(int columns, int lines) : terminal(columns, lines) {
        REQUIRE(ring.read_line().starts_with("ring"));
    }

    void start_top(const std::string &before = "") {
        terminal.type(
            {before + flockstat_path().string() + " top -d 100ms " + (base / "run").string(), "Enter"});
    }
    void end() {
        ring.send("end");
        CHECK(ring.wait().status == 0);
    }
};

std::vector<std::string> lines_of(const std::string &text) {
    std::vector<std::string> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) {
        lines.push_back(line);
    }
    return lines;
}

} // namespace

TEST_CASE("top shows who waits, a lock's code at one key, and leaves the terminal as it was", "[top]") {
    const auto [columns, lines] = GENERATE(std::pair(80, 24), std::pair(200, 50));
    INFO(columns << "x" << lines);
    Scene scene(columns, lines);
    Terminal &terminal = scene.terminal;
    terminal.type({"echo before", "Enter"});
    terminal.await("\nbefore");
    scene.start_top();
    terminal.await("3 threads waiting");
    const std::string table = terminal.await("*WAITED/s");
    for (const char *name : {"l.0", "l.1", "l.2"}) {
        CHECK(table.find(name) != std::string::npos);
    }
    CHECK(lines_of(table).size() <= static_cast<std::size_t>(lines));
    CHECK(table.find("before") == std::string::npos); // the alternate screen
    CHECK((table.find("HOLDERS") != std::string::npos) == (columns >= 90));

    terminal.type({"n"});
    terminal.await("*WAITING");
    terminal.type({"p"});
    terminal.await("*FILE");
    terminal.type({"Enter"});
    const std::string details = terminal.await("held by pid");
    CHECK(details.find("DEADLOCK: wanted by pid") != std::string::npos);
    CHECK(details.find("stand") != std::string::npos); // ring.c's function
    terminal.type({"Escape"});
    terminal.await("*FILE");

    terminal.type({"q"});
    const std::string after = terminal.await("\nbefore");
    CHECK(after.find("WAITED/s") == std::string::npos);
    terminal.type({"echo status $?; stty -a | grep -o ' echo ' | wc -l", "Enter"});
    terminal.await("\nstatus 0");
    terminal.await("\n1");
    scene.end();
}

TEST_CASE("top fits a terminal that changes its size", "[top]") {
    Scene scene(120, 30);
    scene.start_top();
    scene.terminal.await("HOLDERS");
    scene.terminal.resize(70, 10);
    for (std::string text = scene.terminal.shown(); text.find("HOLDERS") != std::string::npos;) {
        text = scene.terminal.shown();
    }
    const std::string narrow = scene.terminal.await("*WAITED/s");
    for (const std::string &line : lines_of(narrow)) {
        CHECK(line.size() <= 70);
    }
    scene.terminal.resize(120, 30);
    scene.terminal.await("HOLDERS");
    scene.terminal.type({"q"});
    scene.terminal.await("ready$");
    scene.end();
}

TEST_CASE("top gives the terminal back while it is stopped, and when it is interrupted", "[top]") {
    Scene scene(80, 24);
    Terminal &terminal = scene.terminal;
    scene.start_top();
    terminal.await("*WAITED/s");
    terminal.type({"C-z"});
    terminal.await("ready$");
    terminal.type({"fg", "Enter"});
    terminal.await("*WAITED/s");
    terminal.type({"C-c"});
    terminal.await("ready$");
    terminal.type({"echo status $?", "Enter"});
    terminal.await("\nstatus 130");
    CHECK(terminal.shown().find("WAITED/s") == std::string::npos);
    scene.end();
}

TEST_CASE("top ends with the run that it was named", "[top]") {
    Scene scene(80, 24);
    scene.start_top();
    scene.terminal.await("*WAITED/s");
    scene.end();
    scene.terminal.await("goes on any more");
}

TEST_CASE("top says what it needs", "[top]") {
    const TempDirectory base;
    const Outcome piped = run_flockstat({"top"});
    CHECK(piped.status == 1);
    CHECK(piped.out.empty());
    CHECK(piped.err == "flockstat: top needs a terminal; flockstat ps writes anywhere\n");
    Scene scene(80, 24);
    scene.start_top("TERM=nothing ");
    scene.terminal.await("TERM=nothing, is not known");
    scene.end();
}
