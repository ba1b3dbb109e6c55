// The door to the bookkeeping: signal handlers, frames that were left, and children of fork.
#include "shim/bookkeeping.h"

#include "tests/support/forked.h"
#include "tests/unit/recording.h"

#include <catch2/catch.hpp>

#include <atomic>
#include <cerrno>
#include <csetjmp>
#include <csignal>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace flockstat;
using namespace flockstat::test;
using shim::Family;
using shim::ThreadState;

namespace {

std::uint64_t granted(const Recording &recording, const std::string &name = "a") {
    return exclusive(recording.read(), recording.path(name)).first.count;
}

ThreadState &this_thread() { return *shim::existing_thread_state(); }

unsigned entered = 0;
int jumps_left = 0;
std::jmp_buf outside;

void enter(ThreadState &) { ++entered; }

void leave_by_jump(ThreadState &) {
    ++entered;
    std::longjmp(outside, 1);
}

/// A handler that locks, on the stack that it was told.
Recording *handler_recording = nullptr;
int handler_file = -1;

void lock_in_handler(int) { handler_recording->attempt(handler_file); }

void raise_inside(ThreadState &) { raise(SIGUSR1); }

/// A frame further out on this stack that is inside the bookkeeping, as the one is that a handler interrupts.
class LiveFrame {
public:
    LiveFrame() { this_thread().inside.place({reinterpret_cast<std::uintptr_t>(record_), record_[1]}); }
    void write_over() { record_[1] = 0x2222; }

private:
    std::uintptr_t record_[2] = {0x1000, 0x1111};
};

/// Restores what a signal did before.
class Handler {
public:
    Handler(void (*function)(int), int flags) {
        struct sigaction action {};
        action.sa_handler = function;
        action.sa_flags = flags;
        sigaction(SIGUSR1, &action, &before_);
    }
    ~Handler() { sigaction(SIGUSR1, &before_, nullptr); }
    Handler(const Handler &) = delete;
    Handler &operator=(const Handler &) = delete;

private:
    struct sigaction before_ {};
};

} // namespace

TEST_CASE("the bookkeeping leaves errno alone") {
    Recording recording;
    const int file = recording.open("a");
    errno = 77;
    recording.attempt(file);
    recording.unlock(file);
    recording.attempt(9'999, {.error = EBADF});
    CHECK(errno == 77);
    recording.close(file);
}

TEST_CASE("a handler's call is queued while its thread is inside, and applied by the thread") {
    Recording recording;
    const int file = recording.open("a");
    recording.attempt(file, {.family = Family::posix}); // makes the thread's state
    const LiveFrame outer;
    recording.attempt(file);
    recording.unlock(file);
    CHECK_FALSE(this_thread().queue.empty());
    CHECK_THROWS(granted(recording));
    this_thread().inside.remove();
    recording.attempt(file); // applies them first come, first served, behind itself
    CHECK(this_thread().queue.empty());
    CHECK(granted(recording) == 2);
    recording.close(file);
}

TEST_CASE("what is queued counts on the file that the descriptor was, whatever it is by then") {
    Recording recording;
    const int file = recording.open("a");
    recording.attempt(file);
    const int handlers = recording.open("b");
    const LiveFrame outer;
    recording.attempt(handlers);
    recording.unlock(handlers);
    recording.close(handlers);
    const int other = recording.open("c");
    REQUIRE(other == handlers);
    this_thread().inside.remove();
    recording.unlock(file);
    CHECK_THROWS(granted(recording, "c"));
    CHECK(recording.read().regions.empty());
    CHECK(recording.read().locks.size() == 2); // its name could not be asked for any more
    const int again = recording.open("b");
    recording.attempt(again);
    CHECK(granted(recording, "b") == 2);
    for (const int descriptor : {file, other, again}) {
        recording.close(descriptor);
    }
}

TEST_CASE("a handler locks while its thread is inside") {
    const bool alternate = GENERATE(false, true);
    std::vector<char> room(256 * 1024);
    stack_t stack{}, before{};
    stack.ss_sp = room.data();
    stack.ss_size = room.size();
    REQUIRE(sigaltstack(&stack, &before) == 0);
    {
        const Handler handler(lock_in_handler, alternate ? SA_ONSTACK : 0);
        Recording recording;
        const int file = recording.open("a");
        recording.attempt(file, {.family = Family::posix});
        handler_recording = &recording;
        handler_file = file;
        inside_bookkeeping(this_thread(), raise_inside);
        CHECK(granted(recording) == 1);
        CHECK_FALSE(this_thread().inside.is_placed());
        raise(SIGUSR1); // from outside
        CHECK(granted(recording) == 2);
        CHECK(recording.header().lost.calls == 0);
        recording.close(file);
    }
    CHECK(sigaltstack(&before, nullptr) == 0);
}

TEST_CASE("what the queue has no room for is counted as lost") {
    Recording recording;
    const int file = recording.open("a");
    recording.attempt(file);
    const LiveFrame outer;
    for (int i = 0; i < 100; ++i) {
        recording.attempt(file);
    }
    this_thread().inside.remove();
    recording.attempt(file);
    CHECK(recording.header().lost.calls > 50);
    CHECK(granted(recording) + recording.header().lost.calls == 102);
    recording.close(file);
}

TEST_CASE("a guard whose frame was left is broken") {
    Recording recording;
    const int file = recording.open("a");
    recording.attempt(file);
    SECTION("from further out") {
        this_thread().inside.place(
            {reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0)) - 100'000, 0});
        recording.attempt(file);
        CHECK(granted(recording) == 2);
    }
    SECTION("from further in, and its place was used for something else since") {
        LiveFrame outer;
        recording.attempt(file);
        CHECK(granted(recording) == 1);
        outer.write_over();
        recording.attempt(file);
        CHECK(granted(recording) == 3);
        CHECK(recording.header().lost.calls == 1);
    }
    SECTION("on a stack that is no more") {
        this_thread().inside.place({4096, 0});
        recording.attempt(file);
        CHECK(granted(recording) == 2);
    }
    SECTION("from the very same place, again and again") {
        entered = 0;
        jumps_left = 3;
        setjmp(outside); // comes back here from each jump
        if (jumps_left-- > 0) {
            inside_bookkeeping(this_thread(), leave_by_jump);
        }
        CHECK(entered == 3);
        inside_bookkeeping(this_thread(), enter);
        CHECK(entered == 4);
    }
    SECTION("by a handler on an alternate stack") {
        std::vector<char> room(256 * 1024);
        stack_t stack{}, before{};
        stack.ss_sp = room.data();
        stack.ss_size = room.size();
        REQUIRE(sigaltstack(&stack, &before) == 0);
        this_thread().inside.place({reinterpret_cast<std::uintptr_t>(room.data() + 1'000), 0});
        recording.attempt(file);
        CHECK(granted(recording) == 2);
        CHECK(sigaltstack(&before, nullptr) == 0);
    }
    CHECK_FALSE(this_thread().inside.is_placed());
    recording.close(file);
}

TEST_CASE("a child is another process from its first call on") {
    Recording recording;
    const int file = recording.open("a");
    recording.attempt(file);
    recording.unlock(file);
    // As libc forks, and behind its back.
    const bool by_libc = GENERATE(true, false);
    const pid_t child = by_libc ? fork() : static_cast<pid_t>(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
    REQUIRE(child >= 0);
    if (child == 0) {
        recording.attempt(file);
        recording.attempt(file, {.error = ENOLCK});
        recording.unlock(file);
        _exit(0);
    }
    int status = -1;
    REQUIRE(waitpid(child, &status, 0) == child);
    REQUIRE(status == 0);
    const reporter::Run run = recording.read();
    REQUIRE(run.processes.size() == 2);
    for (const reporter::Process &process : run.processes) {
        const bool is_child = process.pid == child;
        CHECK((is_child || process.pid == getpid()));
        CHECK(process.parent_pid == (is_child ? getpid() : getppid()));
        CHECK(process.attempts == (is_child ? 2U : 1U));
        CHECK(process.unlocks == 1);
        CHECK(process.threads == 1);
        CHECK(process.enter.count == 1);
    }
    CHECK(granted(recording) == 2);
    CHECK(run.processes.at(run.events.at(0).process).pid == child);
    recording.close(file);
}

TEST_CASE("threads of a child that begin at once are all counted, each once") {
    Recording recording;
    constexpr unsigned children = 40, threads = 4, calls = 20;
    const int file = recording.open("a");
    recording.attempt(file);
    recording.unlock(file);
    for (unsigned child = 0; child < children; ++child) {
        Forked forked([&] {
            std::atomic<unsigned> ready = 0;
            std::vector<std::thread> running;
            for (unsigned thread = 0; thread < threads; ++thread) {
                running.emplace_back([&] {
                    shim::Operation operation;
                    operation.descriptor = file;
                    operation.error = ENOLCK;
                    operation.outcome = shim::Outcome::failed;
                    operation.start_ticks = operation.end_ticks = recording.now();
                    ++ready;
                    while (ready != threads) {
                        std::this_thread::yield();
                    }
                    for (unsigned call = 0; call < calls; ++call) {
                        apply(operation);
                    }
                });
            }
            for (std::thread &thread : running) {
                thread.join();
            }
            return 0;
        });
        REQUIRE(forked.wait() == 0);
    }
    const reporter::Run run = recording.read();
    CHECK(run.processes.size() == children + 1);
    CHECK(run.threads == children * threads + 1);
    for (const reporter::Process &process : run.processes) {
        CHECK(process.attempts == (process.pid == getpid() ? 1U : threads * calls));
    }
    CHECK(exclusive(run, recording.path("a")).failed == children * threads * calls);
    recording.close(file);
}
