#include "reporter/write/sink_file.h"

#include "reporter/write/event_sink.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace flockstat::reporter {
namespace {

constexpr std::size_t most_pending = 1U << 20U;

} // namespace

int write_all(int descriptor, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t wrote = write(descriptor, bytes.data(), bytes.size());
        if (wrote < 0 && errno == EINTR) {
            continue;
        }
        if (wrote <= 0) {
            return wrote < 0 ? errno : EIO;
        }
        bytes.remove_prefix(static_cast<std::size_t>(wrote));
    }
    return 0;
}

namespace {

int open_file(const std::filesystem::path &file, FileKind kind) {
    if (kind == FileKind::of_user) {
        return open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    }
    unlink(file.c_str());
    return open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
}

} // namespace

SinkFile::SinkFile(std::filesystem::path file, FileKind kind)
    : file_(std::move(file)), descriptor_(open_file(file_, kind)) {
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
    const std::string bytes = std::exchange(pending_, {});
    struct stat file {};
    const bool regular = fstat(descriptor_, &file) == 0 && S_ISREG(file.st_mode);
    if (bytes.empty()) {
        return;
    }
    if (regular && file.st_nlink == 0) {
        fail("it was removed");
    }
    const int error = write_all(descriptor_, bytes);
    if (error == 0) {
        return;
    }
    if (regular && ftruncate(descriptor_, file.st_size) == 0) { // a reader would stop at half an event
        lseek(descriptor_, file.st_size, SEEK_SET);
    }
    fail(std::strerror(error));
}

void SinkFile::fail(const std::string &why) const {
    throw SinkError("cannot write events to " + file_.string() + ": " + why +
                    "; those of this window are missing there");
}

} // namespace flockstat::reporter
