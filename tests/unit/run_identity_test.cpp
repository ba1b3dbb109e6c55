// FLOCKSTAT_RUN: what one process writes another one reads, and nothing else.
#include "reporter/record/run_identity.h"

#include <catch2/catch.hpp>

#include <climits>
#include <random>
#include <string>
#include <vector>

using namespace flockstat::record;

namespace {

std::string written(const RunIdentity &run) {
    std::vector<char> room(max_identity_bytes);
    REQUIRE(write_run_identity(run, room.data()));
    return room.data();
}

RunIdentity sample() { return {0x0123456789abcdef, 4711, "/dev/shm", "/home/a, b/run 1", "node-7.x"}; }

/// Reads from memory that ends right behind the text, so that a sanitizer sees a step too far.
bool read(const std::string &text, RunIdentity *out, std::vector<char> *room) {
    room->assign(text.begin(), text.end());
    room->shrink_to_fit();
    return read_run_identity({room->data(), room->size()}, out);
}

bool is_refused(const std::string &text) {
    RunIdentity ignored;
    std::vector<char> room;
    return !read(text, &ignored, &room);
}

} // namespace

TEST_CASE("an identity is read as it was written") {
    const std::string longest = "/" + std::string(max_path_bytes - 2, 'x');
    for (const RunIdentity &run :
         {sample(), RunIdentity{0, 0, "/", "/"}, RunIdentity{UINT64_MAX, INT32_MAX, "/a,b,c", "/,"},
          RunIdentity{1, 1, longest, longest}, RunIdentity{1, INT32_MIN, "/tmp", "/\xff\n"}}) {
        const std::string text = written(run);
        RunIdentity back;
        std::vector<char> room;
        REQUIRE(read(text, &back, &room));
        CHECK(back.run_id == run.run_id);
        CHECK(back.first_pid == run.first_pid);
        CHECK(back.arena_directory == run.arena_directory);
        CHECK(back.directory == run.directory);
        CHECK(back.host == run.host);
    }
}

TEST_CASE("an identity's text is what other versions may rely on") {
    CHECK(written(sample()) == "2,0123456789abcdef,4711,node-7.x,8,/dev/shm,/home/a, b/run 1");
}

TEST_CASE("a path that is too long is not written") {
    const std::string too_long = "/" + std::string(max_path_bytes - 1, 'x');
    std::vector<char> room(max_identity_bytes);
    RunIdentity run = sample();
    run.arena_directory = too_long;
    CHECK_FALSE(write_run_identity(run, room.data()));
    run = sample();
    run.directory = too_long;
    CHECK_FALSE(write_run_identity(run, room.data()));
    CHECK(is_refused("2,0123456789abcdef,1,h,4096," + too_long + ",/x"));
    CHECK(is_refused("2,0123456789abcdef,1,h,1,/," + too_long));
}

TEST_CASE("texts that are no identity are refused") {
    for (const char *text : {
             "",
             "1",
             "2,",
             "on",
             "2,0123456789abcdef",
             "2,0123456789abcdef,",
             "2,0123456789abcdef,1",
             "2,0123456789abcdef,1,",
             "2,0123456789abcdef,1,h,4",
             "2,0123456789abcdef,1,h,4,",           //
             "1,0123456789abcdef,1,h,4,/tmp,/run",  // another format
             "2,0123456789abcde,1,h,4,/tmp,/run",   // a digit too few
             "2,0123456789abcdef0,1,h,4,/tmp,/run", // one too many
             "2,0123456789abcdeg,1,h,4,/tmp,/run",  // no digit
             "2,-123456789abcdef,1,h,4,/tmp,/run",
             "2,0123456789abcdef,,h,4,/tmp,/run",
             "2,0123456789abcdef,x,h,4,/tmp,/run",
             "2,0123456789abcdef,99999999999,h,4,/tmp,/run",
             "2,0123456789abcdef,1,h,-4,/tmp,/run",
             "2,0123456789abcdef,1,h,0,,/run",
             "2,0123456789abcdef,1,h,3,/tmp,/run", // the length says otherwise
             "2,0123456789abcdef,1,h,5,/tmp,/run",
             "2,0123456789abcdef,1,h,99999,/tmp,/run",
             "2,0123456789abcdef,1,h,18446744073709551615,/tmp,/run", //
             "2,0123456789abcdef,1,h,99999999999999999999,/tmp,/run", //
             "2,0123456789abcdef,1,h,3,tmp,/run",                     // not absolute
             "2,0123456789abcdef,1,h,4,/tmp,run",
             "2,0123456789abcdef,1,h,4,/tmp,",
             "2,0123456789abcdef,1,h,4,/tmp",
             "2,0123456789abcdef,1,4,/tmp,/run",     // no host
             "2,0123456789abcdef,1,a/b,4,/tmp,/run", // it becomes a part of a name
         }) {
        CAPTURE(text);
        CHECK(is_refused(text));
    }
}

TEST_CASE("a damaged identity gives no views outside its text") {
    const std::string whole = written(sample());
    for (std::size_t length = 0; length < whole.size(); ++length) {
        RunIdentity run;
        std::vector<char> room;
        // Cut inside the last path it is another path, and nothing tells.
        CHECK(read(whole.substr(0, length), &run, &room) == (length > whole.find("/home")));
    }
    std::mt19937_64 random(3);
    unsigned accepted = 0;
    for (int i = 0; i < 20'000; ++i) {
        std::string text = whole;
        for (std::uint64_t changes = 1 + random() % 3; changes != 0; --changes) {
            text[random() % text.size()] = static_cast<char>(random());
        }
        RunIdentity run;
        std::vector<char> room;
        if (!read(text, &run, &room)) {
            continue;
        }
        ++accepted;
        const char *end = room.data() + room.size();
        REQUIRE(run.arena_directory.data() > room.data());
        REQUIRE(run.arena_directory.data() + run.arena_directory.size() < run.directory.data());
        REQUIRE(run.directory.data() + run.directory.size() == end);
        REQUIRE(run.arena_directory.substr(0, 1) == "/");
        REQUIRE(run.directory.substr(0, 1) == "/");
    }
    CHECK(accepted > 100); // most bytes of a path may be any
    CHECK(accepted < 19'000);
}

TEST_CASE("the arena's path holds the run's id in full") {
    char path[max_arena_path_bytes];
    write_arena_path({0xab, 1, "/dev/shm", "/x"}, path);
    CHECK(std::string(path) == "/dev/shm/flockstat-00000000000000ab");
}

TEST_CASE("the arena's name says whose it is") {
    char path[max_arena_path_bytes];
    write_arena_path({0xab, 1, "/dev/shm", "/x", "node7"}, path);
    CHECK(std::string(path) == "/dev/shm/flockstat-00000000000000ab@node7");
    std::string_view host;
    CHECK(read_arena_name("flockstat-00000000000000ab@node7", &host));
    CHECK(host == "node7");
    CHECK(read_arena_name("flockstat-00000000000000ab", &host));
    CHECK(host.empty());
    for (const char *name : {"flockstat-", "flockstat-00000000000000a", "flockstat-00000000000000abc",
                             "flockstat-00000000000000aX@n", "flockstat-sh-12", "run.flk"}) {
        CAPTURE(name);
        CHECK_FALSE(read_arena_name(name, &host));
    }
}

TEST_CASE("a host's name becomes what may stand in a file's") {
    CHECK(HostText("node-7.example.org").view() == "node-7.example.org");
    CHECK(HostText("a/b,c\n@").view() == "a_b_c__");
    CHECK(HostText(std::string(100, 'x')).view().size() == max_host_bytes);
    CHECK_FALSE(own_host().view().empty());
}
