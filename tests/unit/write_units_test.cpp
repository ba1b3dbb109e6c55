// Numbers, names, paths and stacks as the text report shows them.
#include "reporter/write/printable.h"
#include "reporter/write/short_function.h"
#include "reporter/write/short_path.h"
#include "reporter/write/short_stack.h"
#include "reporter/write/units.h"

#include <catch2/catch.hpp>

using namespace flockstat::reporter;

TEST_CASE("times have three digits and a unit") {
    const std::pair<std::uint64_t, const char *> cases[] = {
        {0, "0 ns"},
        {999, "999 ns"},
        {1'000, "1.00 us"},
        {1'254, "1.25 us"},
        {12'350, "12.4 us"},
        {999'499, "999 us"},
        {999'500, "1.00 ms"},
        {1'250'000, "1.25 ms"},
        {9'996'000, "10.0 ms"},
        {99'960'000, "100 ms"},
        {8'120'000'000, "8.12 s"},
        {65'200'000'000, "65.2 s"},
        {119'400'000'000, "119 s"},
        {125'000'000'000, "2 m 05 s"},
        {7'199'000'000'000, "119 m 59 s"},
        {7'500'000'000'000, "2 h 05 m"},
        {UINT64_MAX, "5124095 h 35 m"},
    };
    for (const auto &[ns, text] : cases) {
        CHECK(human_time(ns, false) == text);
    }
    CHECK(human_time(1'500, true) == "1.50 µs");
}

TEST_CASE("counts and shares") {
    CHECK(human_count(0) == "0");
    CHECK(human_count(999) == "999");
    CHECK(human_count(1'000) == "1,000");
    CHECK(human_count(12'345'678) == "12,345,678");
    CHECK(human_share(1, 0) == "-");
    CHECK(human_share(0, 5) == "0 %");
    CHECK(human_share(1, 1'000'000) == "<0.1 %");
    CHECK(human_share(15, 1'000) == "1.5 %");
    CHECK(human_share(97, 100) == "97 %");
    CHECK(human_share(7, 7) == "100 %");
    CHECK(counted(1, "lock", "locks") == "1 lock");
    CHECK(counted(2'000, "lock", "locks") == "2,000 locks");
}

TEST_CASE("a path loses leading directories, never its name") {
    const std::string path = "/very/long/way/down/to/the/cache/app.db";
    CHECK(short_path(path, 39) == path);
    CHECK(short_path(path, 38) == ".../long/way/down/to/the/cache/app.db");
    CHECK(short_path(path, 25) == ".../to/the/cache/app.db");
    CHECK(short_path(path, 16) == ".../cache/app.db");
    CHECK(short_path(path, 3) == ".../cache/app.db");
    CHECK(short_path("/cache/application.db", 5) == "/cache/application.db");
    CHECK(short_path("/application.db", 5) == "/application.db");
    CHECK(short_path("pipe:[1234]", 5) == "pipe:[1234]");
    CHECK(short_path("", 5).empty());
    CHECK(short_path("node1:/srv/long/way/app.db", 18) == "node1:.../way/app.db");
    CHECK(short_path("nas1:/srv/app.db", 3) == "nas1:/srv/app.db");
}

TEST_CASE("functions lose parameters, template arguments and return types") {
    const std::pair<const char *, const char *> cases[] = {
        {"main", "main"},
        {"flush_journal", "flush_journal"},
        {"db::Table::put(int, std::string const&) const", "db::Table::put"},
        {"void db::Table<std::map<int, char> >::put<int>(int)", "db::Table<>::put<>"},
        {"std::vector<int, std::allocator<int> >::operator[](unsigned long)", "std::vector<>::operator[]"},
        {"operator<<(std::ostream&, Point const&)", "operator<<"},
        {"bool operator< <int>(Box<int> const&, Box<int> const&)", "operator< <>"},
        {"Guard::operator bool() const", "Guard::operator bool"},
        {"Call::operator()(int)", "Call::operator()"},
        {"(anonymous namespace)::hidden(int)", "(anonymous namespace)::hidden"},
        {"main::{lambda(int)#2}::operator()(int) const", "main::{lambda#2}::operator()"},
        {"run(int)::{lambda()#1}::operator()() const", "run::{lambda#1}::operator()"},
        {"operator_like(int)", "operator_like"},
        {"Smart<int>::operator->() const", "Smart<>::operator->"},
        {"store::flush::h0123456789abcdef", "store::flush"},
        {"<store::Db as core::ops::Drop>::drop", "<store::Db as core::ops::Drop>::drop"},
        {"broken<unclosed(", "broken<>"},
        {"LazyCompile:*serve /srv/app.js:12", "LazyCompile:*serve /srv/app.js:12"},
        {"", ""},
    };
    for (const auto &[name, expected] : cases) {
        CHECK(short_function(name) == expected);
    }
}

namespace {

SourceFrame frame(const std::string &function, const std::string &module, const std::string &file = {},
                  std::uint32_t line = 0, std::uint64_t offset = 0x40) {
    return {function, file, line, module, offset, false};
}

std::string joined(const std::vector<std::string> &texts) {
    std::string all;
    for (const std::string &text : texts) {
        all += (all.empty() ? "" : " | ") + text;
    }
    return all;
}

} // namespace

TEST_CASE("a stack shows the program's own frames") {
    const std::string libc = "/lib/x86_64-linux-gnu/libc.so.6";
    const std::vector<SourceFrame> stack{frame("lockf64", libc),
                                         frame("flush_journal", "/bin/db", "/src/db.c", 412),
                                         frame("void commit<int>(Tx*)", "/bin/db", "/src/tx.cpp", 88),
                                         frame("sqlite3_step", "/usr/lib/libsqlite3.so.0"),
                                         frame("sqlite3_exec", "/usr/lib/libsqlite3.so.0"),
                                         frame("main", "/bin/db"),
                                         frame("__libc_start_call_main", libc),
                                         frame("__libc_start_main", libc),
                                         frame("_start", "/bin/db")};
    CHECK(joined(short_stack(stack, false)) ==
          "flush_journal (db.c:412) | commit<> (tx.cpp:88) | sqlite3_step [libsqlite3.so.0] | "
          "sqlite3_exec | main [db]");
    CHECK(joined(stack_lines(stack, 200, 2, false)) ==
          "flush_journal (db.c:412) < commit<> (tx.cpp:88) < sqlite3_step [libsqlite3.so.0] < sqlite3_exec < "
          "main [db]");
    CHECK(joined(stack_lines(stack, 50, 2, false)) ==
          "flush_journal (db.c:412) < commit<> (tx.cpp:88) | < sqlite3_step [libsqlite3.so.0] < 2 more");
    for (const std::string &line : stack_lines(stack, 50, 3, false)) {
        CHECK(line.size() <= 50);
    }
    // A stripped program has no name for its start.
    const std::vector<SourceFrame> stripped{frame("", "/bin/flock", "", 0, 0x280a),
                                            frame("", libc, "", 0, 0x271ca), frame("__libc_start_main", libc),
                                            frame("", "/bin/flock", "", 0, 0x2f11)};
    CHECK(joined(short_stack(stripped, false)) == "flock+0x280a");
}

TEST_CASE("interpreters and frames without names are folded") {
    const std::string python = "/usr/bin/python3.11";
    const std::vector<SourceFrame> script{
        frame("flock", "/lib/libc.so.6"), frame("fcntl_flock", python), frame("cfunction_vectorcall", python),
        frame("_PyEval_EvalFrameDefault", python), frame("Py_BytesMain", python)};
    CHECK(joined(short_stack(script, false)) == "fcntl_flock [python3.11]");
    const std::string extension = "/usr/lib/python3/fcntl.so";
    const std::vector<SourceFrame> module{
        frame("fcntl_flock", extension, "fcntl.c", 9), frame("cfunction_vectorcall", python, "m.c", 1),
        frame("_PyEval_EvalFrameDefault", python, "c.c", 2), frame("run", "/bin/host")};
    CHECK(joined(short_stack(module, false)) == "fcntl_flock (fcntl.c:9) | [python3.11] | run [host]");
    const std::vector<SourceFrame> stripped{
        frame("", "/lib/libdb.so.5", "", 0, 0x111), frame("", "/lib/libdb.so.5", "", 0, 0x222),
        frame("db_open", "/lib/libdb.so.5"), frame("", "/bin/app", "", 0, 0x333)};
    CHECK(joined(short_stack(stripped, false)) == "libdb.so.5+0x111 | db_open | app+0x333");
}

TEST_CASE("a stack of nothing but the C library is shown whole") {
    CHECK(joined(short_stack(
              std::vector{frame("lockf64", "/lib/libc.so.6"), frame("start_thread", "/lib/libc.so.6")},
              false)) == "lockf64 [libc.so.6] | start_thread");
    CHECK(short_stack({}, false).empty());
    CHECK(joined(short_stack(std::vector{frame("", "", "", 0, 0x7f00)}, false)) == "0x7f00");
}

TEST_CASE("what programs call their files cannot steer the terminal") {
    CHECK(printable("/a b/\x1b[31mred\n\t\x7f", true) == "/a b/\\x1b[31mred\\n\\t\\x7f");
    CHECK(printable("/\xc3\xa9t\xc3\xa9", true) == "/\xc3\xa9t\xc3\xa9");
    CHECK(printable("/\xc3\xa9", false) == "/\\xc3\\xa9");
    CHECK(printable("\xe2\x80\xae", true) == "\\xe2\\x80\\xae"); // right-to-left override
    CHECK(printable("\xc2\x9b", true) == "\\xc2\\x9b");          // a control of eight bits
    CHECK(printable("\xc0\xaf\xf8\x80", true) == "\\xc0\\xaf\\xf8\\x80");
    CHECK(valid_utf8("\xf0\x9f\x94\x92\xf4\x90\x80\x80") == "\xf0\x9f\x94\x92\\xf4\\x90\\x80\\x80");
}

TEST_CASE("columns are counted, not bytes") {
    CHECK(display_width("abc") == 3);
    CHECK(display_width("\xc3\xa9\xc3\xa9") == 2);
    CHECK(display_width("\xe9\x8d\xb5") == 2); // a wide character
    CHECK(display_width("e\xcc\x81") == 1);    // e and a combining accent
    CHECK(fit("\xc3\xa9\xc3\xa9\xc3\xa9", 2) == "\xc3\xa9\xc3\xa9");
    CHECK(fit("\xe9\x8d\xb5x", 1).empty());
    CHECK(fit("abc", 9) == "abc");
}

namespace {

SourceFrame python_frame(const std::string &file, std::uint32_t line, const std::string &function) {
    SourceFrame frame;
    frame.file = file;
    frame.line = line;
    frame.function = function;
    frame.language = "python";
    return frame;
}

SourceFrame native_frame(const std::string &function, const std::string &module) {
    SourceFrame frame;
    frame.function = function;
    frame.module = module;
    return frame;
}

} // namespace

TEST_CASE("Python stacks read from the program to the call, without the interpreter") {
    const std::string packages = "/usr/lib/python3/dist-packages/";
    const std::vector<SourceFrame> stack{
        native_frame("flock", "/usr/lib/x86_64-linux-gnu/libc.so.6"),
        native_frame("fcntl_flock", "/usr/lib/python3.11/lib-dynload/fcntl.cpython-311-x86_64-linux-gnu.so"),
        native_frame("cfunction_call", "/usr/bin/python3.11"),
        python_frame(packages + "filelock/_unix.py", 35, "UnixFileLock._acquire"),
        python_frame(packages + "filelock/_api.py", 331, "BaseFileLock.acquire"),
        native_frame("slot_tp_call", "/usr/bin/python3.11"),
        python_frame("/home/me/train.py", 12, "load.<locals>.load_cache"),
        python_frame("/usr/lib/python3.11/concurrent/futures/thread.py", 58, "_WorkItem.run"),
        python_frame("/usr/lib/python3.11/threading.py", 1038, "Thread._bootstrap_inner"),
        native_frame("thread_run", "/usr/bin/python3.11"),
        native_frame("start_thread", "/usr/lib/x86_64-linux-gnu/libc.so.6")};
    CHECK(joined(stack_lines(stack, 200, 2, false)) ==
          "concurrent/futures/thread.py:58 run > train.py:12 load_cache > filelock/_api.py:331 acquire > "
          "filelock/_unix.py:35 _acquire");
    CHECK(joined(stack_lines(stack, 60, 2, false)) ==
          "1 more > train.py:12 load_cache > | filelock/_api.py:331 acquire > filelock/_unix.py:35 _acquire");
    CHECK(joined(stack_lines(stack, 10, 2, false)) == "3 more > | filelock/_unix.py:35 _acquire");
    std::vector<SourceFrame> database = stack;
    database[1] = native_frame("sqlite3_step", "/usr/lib/x86_64-linux-gnu/libsqlite3.so.0");
    CHECK(joined(stack_lines(database, 80, 1, false)) ==
          "3 more > filelock/_unix.py:35 _acquire > sqlite3_step [libsqlite3.so.0]");
}
