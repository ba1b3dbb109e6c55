#include "reporter/cli/output.h"

#include "reporter/cli/failure.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

namespace flockstat::cli {
namespace {

/// Writes all; false, with errno, where that cannot be.
bool write_all(int descriptor, std::string_view text) {
    const char *data = text.data();
    std::size_t left = text.size();
    while (left > 0) {
        const ssize_t wrote = write(descriptor, data, left);
        if (wrote < 0 && errno == EINTR) {
            continue;
        }
        if (wrote <= 0) {
            return false;
        }
        data += wrote;
        left -= static_cast<std::size_t>(wrote);
    }
    return true;
}

/// Puts pieces together, so that small ones cost no system call each.
class Pieces {
public:
    explicit Pieces(int descriptor) : descriptor_(descriptor) {}

    /// False, with errno, where something could not be written.
    [[nodiscard]] bool add(std::string_view piece) {
        constexpr std::size_t enough_bytes = std::size_t{128} << 10U;
        text_ += piece;
        return text_.size() < enough_bytes || flush();
    }
    [[nodiscard]] bool flush() {
        const bool written = write_all(descriptor_, text_);
        text_.clear();
        return written;
    }

private:
    int descriptor_;
    std::string text_;
};

} // namespace

namespace {

[[noreturn]] void fail_stdout(int status) {
    throw Failure(status, std::string("cannot write to stdout: ") + std::strerror(errno) +
                              "; send it somewhere else");
}

[[noreturn]] void fail_file(const std::string &file) {
    throw Failure(status_failed_report, "cannot write the report to " + file + ": " + std::strerror(errno) +
                                            "; name another file with -O");
}

} // namespace

void write_stdout(const std::string &text, int status) {
    if (!write_all(STDOUT_FILENO, text)) {
        fail_stdout(status);
    }
}

void write_stdout(const TextSource &write) {
    Pieces pieces(STDOUT_FILENO);
    write([&](std::string_view piece) {
        if (!pieces.add(piece)) {
            fail_stdout(status_failed_report);
        }
    });
    if (!pieces.flush()) {
        fail_stdout(status_failed_report);
    }
}

void write_output(const std::string &file, const TextSource &write) {
    const int descriptor = open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (descriptor < 0) {
        fail_file(file);
    }
    Pieces pieces(descriptor);
    write([&](std::string_view piece) {
        if (!pieces.add(piece)) {
            fail_file(file);
        }
    });
    // A network disk may say only as it is closed that it is full.
    if (!pieces.flush() || close(descriptor) != 0) {
        fail_file(file);
    }
}

} // namespace flockstat::cli
