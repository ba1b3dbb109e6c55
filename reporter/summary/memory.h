/// Working memory of a summary: one mapping, given out piece by piece and returned as a whole.
#pragma once

#include "reporter/record/system_call.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <sys/mman.h>

namespace flockstat::summary {

/// Raw system calls only; async-signal-safe.
class Memory {
public:
    explicit Memory(std::size_t bytes) : bytes_(bytes) {
        const long base = record::system_call(SYS_mmap, 0, static_cast<long>(bytes), PROT_READ | PROT_WRITE,
                                              MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (base < 0 && base > -4096) {
            error_ = static_cast<int>(-base);
        } else {
            base_ = reinterpret_cast<char *>(base);
        }
    }
    Memory(const Memory &) = delete;
    Memory &operator=(const Memory &) = delete;
    ~Memory() {
        if (base_ != nullptr) {
            record::system_call(SYS_munmap, record::address_of(base_), static_cast<long>(bytes_));
        }
    }

    /// 0, or why there is no memory.
    [[nodiscard]] int error() const { return error_; }

    /// Zeroed room for `count` items; fewer, or none, where there is not so much left.
    template<typename Item>
    [[nodiscard]] std::span<Item> take(std::size_t count) {
        used_ = (used_ + alignof(Item) - 1) & ~(alignof(Item) - 1);
        const std::size_t most = used_ < bytes_ && base_ != nullptr ? (bytes_ - used_) / sizeof(Item) : 0;
        const std::size_t given = count < most ? count : most;
        auto *items = reinterpret_cast<Item *>(base_ + used_);
        used_ += given * sizeof(Item);
        return {items, given};
    }

private:
    char *base_ = nullptr;
    std::size_t bytes_;
    std::size_t used_ = 0;
    int error_ = 0;
};

} // namespace flockstat::summary
