// Random byte-range requests through the shim's own calls; after each the extents are compared with the
// kernel's list of locks, which another process enumerates with F_GETLK.
#include "shim/open_file.h"
#include "shim/watched_call.h"
#include "tests/support/forked.h"
#include "tests/unit/recording.h"

#include <catch2/catch.hpp>

#include <array>
#include <fcntl.h>
#include <memory>
#include <random>
#include <unistd.h>

using namespace flockstat;
using namespace flockstat::test;
using shim::Family;
using shim::Mode;

namespace {

/// One stretch of bytes held in one mode; `last` is INT64_MAX to the end of the file and beyond.
struct Stretch {
    std::int64_t first, last;
    bool exclusive;
    friend bool operator==(const Stretch &, const Stretch &) = default;
};

std::ostream &operator<<(std::ostream &out, const Stretch &stretch) {
    return out << (stretch.exclusive ? 'w' : 'r') << stretch.first << '-' << stretch.last;
}

/// Where the other process holds a shared lock of its own, so that some requests are refused.
constexpr std::int64_t others_first = 60;
constexpr std::int64_t others_bytes = 5;

struct flock request_for(short type, std::int64_t start, std::int64_t length, short whence = SEEK_SET) {
    struct flock request {};
    request.l_type = type;
    request.l_whence = whence;
    request.l_start = start;
    request.l_len = length;
    return request;
}

/// A process that tells, for each byte written to it, what stands in the way of a lock on the whole file.
class Kernel {
public:
    explicit Kernel(const std::filesystem::path &file) {
        if (pipe(ask_) != 0 || pipe(answer_) != 0) {
            throw std::runtime_error("no pipe");
        }
        child_ = std::make_unique<Forked>([&] { return serve(file); });
        ::close(ask_[0]);
        ::close(answer_[1]);
        (void)held(); // it has its own lock now
    }
    Kernel(const Kernel &) = delete;
    Kernel &operator=(const Kernel &) = delete;
    ~Kernel() {
        ::close(ask_[1]);
        ::close(answer_[0]);
    }

    [[nodiscard]] std::vector<Stretch> held() const {
        std::size_t count = 0;
        if (write(ask_[1], "?", 1) != 1 || ::read(answer_[0], &count, sizeof count) != sizeof count) {
            throw std::runtime_error("the other process is gone");
        }
        std::vector<Stretch> all(count);
        const auto bytes = static_cast<ssize_t>(count * sizeof(Stretch));
        if (count != 0 && ::read(answer_[0], all.data(), count * sizeof(Stretch)) != bytes) {
            throw std::runtime_error("the other process is gone");
        }
        return all;
    }

private:
    int serve(const std::filesystem::path &file) const {
        ::close(ask_[1]); // its own copy, or it would never see the end
        const int descriptor = open(file.c_str(), O_RDWR | O_CLOEXEC);
        struct flock own = request_for(F_RDLCK, others_first, others_bytes);
        if (fcntl(descriptor, F_SETLK, &own) != 0) {
            return 1;
        }
        char byte = 0;
        while (::read(ask_[0], &byte, 1) == 1) {
            const std::vector<Stretch> all = enumerate(descriptor);
            const std::size_t count = all.size();
            if (write(answer_[1], &count, sizeof count) < 0 ||
                write(answer_[1], all.data(), count * sizeof(Stretch)) < 0) {
                return 2;
            }
        }
        return 0;
    }

    static std::vector<Stretch> enumerate(int descriptor) {
        std::vector<Stretch> all;
        std::int64_t from = 0;
        for (;;) {
            struct flock query = request_for(F_WRLCK, from, 0);
            if (fcntl(descriptor, F_GETLK, &query) != 0 || query.l_type == F_UNLCK) {
                return all;
            }
            const std::int64_t last = query.l_len == 0 ? INT64_MAX : query.l_start + query.l_len - 1;
            all.push_back({query.l_start, last, query.l_type == F_WRLCK});
            if (last == INT64_MAX) {
                return all;
            }
            from = last + 1;
        }
    }

    int ask_[2] = {}, answer_[2] = {};
    std::unique_ptr<Forked> child_;
};

/// The shim's view, with neighbours of one mode joined as the kernel joins them.
std::vector<Stretch> stretches_of(const shim::Extents &extents) {
    std::vector<Stretch> all;
    for (unsigned i = 0; i < extents.count(); ++i) {
        const Stretch next{extents[i].range.start, extents[i].range.end,
                           extents[i].region->mode == Mode::exclusive};
        if (!all.empty() && all.back().last + 1 == next.first && all.back().exclusive == next.exclusive) {
            all.back().last = next.last;
        } else {
            all.push_back(next);
        }
    }
    return all;
}

/// What other processes see of it in the arena: the hull of each region.
bool slots_agree(const shim::Extents &extents) {
    for (unsigned i = 0; i < extents.count(); ++i) {
        const shim::Range hull = extents.hull(extents[i].region);
        const record::Region *live = extents[i].region->live;
        if (live == nullptr || live->range_start != hull.start || live->range_end != hull.end) {
            return false;
        }
    }
    return true;
}

/// Makes random requests on one descriptor.
class Requester {
public:
    Requester(unsigned seed, int descriptor, Family family)
        : random_(seed), descriptor_(descriptor), family_(family) {}

    /// Makes the next request. Returns what it was.
    std::string next() {
        if (pick(20) == 0) { // what SEEK_END and SEEK_CUR count from
            const std::int64_t size = pick(120);
            const std::int64_t position = pick(120);
            REQUIRE((ftruncate(descriptor_, size) == 0 && lseek(descriptor_, position, SEEK_SET) >= 0));
            return "size " + std::to_string(size) + ", position " + std::to_string(position);
        }
        return family_ == Family::posix && pick(4) == 0 ? next_lockf() : next_fcntl();
    }

private:
    std::int64_t pick(int below) { return std::uniform_int_distribution<int>(0, below - 1)(random_); }

    void issue(const flockstat_request &request, const shim::LockCall &call) {
        (void)shim::watched_call(request, call, {});
    }

    std::string next_fcntl() {
        const short type = std::array<short, 3>{F_RDLCK, F_WRLCK, F_UNLCK}[static_cast<std::size_t>(pick(3))];
        const short whence =
            std::array<short, 3>{SEEK_SET, SEEK_CUR, SEEK_END}[static_cast<std::size_t>(pick(3))];
        const std::int64_t start = whence == SEEK_SET ? pick(120) - 5 : pick(80) - 40;
        const std::int64_t length = pick(8) == 0 ? 0 : pick(60) - 20;
        struct flock range = request_for(type, start, length, whence);
        // A write lock may meet the other process's, and would wait for ever.
        const bool may_wait = type != F_WRLCK && pick(2) == 0;
        const int command = family_ == Family::posix ? (may_wait ? F_SETLKW : F_SETLK)
                                                     : (may_wait ? F_OFD_SETLKW : F_OFD_SETLK);
        issue({flockstat_entry_fcntl, descriptor_, command, &range, 0}, shim::decode_fcntl(command));
        return "fcntl type " + std::to_string(type) + " whence " + std::to_string(whence) + " start " +
               std::to_string(start) + " length " + std::to_string(length);
    }

    std::string next_lockf() {
        const int function = pick(2) == 0 ? F_TLOCK : F_ULOCK;
        const std::int64_t length = pick(60) - 30;
        issue({flockstat_entry_lockf, descriptor_, function, nullptr, length}, shim::decode_lockf(function));
        return "lockf " + std::to_string(function) + " length " + std::to_string(length);
    }

    std::mt19937 random_;
    int descriptor_;
    Family family_;
};

void compare_with_kernel(Family family, unsigned seed, int requests) {
    Recording recording;
    ::close(recording.open("a"));
    const Kernel kernel(recording.path("a")); // before there is a descriptor that it could inherit
    const int descriptor = recording.open("a");
    Requester requester(seed, descriptor, family);
    std::size_t most = 0;
    std::string before;
    for (int i = 0; i < requests; ++i) {
        std::string what = requester.next();
        const std::vector<Stretch> held = kernel.held();
        const shim::OpenFile *open_file = shim::peek_descriptor(descriptor);
        static const shim::Extents none{};
        const shim::Extents &extents = open_file == nullptr      ? none
                                       : family == Family::posix ? open_file->file->posix
                                                                 : open_file->ofd;
        most = std::max(most, held.size());
        if (stretches_of(extents) == held && (extents.count() > 16 || slots_agree(extents))) {
            before = std::move(what);
            continue;
        }
        INFO("seed " << seed << ", request " << i << ": " << what << ", after " << before);
        CHECK(stretches_of(extents) == held);
        REQUIRE(slots_agree(extents));
    }
    CHECK(most > 3); // it was worth looking at
    recording.close(descriptor);
    CHECK(kernel.held().empty());
    CHECK(shim::files_with_posix_locks == 0);
}

} // namespace

TEST_CASE("after each of thousands of requests the extents are the kernel's") {
    for (const unsigned seed : {1U, 22U, 333U}) {
        compare_with_kernel(Family::posix, seed, 2000);
        compare_with_kernel(Family::ofd, seed, 2000);
    }
}
