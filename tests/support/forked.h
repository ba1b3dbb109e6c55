/// Child processes of a test.
#pragma once

#include <cstdlib>
#include <sys/wait.h>
#include <unistd.h>

namespace flockstat::test {

/// A child by fork that runs a function and ends with the exit status that it returns. Assertions of the test
/// framework do not work in there. Waited for at the end of its life.
class Forked {
public:
    template<typename Deed>
    explicit Forked(Deed deed) : pid_(fork()) {
        if (pid_ == 0) {
            int status = 255;
            try {
                status = deed();
            } catch (...) { // must not run on as a second test program
                status = 254;
            }
            _exit(status);
        }
    }
    Forked(Forked &&other) noexcept : pid_(other.pid_) { other.pid_ = -1; }
    Forked(const Forked &) = delete;
    Forked &operator=(const Forked &) = delete;
    Forked &operator=(Forked &&) = delete;
    ~Forked() {
        if (pid_ > 0) {
            (void)wait();
        }
    }

    /// Its exit status, 128 + N where signal N killed it, -1 where there was no child.
    [[nodiscard]] int wait() {
        int status = -1;
        if (pid_ <= 0 || waitpid(pid_, &status, 0) != pid_) {
            return -1;
        }
        pid_ = -1;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }

    [[nodiscard]] pid_t pid() const { return pid_; }

private:
    pid_t pid_;
};

} // namespace flockstat::test
