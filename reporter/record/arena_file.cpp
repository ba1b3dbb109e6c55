#include "reporter/record/arena_file.h"

#include "reporter/record/chain.h"
#include "reporter/record/clock.h"
#include "reporter/record/system_call.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/vfs.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 // Linux 5.14
#endif

namespace flockstat::record {
namespace {

/// Memory becomes real in steps of this: one madvise for many small records.
constexpr std::uint64_t real_step = 64U << 10U;

struct ArenaPath {
    char text[max_arena_path_bytes];
};

/// Reads up to `room` bytes of a small file, NUL-terminates, and cuts at the first newline. Empty where it
/// cannot.
void read_line(const char *path, char *out, std::size_t room) {
    out[0] = '\0';
    const long fd = system_call(SYS_openat, AT_FDCWD, address_of(path), O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return;
    }
    const long got = system_call(SYS_read, fd, address_of(out), static_cast<long>(room - 1));
    system_call(SYS_close, fd);
    out[got > 0 ? got : 0] = '\0';
    if (char *newline = std::strchr(out, '\n'); newline != nullptr) {
        *newline = '\0';
    }
}

/// A write beyond RLIMIT_FSIZE is a SIGXFSZ, which kills: look before, ftruncate counts as a write.
bool file_size_allowed(std::uint64_t bytes) {
    rlimit64 limit{};
    if (system_call(SYS_prlimit64, 0, RLIMIT_FSIZE, 0, address_of(&limit)) < 0) {
        return true;
    }
    return limit.rlim_cur == RLIM64_INFINITY || limit.rlim_cur >= bytes;
}

/// Gives [from, to) real memory. On kernels before 5.14 madvise knows no MADV_POPULATE_WRITE: those arenas
/// were made real as a whole when they were created (see make_real).
int populate(char *base, std::uint64_t from, std::uint64_t to) {
    const std::uint64_t page_mask = 4095;
    const std::uint64_t start = from & ~page_mask;
    const long result = system_call(SYS_madvise, address_of(base + start), static_cast<long>(to - start),
                                    MADV_POPULATE_WRITE);
    return static_cast<int>(-result);
}

/// Makes the header real, or, where the kernel cannot do it piece by piece, all of it.
int make_real(int fd, const Mapping &arena, std::uint64_t *real_bytes) {
    const std::uint64_t first = (sizeof(Header) + real_step) & ~(real_step - 1);
    *real_bytes = first < arena.bytes ? first : arena.bytes;
    const int fault = populate(arena.base, 0, *real_bytes);
    if (fault != EINVAL) {
        return fault;
    }
    *real_bytes = arena.bytes;
    return static_cast<int>(-system_call(SYS_fallocate, fd, 0, 0, static_cast<long>(arena.bytes)));
}

void fill_header(const NewArena &wanted, const Mapping &arena, std::uint64_t real_bytes) {
    auto *header = reinterpret_cast<Header *>(arena.base);
    header->version = arena_version;
    header->header_bytes = sizeof(Header);
    header->arena_bytes = arena.bytes;
    header->run_id = wanted.run.run_id;
    header->clock = choose_clock();
    header->options = wanted.options;
    header->started = read_clocks(header->clock);
    header->latest = header->started;
    header->first_pid = wanted.first_pid;
    header->heap_next = (sizeof(Header) + 63U) & ~std::uint64_t{63};
    header->heap_real = real_bytes;
    read_line("/proc/sys/kernel/random/boot_id", header->boot_id, sizeof header->boot_id);
    utsname names{};
    if (system_call(SYS_uname, address_of(&names)) == 0) {
        std::strncpy(header->host, names.nodename, sizeof header->host - 1);
    }
    header->command = intern_string(arena, wanted.command);
    header->directory = intern_string(arena, wanted.run.directory);
    std::memcpy(header->magic, arena_magic, sizeof arena_magic);
}

int map_file(int fd, std::uint64_t bytes, Mapping *out) {
    const long base =
        system_call(SYS_mmap, 0, static_cast<long>(bytes), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (base < 0 && base > -4096) {
        return static_cast<int>(-base);
    }
    out->base = reinterpret_cast<char *>(base);
    out->bytes = bytes;
    system_call(SYS_madvise, base, static_cast<long>(bytes), MADV_DONTDUMP);
    return 0;
}

void unmap(Mapping *arena) {
    system_call(SYS_munmap, address_of(arena->base), static_cast<long>(arena->bytes));
    *arena = {};
}

/// Fills the open, empty file `fd` and gives it its final name; another process may have been faster.
int complete_file(const NewArena &wanted, int fd, const char *temporary, const char *final, Mapping *out) {
    if (const long failed = system_call(SYS_ftruncate, fd, static_cast<long>(wanted.bytes)); failed < 0) {
        return static_cast<int>(-failed);
    }
    if (wanted.all_users) {
        system_call(SYS_fchmod, fd, 0666);
    }
    if (const int fault = map_file(fd, wanted.bytes, out); fault != 0) {
        return fault;
    }
    std::uint64_t real_bytes = 0;
    int fault = make_real(fd, *out, &real_bytes);
    if (fault == 0) {
        fill_header(wanted, *out, real_bytes);
        // link, not rename: it fails where the name is taken, on every file system.
        fault = static_cast<int>(
            -system_call(SYS_linkat, AT_FDCWD, address_of(temporary), AT_FDCWD, address_of(final), 0));
    }
    if (fault != 0) {
        unmap(out);
    }
    return fault;
}

/// May this file be mapped as the run's arena? Root may read everybody's; others their own, or one that was
/// made for all users.
int check_file(int fd, std::uint64_t *bytes) {
    struct stat64 facts {};
    if (const long failed =
            system_call(SYS_newfstatat, fd, address_of(""), address_of(&facts), AT_EMPTY_PATH);
        failed < 0) {
        return static_cast<int>(-failed);
    }
    if (!S_ISREG(facts.st_mode)) {
        return EINVAL;
    }
    const auto user = static_cast<uid_t>(system_call(SYS_geteuid));
    if (facts.st_uid != user && user != 0 && (facts.st_mode & 0777) != 0666) {
        return EPERM;
    }
    *bytes = static_cast<std::uint64_t>(facts.st_size);
    return *bytes < (min_arena_mib << 20U) || *bytes > (max_arena_mib << 20U) ? EINVAL : 0;
}

/// Files in memory are this machine's. What lies elsewhere may be shared by several: then the boot id tells,
/// before anything is mapped.
bool made_by_this_machine(int fd) {
    constexpr long tmpfs = 0x01021994;
    constexpr long ramfs = 0x858458f6;
    struct statfs facts {};
    if (system_call(SYS_fstatfs, fd, address_of(&facts)) == 0 &&
        (facts.f_type == tmpfs || facts.f_type == ramfs)) {
        return true;
    }
    char ours[sizeof Header::boot_id];
    char its[sizeof ours] = {};
    read_line("/proc/sys/kernel/random/boot_id", ours, sizeof ours);
    system_call(SYS_pread64, fd, address_of(its), sizeof its, offsetof(Header, boot_id));
    return std::strncmp(ours, its, sizeof ours) == 0;
}

} // namespace

int create_arena(const NewArena &wanted, Mapping *out) {
    if (!file_size_allowed(wanted.bytes)) {
        return EFBIG;
    }
    ArenaPath final;
    write_arena_path(wanted.run, final.text);
    ArenaPath temporary = final;
    char *end = temporary.text + std::strlen(temporary.text);
    *end++ = '.';
    end = std::to_chars(end, end + 12, static_cast<std::int32_t>(system_call(SYS_gettid))).ptr;
    *end = '\0';
    const long fd = system_call(SYS_openat, AT_FDCWD, address_of(temporary.text),
                                O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        return static_cast<int>(-fd);
    }
    const int fault = complete_file(wanted, static_cast<int>(fd), temporary.text, final.text, out);
    system_call(SYS_unlinkat, AT_FDCWD, address_of(temporary.text), 0);
    system_call(SYS_close, fd);
    return fault;
}

int open_arena(const RunIdentity &run, Mapping *out, Recorder wanted) {
    ArenaPath path;
    write_arena_path(run, path.text);
    const long fd = system_call(SYS_openat, AT_FDCWD, address_of(path.text), O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        return static_cast<int>(-fd);
    }
    std::uint64_t bytes = 0;
    int fault = check_file(static_cast<int>(fd), &bytes);
    if (fault == 0 && wanted == Recorder::this_machine && !made_by_this_machine(static_cast<int>(fd))) {
        fault = EXDEV;
    }
    if (fault == 0) {
        fault = map_file(static_cast<int>(fd), bytes, out);
    }
    system_call(SYS_close, fd);
    if (fault != 0) {
        return fault;
    }
    const auto *header = reinterpret_cast<const Header *>(out->base);
    if (std::memcmp(header->magic, arena_magic, sizeof arena_magic) != 0 ||
        header->version != arena_version || header->header_bytes != sizeof(Header) ||
        header->arena_bytes != bytes || header->run_id != run.run_id) {
        unmap(out);
        return EINVAL;
    }
    return 0;
}

Ref intern_string(const Mapping &arena, std::string_view text) {
    const std::size_t bytes = text.size() < max_string_bytes ? text.size() : max_string_bytes;
    const std::uint32_t hash = hash_bytes(text.data(), bytes);
    auto *header = reinterpret_cast<Header *>(arena.base);
    return intern<String>(
        arena, &header->string_heads[hash % string_chains], hash, offsetof(String, text) + bytes + 1,
        [&](const String &other) {
            return other.bytes == bytes &&
                   reinterpret_cast<const char *>(&other) + offsetof(String, text) + bytes <
                       arena.base + arena.bytes &&
                   std::memcmp(other.text, text.data(), bytes) == 0;
        },
        [&](String *mine) {
            mine->bytes = static_cast<std::uint32_t>(bytes);
            std::memcpy(mine->text, text.data(), bytes);
        });
}

Ref take_room(const Mapping &arena, std::uint64_t bytes, std::uint64_t alignment) {
    auto *header = reinterpret_cast<Header *>(arena.base);
    const std::uint64_t wanted = (bytes + ref_unit - 1) & ~std::uint64_t{ref_unit - 1};
    const std::uint64_t slack = alignment - ref_unit;
    // Looked at first, so that the mark of a full arena does not run on and wrap around, and a request that
    // does not fit takes nothing from smaller ones.
    if (wanted > arena.bytes ||
        __atomic_load_n(&header->heap_next, __ATOMIC_RELAXED) > arena.bytes - wanted) {
        return 0;
    }
    const std::uint64_t taken = __atomic_fetch_add(&header->heap_next, wanted + slack, __ATOMIC_RELAXED);
    const std::uint64_t start = (taken + alignment - 1) & ~(alignment - 1);
    const std::uint64_t end = start + wanted;
    if (start < sizeof(Header) || end < start || end > arena.bytes || start % ref_unit != 0 ||
        start / ref_unit > UINT32_MAX) {
        return 0;
    }
    std::uint64_t real = __atomic_load_n(&header->heap_real, __ATOMIC_ACQUIRE);
    if (end > real) {
        std::uint64_t target = (end + real_step - 1) & ~(real_step - 1);
        target = target < arena.bytes ? target : arena.bytes;
        // From the old mark on, not only our part: whoever sees the new mark takes all below it for real.
        if (populate(arena.base, real < start ? real : start, target) != 0) {
            return 0;
        }
        while (real < target && !__atomic_compare_exchange_n(&header->heap_real, &real, target, true,
                                                             __ATOMIC_RELEASE, __ATOMIC_ACQUIRE)) {}
    }
    return static_cast<Ref>(start / ref_unit);
}

std::uint32_t hash_bytes(const void *data, std::size_t bytes, std::uint32_t seed) {
    const auto *at = static_cast<const unsigned char *>(data); // FNV-1a
    std::uint32_t hash = seed;
    for (std::size_t i = 0; i < bytes; ++i) {
        hash = (hash ^ at[i]) * 16777619U;
    }
    return hash;
}

Clock choose_clock() {
#if defined(__x86_64__)
    // The kernel falls back to another source as soon as it finds the counters unsynchronised or unsteady.
    char source[16];
    read_line("/sys/devices/system/clocksource/clocksource0/current_clocksource", source, sizeof source);
    if (std::strcmp(source, "tsc") == 0) {
        return Clock::tsc;
    }
#endif
    return Clock::monotonic;
}

ClockReading read_clocks(Clock clock) {
    ClockReading best{};
    std::uint64_t best_span = UINT64_MAX;
    for (int i = 0; i < 8; ++i) { // the tightest of a few: an interrupt in between would spoil one
        const std::uint64_t before = read_ticks(clock);
        const std::uint64_t monotonic = monotonic_ns();
        const std::uint64_t after = read_ticks(clock);
        if (after - before < best_span) {
            best_span = after - before;
            best.ticks = clock == Clock::monotonic ? monotonic : before + best_span / 2;
            best.monotonic_ns = monotonic;
            best.realtime_ns = monotonic_ns(CLOCK_REALTIME);
        }
    }
    return best;
}

void renew_clock(const Mapping &arena) {
    auto *header = reinterpret_cast<Header *>(arena.base);
    const ClockReading now = read_clocks(header->clock);
    std::uint64_t sequence = __atomic_load_n(&header->latest_sequence, __ATOMIC_RELAXED);
    if ((sequence & 1U) != 0 ||
        !__atomic_compare_exchange_n(&header->latest_sequence, &sequence, sequence + 1, false,
                                     __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
        return; // somebody else renews it now
    }
    header->latest = now;
    __atomic_store_n(&header->latest_sequence, sequence + 2, __ATOMIC_RELEASE);
}

} // namespace flockstat::record
