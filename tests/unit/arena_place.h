/// Arenas in a temporary directory, and processes that use them at once.
#pragma once

#include "reporter/record/arena_file.h"
#include "reporter/record/arena_view.h"
#include "tests/support/forked.h"
#include "tests/support/places.h"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <random>
#include <set>
#include <string>
#include <sys/mman.h>
#include <thread>
#include <vector>

namespace flockstat::test {

/// A mapping that goes away with its scope.
struct Mapped : record::Mapping {
    Mapped() = default;
    Mapped(const Mapped &) = delete;
    Mapped &operator=(const Mapped &) = delete;
    ~Mapped() {
        if (base != nullptr) {
            munmap(base, bytes);
        }
    }
    [[nodiscard]] record::Header &header() const { return *reinterpret_cast<record::Header *>(base); }
};

/// A directory for arenas, and the arena that a run wants there.
struct Place {
    Place() : arena_directory(directory.path()) {
        wanted.run = {.run_id = 0x1122334455667788,
                      .first_pid = getpid(),
                      .arena_directory = arena_directory,
                      .directory = "/somewhere/run"};
        wanted.bytes = std::uint64_t{2} << 20U;
        wanted.command = std::string_view("make\0all", 8);
        wanted.first_pid = getpid();
    }

    [[nodiscard]] std::filesystem::path file() const { return directory / "flockstat-1122334455667788"; }
    [[nodiscard]] int create(record::Mapping *out) const { return record::create_arena(wanted, out); }
    [[nodiscard]] int open(record::Mapping *out) const { return record::open_arena(wanted.run, out); }
    [[nodiscard]] int open() const {
        Mapped ignored;
        return open(&ignored);
    }
    [[nodiscard]] std::set<std::string> files() const {
        std::set<std::string> names;
        for (const std::filesystem::directory_entry &entry :
             std::filesystem::directory_iterator(directory.path())) {
            names.insert(entry.path().filename());
        }
        return names;
    }

    TempDirectory directory;
    std::string arena_directory;
    record::NewArena wanted;
};

/// Memory that children share with the test.
template<typename Content>
class Shared {
public:
    Shared()
        : content_(new (mmap(nullptr, sizeof(Content), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
                             0)) Content{}) {}
    ~Shared() { munmap(content_, sizeof(Content)); }
    Shared(const Shared &) = delete;
    Shared &operator=(const Shared &) = delete;
    Content *operator->() { return content_; }

private:
    Content *content_;
};

/// Makes them all begin, or go on, at the same moment.
inline void meet(std::atomic<unsigned> *arrived, unsigned everybody) {
    ++*arrived;
    while (*arrived < everybody) {
        std::this_thread::yield();
    }
}

inline std::vector<int> statuses(std::vector<Forked> *children) {
    std::vector<int> all;
    for (Forked &child : *children) {
        all.push_back(child.wait());
    }
    return all;
}

/// Takes all the room that there is, in pieces that are marked as the taker's, and checks them when all are
/// done.
struct RoomTaker {
    struct Piece {
        char *at;
        std::size_t bytes;
    };

    bool take_all(const record::Mapping &arena, unsigned number) {
        mark = static_cast<char>(number + 1);
        std::mt19937 random(number);
        while (true) {
            const std::size_t bytes = 1 + random() % 700;
            const std::uint64_t alignment = std::uint64_t{16} << random() % 3;
            const record::Ref ref = record::take_room(arena, bytes, alignment);
            if (ref == 0) {
                return true;
            }
            const std::uint64_t offset = std::uint64_t{ref} * record::ref_unit;
            if (offset % alignment != 0 || offset < sizeof(record::Header) || offset + bytes > arena.bytes) {
                return false;
            }
            char *at = arena.base + offset;
            if (std::count(at, at + bytes, '\0') != static_cast<std::ptrdiff_t>(bytes)) {
                return false;
            }
            std::fill_n(at, bytes, mark);
            pieces.push_back({at, bytes});
            taken += bytes;
        }
    }

    [[nodiscard]] bool all_intact() const {
        return std::all_of(pieces.begin(), pieces.end(), [&](const Piece &piece) {
            return std::count(piece.at, piece.at + piece.bytes, mark) ==
                   static_cast<std::ptrdiff_t>(piece.bytes);
        });
    }

    char mark = 0;
    std::uint64_t taken = 0;
    std::vector<Piece> pieces;
};

} // namespace flockstat::test
