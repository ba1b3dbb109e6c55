// Finding accumulators again by what they count.
#include "shim/leaf_index.h"

#include "reporter/record/arena_file.h"

#include <catch2/catch.hpp>

#include <random>
#include <set>
#include <unordered_map>
#include <vector>

using namespace flockstat;
using namespace flockstat::shim;

TEST_CASE("keys of different leaves differ") {
    std::set<std::uint64_t> keys;
    std::size_t count = 0;
    constexpr record::Ref greatest = (std::uint64_t{record::max_arena_mib} << 20U) / record::ref_unit - 1;
    for (const record::Ref lock : {0U, 1U, 2U, 9600U, greatest - 9, greatest - 8}) { // a lock has 8 units
        for (const record::Ref stack : {0U, 1U, 9601U, greatest}) {
            for (unsigned kind = 0; kind < record::leaf_kind_count; ++kind) {
                for (unsigned family = 0; family < record::family_count; ++family) {
                    keys.insert(leaf_key(lock, stack, static_cast<record::LeafKind>(kind),
                                         static_cast<record::Family>(family)));
                }
                // A lock has one family; calls whose lock is not known are told apart by it.
                count += lock == 0 ? record::family_count : 1;
            }
        }
    }
    CHECK(keys.size() == count);
}

TEST_CASE("an empty index knows nothing") {
    LeafIndex index;
    CHECK(index.find(0) == nullptr);
    CHECK(index.find(5) == nullptr);
    index.clear();
    CHECK(index.find(5) == nullptr);
}

TEST_CASE("an index finds what was put in, as a map does") {
    LeafIndex index;
    std::mt19937_64 random(5);
    std::vector<record::Leaf> leaves(20'000);
    for (int round = 0; round < 3; ++round) {
        std::unordered_map<std::uint64_t, record::Leaf *> truth;
        std::vector<std::uint64_t> keys;
        for (record::Leaf &leaf : leaves) {
            // Neighbours, as references are, and far ones.
            const std::uint64_t key = random() % 2 == 0
                                          ? leaf_key(static_cast<record::Ref>(9600 + 8 * keys.size()), 0,
                                                     record::LeafKind::release, record::Family::flock)
                                          : random();
            if (truth.emplace(key, &leaf).second) {
                REQUIRE(index.find(key) == nullptr);
                REQUIRE(index.insert(key, &leaf));
                keys.push_back(key);
            }
        }
        unsigned wrong = 0;
        for (const std::uint64_t key : keys) {
            wrong += index.find(key) == truth.at(key) ? 0U : 1U;
        }
        for (int i = 0; i < 10'000; ++i) {
            const std::uint64_t key = random();
            wrong += index.find(key) == nullptr || truth.contains(key) ? 0U : 1U;
        }
        CHECK(wrong == 0);
        index.clear();
        for (const std::uint64_t key : keys) {
            wrong += index.find(key) == nullptr ? 0U : 1U;
        }
        CHECK(wrong == 0);
    }
}
