#include "reporter/write/sink_file.h"

#include "reporter/write/event_sink.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>
#include <utility>

namespace flockstat::reporter {
namespace {

constexpr std::size_t most_pending = 1U << 20U;

} // namespace

SinkFile::SinkFile(std::filesystem::path file)
    : file_(std::move(file)),
      descriptor_(open(file_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)) {
    if (descriptor_ < 0) {
        throw SinkError("cannot write events to " + file_.string() + ": " + std::strerror(errno) +
                        "; name another file");
    }
}

SinkFile::~SinkFile() { close(descriptor_); }

void SinkFile::add(std::string_view bytes) {
    pending_ += bytes;
    if (pending_.size() > most_pending) {
        flush();
    }
}

void SinkFile::flush() {
    std::string_view left = pending_;
    while (!left.empty()) {
        const ssize_t wrote = write(descriptor_, left.data(), left.size());
        if (wrote < 0 && errno == EINTR) {
            continue;
        }
        if (wrote <= 0) {
            const int error = errno;
            pending_.clear();
            throw SinkError("cannot write events to " + file_.string() + ": " + std::strerror(error) +
                            "; those of this window are missing there");
        }
        left.remove_prefix(static_cast<std::size_t>(wrote));
    }
    pending_.clear();
}

} // namespace flockstat::reporter
