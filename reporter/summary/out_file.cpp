#include "reporter/summary/out_file.h"

#include "reporter/record/clock.h"
#include "reporter/record/system_call.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22 // Linux 5.14
#endif

namespace flockstat::summary {
namespace {

using record::address_of;
using record::system_call;

constexpr std::uint64_t page = 4096;

char *append(char *out, std::string_view text) {
    std::memcpy(out, text.data(), text.size());
    return out + text.size();
}

std::uint64_t file_size_limit() {
    rlimit64 limit{};
    const long failed = system_call(SYS_prlimit64, 0, RLIMIT_FSIZE, 0, address_of(&limit));
    return failed < 0 ? UINT64_MAX : limit.rlim_cur;
}

bool is_zero(const char *data, std::size_t bytes) {
    // Each byte equals the one before it, and the first is 0.
    return bytes == 0 || (data[0] == 0 && std::memcmp(data, data + 1, bytes - 1) == 0);
}

} // namespace

OutFile::OutFile(std::string_view directory, std::string_view name, std::span<char> room)
    : name_(room.data()), aside_(name_ + file_path_bytes), buffer_(room.subspan(2 * file_path_bytes)),
      limit_(file_size_limit()) {
    if (directory.size() >= record::max_path_bytes - 1 || name.size() > 32) {
        error_ = ENAMETOOLONG;
        return;
    }
    char *end = append(append(append(name_, directory), "/"), name);
    *end = '\0';
    end = append(append(append(append(aside_, directory), "/."), name), ".");
    end = std::to_chars(end, end + 12, static_cast<std::int32_t>(system_call(SYS_gettid))).ptr;
    *end++ = '.'; // other hosts have threads of that number
    end = std::to_chars(end, end + 20, record::monotonic_ns()).ptr;
    *end = '\0';
    const long fd = system_call(SYS_openat, AT_FDCWD, address_of(aside_),
                                O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    fd_ = static_cast<int>(fd);
    error_ = fd < 0 ? static_cast<int>(-fd) : 0;
}

OutFile::~OutFile() {
    if (fd_ >= 0) {
        system_call(SYS_close, fd_);
        system_call(SYS_unlinkat, AT_FDCWD, address_of(aside_), 0);
    }
}

bool OutFile::fits(std::uint64_t end) {
    if (end > limit_ && error_ == 0) {
        error_ = EFBIG;
    }
    return error_ == 0;
}

void OutFile::put(std::string_view text) {
    while (!text.empty()) {
        if (used_ == buffer_.size()) {
            flush();
        }
        const std::size_t part = std::min(text.size(), buffer_.size() - used_);
        std::memcpy(buffer_.data() + used_, text.data(), part);
        used_ += part;
        text.remove_prefix(part);
    }
}

void OutFile::put_repeated(char c, std::size_t times) {
    while (times-- > 0) {
        put(c);
    }
}

void OutFile::put_hex(std::uint64_t number) {
    char digits[16];
    const char *end = std::to_chars(digits, digits + sizeof digits, number, 16).ptr;
    put({digits, static_cast<std::size_t>(end - digits)});
}

void OutFile::flush() {
    const char *data = buffer_.data();
    std::size_t left = used_;
    used_ = 0;
    while (left > 0 && fits(written_ + left)) {
        const long wrote = system_call(SYS_write, fd_, address_of(data), static_cast<long>(left));
        if (wrote == -EINTR) {
            continue;
        }
        if (wrote <= 0) {
            error_ = wrote < 0 ? static_cast<int>(-wrote) : EIO;
            return;
        }
        data += wrote;
        left -= static_cast<std::size_t>(wrote);
        written_ += static_cast<std::uint64_t>(wrote);
    }
}

void OutFile::put_at(std::uint64_t offset, const char *data, std::size_t bytes) {
    while (bytes > 0 && fits(offset + bytes)) {
        const long wrote = system_call(SYS_pwrite64, fd_, address_of(data), static_cast<long>(bytes),
                                       static_cast<long>(offset));
        if (wrote == -EINTR) {
            continue;
        }
        if (wrote <= 0) {
            error_ = wrote < 0 ? static_cast<int>(-wrote) : EIO;
            return;
        }
        data += wrote;
        offset += static_cast<std::uint64_t>(wrote);
        bytes -= static_cast<std::size_t>(wrote);
    }
}

void OutFile::set_size(std::uint64_t bytes) {
    if (fits(bytes)) {
        error_ = static_cast<int>(-system_call(SYS_ftruncate, fd_, static_cast<long>(bytes)));
    }
}

int OutFile::finish() {
    if (error_ == 0) {
        flush();
    }
    if (error_ != 0) {
        return error_;
    }
    // A full network disk may say so only here.
    error_ = static_cast<int>(-system_call(SYS_close, fd_));
    fd_ = -1;
    if (error_ == 0) {
        error_ = static_cast<int>(
            -system_call(SYS_renameat, AT_FDCWD, address_of(aside_), AT_FDCWD, address_of(name_)));
    }
    if (error_ != 0) {
        system_call(SYS_unlinkat, AT_FDCWD, address_of(aside_), 0);
    }
    return error_;
}

std::uint64_t readable_bytes(const record::Mapping &arena) {
    if (arena.bytes < sizeof(record::Header)) {
        return 0;
    }
    const auto *header = reinterpret_cast<const record::Header *>(arena.base);
    const std::uint64_t claimed = __atomic_load_n(&header->heap_real, __ATOMIC_ACQUIRE);
    const std::uint64_t real = std::clamp<std::uint64_t>(claimed, sizeof(record::Header), arena.bytes);
    const long failed = system_call(SYS_madvise, address_of(arena.base),
                                    static_cast<long>((real + page - 1) & ~(page - 1)), MADV_POPULATE_READ);
    return failed == 0 || failed == -EINVAL ? real : 0; // kernels that do not know it made all of it real
}

int copy_arena(const record::Mapping &arena, std::string_view directory, std::string_view name,
               std::span<char> room) {
    const std::uint64_t real = readable_bytes(arena);
    if (real == 0) {
        return ENOMEM;
    }
    OutFile file(directory, name, room);
    file.set_size(arena.bytes);
    std::uint64_t start = 0; // of the pages that are to be written
    std::uint64_t at = 0;
    while (at < real) {
        const std::uint64_t bytes = std::min(page, real - at);
        if (is_zero(arena.base + at, bytes)) {
            file.put_at(start, arena.base + start, at - start);
            start = at + bytes;
        }
        at += bytes;
    }
    file.put_at(start, arena.base + start, at - start);
    return file.finish();
}

} // namespace flockstat::summary
