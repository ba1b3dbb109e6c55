#include "reporter/read/arena_image.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace flockstat::reporter {
namespace {

class Descriptor {
public:
    explicit Descriptor(int number) : number_(number) {}
    ~Descriptor() {
        if (number_ >= 0) {
            ::close(number_);
        }
    }
    Descriptor(const Descriptor &) = delete;
    Descriptor &operator=(const Descriptor &) = delete;
    [[nodiscard]] int number() const { return number_; }

private:
    int number_;
};

std::string error_text(int error) { return std::generic_category().message(error); }

[[noreturn]] void fail_to_open(const std::filesystem::path &file, int error) {
    std::error_code ignored;
    if (error == ENOENT && std::filesystem::is_symlink(std::filesystem::symlink_status(file, ignored))) {
        throw ReadError(file, "the run's shared memory " +
                                  std::filesystem::read_symlink(file, ignored).string() +
                                  " is gone (removed, or the machine was restarted); record the run again");
    }
    if (error == EACCES) {
        throw ReadError(file,
                        "may not be read: it belongs to another user; run this as that user or as root");
    }
    throw ReadError(file, error_text(error) + "; name a run.flk or a directory that 'flockstat run' made");
}

/// Copies [from, to) of the file, leaving out what is zero: that part of the image is zero already and stays
/// without memory.
void copy_part(int fd, char *base, off_t from, off_t to, const std::filesystem::path &file) {
    constexpr std::size_t step = 64U << 10U;
    static constexpr char zeros[step] = {};
    char buffer[step];
    while (from < to) {
        const auto wanted = static_cast<std::size_t>(std::min<off_t>(to - from, static_cast<off_t>(step)));
        const ssize_t got = ::pread(fd, buffer, wanted, from);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            throw ReadError(file, "cannot be read: " + error_text(errno) +
                                      "; check the disk, or copy the file elsewhere");
        }
        if (got == 0) {
            return; // became shorter meanwhile: the rest reads as zero
        }
        if (std::memcmp(buffer, zeros, static_cast<std::size_t>(got)) != 0) {
            std::memcpy(base + from, buffer, static_cast<std::size_t>(got));
        }
        from += got;
    }
}

/// Copies what the sparse file really holds. Where the file system cannot tell its holes, all of it is data.
void copy_data(int fd, char *base, off_t bytes, const std::filesystem::path &file) {
    off_t at = 0;
    while (at < bytes) {
        const off_t data = ::lseek(fd, at, SEEK_DATA);
        if (data < 0 && errno == ENXIO) {
            return;
        }
        const off_t start = data < 0 ? at : data;
        const off_t hole = data < 0 ? -1 : ::lseek(fd, start, SEEK_HOLE);
        const off_t end = hole < 0 || hole > bytes ? bytes : hole;
        copy_part(fd, base, start, end, file);
        at = end;
    }
}

} // namespace

ArenaImage::ArenaImage(const std::filesystem::path &file) : file_(file) {
    const Descriptor fd(::open(file.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
    if (fd.number() < 0) {
        fail_to_open(file, errno);
    }
    struct stat facts {};
    if (::fstat(fd.number(), &facts) != 0 || !S_ISREG(facts.st_mode)) {
        throw ReadError(file, "is no regular file; name a run.flk or a directory that 'flockstat run' made");
    }
    const auto bytes = static_cast<std::uint64_t>(facts.st_size);
    if (bytes < sizeof(record::Header)) {
        throw ReadError(file, "is no recording of flockstat, or was cut off: it has " +
                                  std::to_string(bytes) + " bytes and the header alone " +
                                  std::to_string(sizeof(record::Header)) +
                                  "; copy it again from where it was recorded, or record the run again");
    }
    reserve(bytes);
    try {
        copy_data(fd.number(), base_, facts.st_size, file);
        check();
    } catch (...) {
        release();
        throw;
    }
}

ArenaImage::ArenaImage(std::span<const std::byte> bytes, std::filesystem::path name)
    : file_(std::move(name)) {
    if (bytes.size() < sizeof(record::Header)) {
        throw ReadError(file_, "is no recording of flockstat: too short");
    }
    reserve(bytes.size());
    std::memcpy(base_, bytes.data(), bytes.size());
    try {
        check();
    } catch (...) {
        release();
        throw;
    }
}

void ArenaImage::reserve(std::uint64_t bytes) {
    void *memory =
        ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        throw ReadError(file_, "does not fit into memory (" + std::to_string(bytes) +
                                   " bytes); read it on a machine with more, or raise ulimit -v");
    }
    base_ = static_cast<char *>(memory);
    bytes_ = bytes;
}

void ArenaImage::check() const {
    const auto &header = *reinterpret_cast<const record::Header *>(base_);
    switch (record::check_arena(base_, bytes_)) {
    case record::ArenaFault::none: return;
    case record::ArenaFault::too_short:
    case record::ArenaFault::not_an_arena:
        throw ReadError(
            file_, "is no recording of flockstat; name a run.flk or a directory that 'flockstat run' made");
    case record::ArenaFault::other_version:
        throw ReadError(file_, "was recorded by another version of flockstat (format " +
                                   std::to_string(header.version) + ", this one reads " +
                                   std::to_string(record::arena_version) +
                                   "); read it with that version, or record the run again");
    case record::ArenaFault::wrong_size:
        throw ReadError(file_, "was cut off or damaged: it has " + std::to_string(bytes_) +
                                   " bytes where its header says " + std::to_string(header.arena_bytes) +
                                   "; copy it again from where it was recorded, or record the run again");
    }
}

void ArenaImage::release() noexcept {
    if (base_ != nullptr) {
        ::munmap(base_, bytes_);
        base_ = nullptr;
    }
}

ArenaImage::ArenaImage(ArenaImage &&other) noexcept
    : file_(std::move(other.file_)), base_(std::exchange(other.base_, nullptr)), bytes_(other.bytes_) {}

ArenaImage &ArenaImage::operator=(ArenaImage &&other) noexcept {
    if (this != &other) {
        release();
        file_ = std::move(other.file_);
        base_ = std::exchange(other.base_, nullptr);
        bytes_ = other.bytes_;
    }
    return *this;
}

ArenaImage::~ArenaImage() { release(); }

} // namespace flockstat::reporter
