#include "reporter/cli/output.h"

#include "reporter/cli/failure.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

namespace flockstat::cli {
namespace {

/// Writes all; false, with errno, where that cannot be.
bool write_all(int descriptor, const std::string &text) {
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

} // namespace

void write_stdout(const std::string &text, int status) {
    if (!write_all(STDOUT_FILENO, text)) {
        throw Failure(status, std::string("cannot write to stdout: ") + std::strerror(errno) +
                                  "; send it somewhere else");
    }
}

void write_output(const std::string &file, const std::string &text) {
    const int descriptor = open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    // A network disk may say only as it is closed that it is full.
    if (descriptor < 0 || !write_all(descriptor, text) || close(descriptor) != 0) {
        throw Failure(status_failed_report, "cannot write the report to " + file + ": " +
                                                std::strerror(errno) + "; name another file with -O");
    }
}

} // namespace flockstat::cli
