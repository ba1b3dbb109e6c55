// Commands and ranges, compared with what the kernel makes of them.
#include "shim/lock_call.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <random>
#include <string>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <vector>

using namespace flockstat::shim;

namespace {

struct Row {
    int command;
    Action action;
    Family family;
    Mode mode;
    bool may_block;
    bool cancellation_point;
    int nonblocking; // only looked at where the call may block
};

void check_table(LockCall (*decode)(int), const std::vector<Row> &rows) {
    for (const Row &row : rows) {
        CAPTURE(row.command);
        const LockCall call = decode(row.command);
        CHECK(call.action == row.action);
        CHECK(call.family == row.family);
        CHECK(call.mode == row.mode);
        CHECK(call.may_block == row.may_block);
        CHECK(call.cancellation_point == row.cancellation_point);
        if (row.may_block) {
            CHECK(call.nonblocking == row.nonblocking);
            CHECK_FALSE(decode(call.nonblocking).may_block);
        }
    }
}

/// A file with a position and a size, open twice: what one description locks, the other is told.
class TwiceOpenFile {
public:
    TwiceOpenFile() {
        std::string name = "/tmp/flockstat-test-XXXXXX";
        locking = mkstemp(name.data());
        asking = open(name.c_str(), O_RDWR | O_CLOEXEC);
        unlink(name.c_str());
        REQUIRE(locking >= 0);
        REQUIRE(asking >= 0);
    }
    ~TwiceOpenFile() {
        close(locking);
        close(asking);
    }
    TwiceOpenFile(const TwiceOpenFile &) = delete;
    TwiceOpenFile &operator=(const TwiceOpenFile &) = delete;

    int locking = -1;
    int asking = -1;
};

/// fcntl as the kernel has it, without libc. 0 or an errno.
int raw_lock(int descriptor, int command, struct flock *ranges) {
    return syscall(SYS_fcntl, descriptor, command, ranges) == 0 ? 0 : errno;
}

constexpr std::int64_t position = 700;
constexpr std::int64_t size = 5'000;

std::int64_t base_of(int whence) { return whence == SEEK_SET ? 0 : whence == SEEK_CUR ? position : size; }

/// Locks what l_whence, l_start and l_len say, and checks that decode_range knew. Returns the errno.
int compare_with_kernel(const TwiceOpenFile &file, int whence, std::int64_t start, std::int64_t length) {
    CAPTURE(whence, start, length);
    Range range{-1, -1};
    const bool known = decode_range(base_of(whence), start, length, &range);
    struct flock ranges {};
    ranges.l_type = F_WRLCK;
    ranges.l_whence = static_cast<short>(whence);
    ranges.l_start = start;
    ranges.l_len = length;
    const int error = raw_lock(file.locking, F_OFD_SETLK, &ranges);
    REQUIRE((error == 0 || error == EINVAL || error == EOVERFLOW));
    CHECK(known == (error == 0));
    if (error != 0) {
        return error;
    }
    struct flock held {};
    held.l_type = F_WRLCK;
    held.l_whence = SEEK_SET;
    REQUIRE(raw_lock(file.asking, F_OFD_GETLK, &held) == 0);
    REQUIRE(held.l_type == F_WRLCK);
    CHECK(range.start == held.l_start);
    CHECK(range.end == (held.l_len == 0 ? INT64_MAX : held.l_start + (held.l_len - 1)));
    struct flock all {};
    all.l_type = F_UNLCK;
    REQUIRE(raw_lock(file.locking, F_OFD_SETLK, &all) == 0);
    return 0;
}

/// Numbers that matter, and some that do not.
std::int64_t random_number(std::mt19937_64 &random) {
    static constexpr std::int64_t edges[] = {
        0, INT64_MAX, INT64_MIN, position, -position, size, -size, INT64_MAX - position, INT64_MAX - size};
    const std::uint64_t bits = random();
    const auto small = static_cast<std::int64_t>(random() % 10'001) - 5'000;
    switch (bits % 4) {
    case 0: return small;
    case 1: return static_cast<std::int64_t>(random());
    default: {
        std::int64_t number = edges[random() % std::size(edges)];
        // A wrapped sum is as good a number as any.
        __builtin_add_overflow(number, static_cast<std::int64_t>(random() % 5) - 2, &number);
        return number;
    }
    }
}

} // namespace

TEST_CASE("flock operations are told apart") {
    check_table(
        decode_flock,
        {
            {LOCK_SH, Action::attempt, Family::flock, Mode::shared, true, false, LOCK_SH | LOCK_NB},
            {LOCK_EX, Action::attempt, Family::flock, Mode::exclusive, true, false, LOCK_EX | LOCK_NB},
            {LOCK_SH | LOCK_NB, Action::attempt, Family::flock, Mode::shared, false, false, 0},
            {LOCK_EX | LOCK_NB, Action::attempt, Family::flock, Mode::exclusive, false, false, 0},
            {LOCK_UN, Action::unlock, Family::flock, Mode::exclusive, false, false, 0},
            {LOCK_UN | LOCK_NB, Action::unlock, Family::flock, Mode::exclusive, false, false, 0},
            {0, Action::attempt, Family::flock, Mode::exclusive, true, false, LOCK_NB},
            {LOCK_SH | LOCK_UN, Action::attempt, Family::flock, Mode::exclusive, true, false,
             LOCK_SH | LOCK_UN | LOCK_NB},
        });
    // Takes no lock, and returns 0.
    CHECK(decode_flock(LOCK_MAND | LOCK_READ).action == Action::none);
    CHECK(decode_flock(99).action == Action::none);
}

TEST_CASE("fcntl commands are told apart") {
    check_table(decode_fcntl,
                {
                    {F_SETLK, Action::range, Family::posix, Mode::exclusive, false, false, 0},
                    {F_SETLKW, Action::range, Family::posix, Mode::exclusive, true, true, F_SETLK},
                    {F_GETLK, Action::test, Family::posix, Mode::exclusive, false, false, 0},
                    {F_OFD_SETLK, Action::range, Family::ofd, Mode::exclusive, false, false, 0},
                    {F_OFD_SETLKW, Action::range, Family::ofd, Mode::exclusive, true, true, F_OFD_SETLK},
                    {F_OFD_GETLK, Action::test, Family::ofd, Mode::exclusive, false, false, 0},
                });
    for (const int other :
         {F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_SETLEASE, -1, 999}) {
        CAPTURE(other);
        CHECK(decode_fcntl(other).action == Action::none);
    }
}

TEST_CASE("lockf functions are told apart") {
    check_table(decode_lockf,
                {
                    {F_LOCK, Action::attempt, Family::posix, Mode::exclusive, true, true, F_TLOCK},
                    {F_TLOCK, Action::attempt, Family::posix, Mode::exclusive, false, false, 0},
                    {F_ULOCK, Action::unlock, Family::posix, Mode::exclusive, false, false, 0},
                    {F_TEST, Action::test, Family::posix, Mode::exclusive, false, false, 0},
                    {77, Action::attempt, Family::posix, Mode::exclusive, false, false, 0},
                });
}

TEST_CASE("an errno says how an attempt ended") {
    for (const Family family : {Family::flock, Family::posix, Family::ofd}) {
        CHECK(outcome_of(0, family) == Outcome::granted);
        CHECK(outcome_of(EAGAIN, family) == Outcome::refused);
        CHECK(outcome_of(EWOULDBLOCK, family) == Outcome::refused);
        CHECK(outcome_of(EINTR, family) == Outcome::interrupted);
        CHECK(outcome_of(EDEADLK, family) == Outcome::deadlocked);
        CHECK(outcome_of(EBADF, family) == Outcome::failed);
        CHECK(outcome_of(ENOLCK, family) == Outcome::failed);
    }
    CHECK(outcome_of(EACCES, Family::posix) == Outcome::refused);
    CHECK(outcome_of(EACCES, Family::ofd) == Outcome::refused);
    CHECK(outcome_of(EACCES, Family::flock) == Outcome::failed);
}

TEST_CASE("ranges are the bytes that the kernel locks") {
    const TwiceOpenFile file;
    REQUIRE(ftruncate(file.locking, size) == 0);
    REQUIRE(lseek(file.locking, position, SEEK_SET) == position);

    SECTION("at the edges") {
        CHECK(compare_with_kernel(file, SEEK_SET, 0, 0) == 0);
        CHECK(compare_with_kernel(file, SEEK_SET, 0, 1) == 0);
        CHECK(compare_with_kernel(file, SEEK_SET, 10, -10) == 0);
        CHECK(compare_with_kernel(file, SEEK_SET, 10, -11) == EINVAL);
        CHECK(compare_with_kernel(file, SEEK_SET, -1, 0) == EINVAL);
        CHECK(compare_with_kernel(file, SEEK_SET, INT64_MAX, 0) == 0);
        CHECK(compare_with_kernel(file, SEEK_SET, INT64_MAX, 1) == 0);
        CHECK(compare_with_kernel(file, SEEK_SET, INT64_MAX, 2) == EOVERFLOW);
        CHECK(compare_with_kernel(file, SEEK_SET, INT64_MAX, -INT64_MAX) == 0);
        CHECK(compare_with_kernel(file, SEEK_SET, INT64_MAX, INT64_MIN) == EINVAL);
        CHECK(compare_with_kernel(file, SEEK_SET, 0, INT64_MAX) == 0);
        CHECK(compare_with_kernel(file, SEEK_CUR, -position, 5) == 0);
        CHECK(compare_with_kernel(file, SEEK_CUR, -position - 1, 5) == EINVAL);
        CHECK(compare_with_kernel(file, SEEK_CUR, INT64_MAX, 1) == EOVERFLOW);
        CHECK(compare_with_kernel(file, SEEK_CUR, INT64_MAX - position, 1) == 0);
        CHECK(compare_with_kernel(file, SEEK_END, 0, -size) == 0);
        CHECK(compare_with_kernel(file, SEEK_END, 0, -size - 1) == EINVAL);
        CHECK(compare_with_kernel(file, SEEK_END, INT64_MIN, 0) == EINVAL);
    }
    SECTION("at random") {
        std::mt19937_64 random(20'240'611);
        std::vector<int> errors;
        for (int i = 0; i < 5'000; ++i) {
            const int whence = static_cast<int>(random() % 3);
            const std::int64_t start = random_number(random);
            errors.push_back(compare_with_kernel(file, whence, start, random_number(random)));
        }
        // Enough of each kind to mean something.
        for (const int error : {0, EINVAL, EOVERFLOW}) {
            CHECK(std::count(errors.begin(), errors.end(), error) > 250);
        }
    }
}

TEST_CASE("lockf counts from the file's position") {
    const TwiceOpenFile file;
    REQUIRE(lseek(file.locking, position, SEEK_SET) == position);
    for (const std::int64_t length : {std::int64_t{0}, std::int64_t{1}, std::int64_t{300}, -position}) {
        CAPTURE(length);
        REQUIRE(lockf(file.locking, F_TLOCK, length) == 0);
        struct flock held {};
        held.l_type = F_WRLCK;
        REQUIRE(raw_lock(file.asking, F_OFD_GETLK, &held) == 0);
        REQUIRE(held.l_type == F_WRLCK);
        Range range;
        REQUIRE(decode_range(position, 0, length, &range));
        CHECK(range.start == held.l_start);
        CHECK(range.end == (held.l_len == 0 ? INT64_MAX : held.l_start + held.l_len - 1));
        REQUIRE(lockf(file.locking, F_ULOCK, length) == 0);
    }
}
