// Byte ranges and the regions that they belong to, compared with the kernel and with a model of single bytes.
#include "shim/extents.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cerrno>
#include <deque>
#include <fcntl.h>
#include <random>
#include <set>
#include <string>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

using namespace flockstat::shim;

namespace {

struct Held {
    Range range;
    Mode mode;
    friend bool operator==(const Held &, const Held &) = default;
};

std::ostream &operator<<(std::ostream &out, const Held &held) {
    return out << (held.mode == Mode::shared ? "shared [" : "exclusive [") << held.range.start << ", "
               << held.range.end << "]";
}

/// Appends bytes, joined to the ones before where the kernel does so too: it knows no regions.
void append(std::vector<Held> *list, Range range, Mode mode) {
    if (!list->empty() && list->back().mode == mode && list->back().range.end + 1 == range.start) {
        list->back().range.end = range.end;
    } else {
        list->push_back({range, mode});
    }
}

/// A file that is locked through one open file description, while another one asks the kernel who holds what.
class KernelFile {
public:
    explicit KernelFile(int set_command) : set_command_(set_command) {
        std::string name = "/tmp/flockstat-test-XXXXXX";
        locking_ = mkstemp(name.data());
        asking_ = open(name.c_str(), O_RDWR | O_CLOEXEC);
        unlink(name.c_str());
        REQUIRE(locking_ >= 0);
        REQUIRE(asking_ >= 0);
    }
    ~KernelFile() {
        close(locking_);
        close(asking_);
    }
    KernelFile(const KernelFile &) = delete;
    KernelFile &operator=(const KernelFile &) = delete;

    void set(short type, Range range) const {
        struct flock wanted = flock_of(type, range);
        REQUIRE(fcntl(locking_, set_command_, &wanted) == 0);
    }

    /// All that is held. Locks of another open file description conflict with those of the process too.
    [[nodiscard]] std::vector<Held> held() const {
        std::vector<Held> all;
        Range rest;
        while (true) {
            struct flock answer = flock_of(F_WRLCK, rest);
            REQUIRE(fcntl(asking_, F_OFD_GETLK, &answer) == 0);
            if (answer.l_type == F_UNLCK) {
                return all;
            }
            const Range range{answer.l_start,
                              answer.l_len == 0 ? INT64_MAX : answer.l_start + (answer.l_len - 1)};
            append(&all, range, answer.l_type == F_RDLCK ? Mode::shared : Mode::exclusive);
            if (range.end == INT64_MAX) {
                return all;
            }
            rest.start = range.end + 1;
        }
    }

private:
    static struct flock flock_of(short type, Range range) {
        struct flock wanted {};
        wanted.l_type = type;
        wanted.l_whence = SEEK_SET;
        wanted.l_start = range.start;
        wanted.l_len = range.end == INT64_MAX ? 0 : range.end - range.start + 1;
        return wanted;
    }

    int set_command_;
    int locking_ = -1;
    int asking_ = -1;
};

/// Who has each byte, kept for the stretches between a few boundaries instead of for each byte.
class Model {
public:
    explicit Model(std::vector<std::int64_t> boundaries)
        : boundaries_(std::move(boundaries)), owners_(boundaries_.size(), nullptr) {}

    [[nodiscard]] std::size_t stretches() const { return boundaries_.size(); }

    /// From the first byte of one stretch to the last of another.
    [[nodiscard]] Range range(std::size_t first, std::size_t last) const {
        return {boundaries_[first], last + 1 < boundaries_.size() ? boundaries_[last + 1] - 1 : INT64_MAX};
    }

    /// Gives stretches to `region`, or, where that is null, to nobody. Returns the regions that have none
    /// left.
    std::set<HeldRegion *> change(std::size_t first, std::size_t last, HeldRegion *region) {
        std::set<HeldRegion *> before;
        for (std::size_t i = first; i <= last; ++i) {
            HeldRegion *&owner = owners_[i];
            if (owner != nullptr) {
                before.insert(owner);
            }
            if (region == nullptr || owner == nullptr || owner->mode != region->mode) {
                owner = region;
            }
        }
        std::erase_if(before, [&](const HeldRegion *old) { return has(old); });
        return before;
    }

    [[nodiscard]] bool has(const HeldRegion *region) const {
        return std::find(owners_.begin(), owners_.end(), region) != owners_.end();
    }

    /// Stretches in a row that belong to the same region are one extent.
    [[nodiscard]] std::vector<Extent> extents() const {
        std::vector<Extent> all;
        for (std::size_t i = 0; i < owners_.size(); ++i) {
            if (owners_[i] == nullptr) {
                continue;
            }
            if (i != 0 && owners_[i - 1] == owners_[i]) {
                all.back().range.end = range(i, i).end;
            } else {
                all.push_back({range(i, i), owners_[i]});
            }
        }
        return all;
    }

    [[nodiscard]] bool any_held(std::size_t first, std::size_t last) const {
        return std::any_of(owners_.begin() + static_cast<std::ptrdiff_t>(first),
                           owners_.begin() + static_cast<std::ptrdiff_t>(last) + 1,
                           [](const HeldRegion *owner) { return owner != nullptr; });
    }

private:
    std::vector<std::int64_t> boundaries_; ///< first bytes, ascending, from 0 on
    std::vector<HeldRegion *> owners_;
};

/// The extents, the model and the kernel's file, changed together and compared after each change.
class Trio {
public:
    Trio(int set_command, std::vector<std::int64_t> boundaries)
        : kernel_(set_command), model_(std::move(boundaries)) {}

    void change(std::size_t first, std::size_t last, short type) {
        const Range range = model_.range(first, last);
        CAPTURE(range.start, range.end, type);
        REQUIRE(extents_.overlaps(range) == model_.any_held(first, last));
        kernel_.set(type, range);
        HeldRegion *region = nullptr;
        if (type != F_UNLCK) {
            region = &regions_.emplace_back();
            region->mode = type == F_RDLCK ? Mode::shared : Mode::exclusive;
        }
        const std::set<HeldRegion *> lost = model_.change(first, last, region);
        const Extents::Change change =
            region != nullptr ? extents_.assign(range, region) : extents_.remove(range);
        REQUIRE_FALSE(change.failed);
        REQUIRE(change.took == (region != nullptr && model_.has(region)));
        compare_lost(change.lost, lost);
        compare_extents();
        REQUIRE(held() == kernel_.held());
    }

    [[nodiscard]] std::size_t stretches() const { return model_.stretches(); }
    [[nodiscard]] std::size_t regions_lost() const { return ever_lost_.size(); }
    [[nodiscard]] std::size_t most_extents() const { return most_extents_; }

private:
    void compare_lost(const HeldRegion *list, const std::set<HeldRegion *> &expected) {
        std::size_t count = 0;
        for (; list != nullptr; list = list->next) {
            REQUIRE(expected.contains(const_cast<HeldRegion *>(list)));
            REQUIRE(ever_lost_.insert(list).second);
            ++count;
        }
        REQUIRE(count == expected.size());
    }

    void compare_extents() {
        const std::vector<Extent> expected = model_.extents();
        REQUIRE(extents_.count() == expected.size());
        REQUIRE(extents_.empty() == expected.empty());
        most_extents_ = std::max(most_extents_, expected.size());
        unsigned wrong = 0;
        for (unsigned i = 0; i < expected.size(); ++i) {
            wrong +=
                extents_[i].range == expected[i].range && extents_[i].region == expected[i].region ? 0U : 1U;
            const auto is_same = [&](const Extent &other) { return other.region == expected[i].region; };
            const auto pieces = std::count_if(expected.begin(), expected.end(), is_same);
            wrong += expected[i].region->pieces == static_cast<unsigned>(pieces) ? 0U : 1U;
            const auto first = std::find_if(expected.begin(), expected.end(), is_same);
            const auto last = std::find_if(expected.rbegin(), expected.rend(), is_same);
            wrong +=
                extents_.hull(expected[i].region) == Range{first->range.start, last->range.end} ? 0U : 1U;
        }
        REQUIRE(wrong == 0);
    }

    [[nodiscard]] std::vector<Held> held() const {
        std::vector<Held> all;
        for (unsigned i = 0; i < extents_.count(); ++i) {
            append(&all, extents_[i].range, extents_[i].region->mode);
        }
        return all;
    }

    KernelFile kernel_;
    Model model_;
    Extents extents_;
    std::deque<HeldRegion> regions_;
    std::set<const HeldRegion *> ever_lost_;
    std::size_t most_extents_ = 0;
};

/// Bytes next to each other, stretches of some, and both ends of what a file can have.
std::vector<std::int64_t> few_boundaries() {
    return {0, 1, 2, 3, 4, 5, 6, 7, 8, 20, 21, 4096, 1 << 30, INT64_MAX - 2, INT64_MAX - 1, INT64_MAX};
}

std::vector<std::int64_t> many_boundaries() {
    std::vector<std::int64_t> all;
    for (std::int64_t i = 0; i < 400; ++i) {
        all.push_back(i * 3);
    }
    return all;
}

/// `longest`: how many stretches a change touches at most.
void change_at_random(Trio *trio, std::uint64_t seed, unsigned changes, std::size_t longest) {
    std::mt19937_64 random(seed);
    static constexpr short types[] = {F_RDLCK, F_RDLCK, F_WRLCK, F_WRLCK, F_UNLCK};
    for (unsigned i = 0; i < changes; ++i) {
        const std::size_t first = random() % trio->stretches();
        const std::size_t last = std::min(trio->stretches() - 1, first + random() % longest);
        CAPTURE(seed, i);
        trio->change(first, last, types[random() % std::size(types)]);
    }
}

} // namespace

TEST_CASE("ranges split, merge and convert as the kernel's do") {
    const int command = GENERATE(F_SETLK, F_OFD_SETLK);
    const std::uint64_t seed = GENERATE(1U, 2U, 3U, 4U);
    SECTION("a few bytes") {
        Trio trio(command, few_boundaries());
        change_at_random(&trio, seed, 1'500, 8);
        CHECK(trio.regions_lost() > 500);
    }
    SECTION("many ranges of one file") {
        Trio trio(command, many_boundaries());
        change_at_random(&trio, seed, 400, 3);
        CHECK(trio.most_extents() > 130); // grown beyond the first mapping
        change_at_random(&trio, seed + 100, 60, 400);
        CHECK(trio.regions_lost() > 200);
    }
}

TEST_CASE("bytes that are held in that mode already stay with their region") {
    Extents extents;
    HeldRegion whole, again, middle;
    whole.mode = again.mode = Mode::shared;
    middle.mode = Mode::exclusive;
    CHECK(extents.assign({0, 99}, &whole).took);
    CHECK_FALSE(extents.assign({10, 19}, &again).took);
    CHECK(again.pieces == 0);
    CHECK(extents.count() == 1);
    SECTION("a conversion in the middle leaves two pieces of the old region") {
        const Extents::Change change = extents.assign({40, 59}, &middle);
        CHECK(change.took);
        CHECK(change.lost == nullptr);
        CHECK(whole.pieces == 2);
        CHECK(extents.hull(&whole) == Range{0, 99});
        CHECK(extents.remove({0, 39}).lost == nullptr);
        const Extents::Change last = extents.remove({50, 200});
        CHECK(last.lost == &whole);
        CHECK(whole.next == nullptr);
        CHECK(extents.hull(&middle) == Range{40, 49});
    }
    SECTION("what lies beside them is the new region's") {
        CHECK(extents.assign({90, 109}, &again).took);
        CHECK(extents.count() == 2);
        CHECK(extents[0].range == Range{0, 99});
        CHECK(extents[1].range == Range{100, 109});
        CHECK(extents[1].region == &again);
    }
}

TEST_CASE("removing what nobody holds changes nothing") {
    Extents extents;
    const Extents::Change change = extents.remove({0, INT64_MAX});
    CHECK_FALSE(change.took);
    CHECK_FALSE(change.failed);
    CHECK(change.lost == nullptr);
    CHECK(extents.empty());
    CHECK_FALSE(extents.overlaps({0, INT64_MAX}));
}

TEST_CASE("without memory a change fails as a whole") {
    // In a child: there is no memory for the rest of the process either.
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        const rlimit none{0, 0};
        setrlimit(RLIMIT_AS, &none);
        Extents extents;
        HeldRegion regions[200];
        for (unsigned i = 0; i < std::size(regions); ++i) {
            const std::int64_t start = 10 * static_cast<std::int64_t>(i);
            const Extents::Change change = extents.assign({start, start + 5}, &regions[i]);
            if (change.failed) { // some fit without
                const bool unchanged = extents.count() == i && regions[i].pieces == 0 && !change.took &&
                                       change.lost == nullptr && extents[i - 1].region == &regions[i - 1];
                _exit(unchanged && i > 1 ? 0 : 1);
            }
        }
        _exit(2);
    }
    int status = -1;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(status == 0);
}
