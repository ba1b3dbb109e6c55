#include "reporter/analyze/samples_sum.h"

#include <catch2/catch.hpp>
#include <map>
#include <random>

using namespace flockstat::reporter;

namespace {

void check_equal(const Samples &a, const Samples &b) {
    CHECK(a.count == b.count);
    CHECK(a.sum_ns == b.sum_ns);
    CHECK(a.min_ns == b.min_ns);
    CHECK(a.max_ns == b.max_ns);
    CHECK(a.last_ns == b.last_ns);
    CHECK(a.last_at_ns == b.last_at_ns);
    REQUIRE(a.values.size() == b.values.size());
    for (std::size_t i = 0; i < a.values.size(); ++i) {
        CHECK(a.values[i].value_ns == b.values[i].value_ns);
        CHECK(a.values[i].count == b.values[i].count);
    }
}

} // namespace

TEST_CASE("samples that are summed up together are the samples added one by one", "[samples]") {
    std::mt19937_64 random(7); // NOLINT(cert-msc32-c,cert-msc51-cpp): the same ones each time
    SamplesSum sum;
    Samples one_by_one;
    std::map<std::uint64_t, std::uint64_t> counted;
    for (std::int64_t i = 0; i < 5'000; ++i) {
        Samples some;
        const std::uint64_t many = random() % 9;
        for (std::uint64_t n = 0; n < many; ++n) {
            const std::uint64_t value_ns = random() % 3'000;
            some.add(value_ns, i);
            ++counted[value_ns];
        }
        sum.add(some);
        one_by_one.merge(some);
    }
    check_equal(sum.sum(), one_by_one);
    check_equal(sum.sum(), one_by_one); // whenever it is asked for
    REQUIRE(one_by_one.values.size() == counted.size());
    for (const ValueCount &value : one_by_one.values) {
        CHECK(value.count == counted.at(value.value_ns));
    }
    CHECK(SamplesSum().sum().count == 0);
}

TEST_CASE("a summary without its distribution has everything else", "[samples]") {
    Samples all;
    Samples summary;
    for (const std::uint64_t value_ns : {5U, 3U, 9U}) {
        all.add(value_ns, 1);
        summary.merge_summary(one_sample(value_ns, 1));
    }
    CHECK(summary.values.empty());
    CHECK(summary.min_ns == 3);
    all.values.clear();
    check_equal(summary, all);
}
