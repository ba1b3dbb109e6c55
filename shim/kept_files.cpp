#include "shim/kept_files.h"

#include "shim/fork_epoch.h"
#include "shim/origin.h"
#include "shim/run.h"

namespace flockstat::shim {
namespace {

/// Something was passed on before there was an arena to say so.
bool passed_early = false;

struct Bit {
    unsigned word;
    std::uint64_t mask;
};

Bit bit_of(const FileIdentity &file) {
    const std::uint64_t hash = (file.inode ^ (std::uint64_t{file.device_minor} << 32U) ^
                                static_cast<std::uint64_t>(file.birth_nanoseconds)) *
                               0x9E3779B97F4A7C15U;
    constexpr unsigned words = sizeof(record::FileSet::words) / sizeof(std::uint64_t);
    return {static_cast<unsigned>(hash >> 32U) % words, std::uint64_t{1} << (hash >> 58U)};
}

void put_into(record::FileSet record::Header::*set, const FileIdentity &file) {
    auto *header = reinterpret_cast<record::Header *>(run.arena.base);
    const Bit bit = bit_of(file);
    std::uint64_t &word = (header->*set).words[bit.word];
    if ((__atomic_load_n(&word, __ATOMIC_RELAXED) & bit.mask) == 0) {
        __atomic_fetch_or(&word, bit.mask, __ATOMIC_RELAXED);
    }
}

bool is_in(const record::FileSet record::Header::*set, const FileIdentity &file) {
    const auto *header = reinterpret_cast<const record::Header *>(run.arena.base);
    const Bit bit = bit_of(file);
    return header != nullptr &&
           (__atomic_load_n(&(header->*set).words[bit.word], __ATOMIC_RELAXED) & bit.mask) != 0;
}

} // namespace

void note_passed(int descriptor) {
    doubt_origin(descriptor);
    FileIdentity file;
    bool unlinked = false;
    if (run.arena.base == nullptr) {
        passed_early = true;
    } else if (identify(descriptor, &file, &unlinked)) {
        put_into(&record::Header::passed, file);
    }
    // What was this process's alone until now is so no longer.
    __atomic_fetch_add(&flockstat_fork_epoch, 1U, __ATOMIC_RELAXED);
}

bool was_passed(const FileIdentity &file) { return passed_early || is_in(&record::Header::passed, file); }

void note_mapped(int descriptor) {
    const bool alone = is_made_here(descriptor) && fork_epoch() == run.first_epoch;
    FileIdentity file;
    bool unlinked = false;
    if (run.arena.base != nullptr && !alone && identify(descriptor, &file, &unlinked)) {
        note_mapped_file(file);
    }
}

void note_mapped_file(const FileIdentity &file) {
    if (run.arena.base != nullptr) {
        put_into(&record::Header::mapped, file);
    }
}

bool was_mapped(const FileIdentity &file) { return is_in(&record::Header::mapped, file); }

} // namespace flockstat::shim
