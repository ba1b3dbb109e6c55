#include "tests/fuzz/damage.h"

#include <algorithm>
#include <cstring>
#include <string_view>

// libFuzzer's own mutations, which know what the code under test compared.
extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t *data, std::size_t size, std::size_t max_size);

namespace flockstat::fuzz {
namespace {

using record::Header;
using record::Ref;
using record::ref_unit;

constexpr std::size_t most_variants = 24;                    ///< of a format
constexpr std::size_t heap_unit = sizeof(Header) / ref_unit; ///< reference to the heap's start

std::size_t below(Random &random, std::size_t limit) {
    return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random);
}

/// A place in a heap where something stands, if one is found soon.
std::size_t used_place(const std::vector<std::uint8_t> &heap, std::size_t alignment, Random &random) {
    std::size_t at = 0;
    for (int tries = 0; tries < 16; ++tries) {
        at = below(random, heap.size() / alignment) * alignment;
        if (heap[at] != 0) {
            break;
        }
    }
    return at;
}

/// A reference that stands somewhere in the heap already, or one to anywhere in it.
Ref some_ref(const std::vector<std::uint8_t> &heap, Random &random) {
    for (int tries = 0; tries < 16; ++tries) {
        Ref ref = 0;
        std::memcpy(&ref, heap.data() + below(random, heap.size() / 4) * 4, sizeof ref);
        if (ref >= heap_unit && ref < heap_unit + heap.size() / ref_unit) {
            return ref;
        }
    }
    return static_cast<Ref>(heap_unit + below(random, heap.size() / ref_unit + 1));
}

std::uint64_t edge_number(Random &random) {
    constexpr std::uint64_t edges[] = {
        0,      1,      2,          3,          4,          15,          16,        255,         256,
        0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, INT64_MAX, 1ULL << 63U, UINT64_MAX};
    const std::uint64_t edge = edges[below(random, std::size(edges))];
    return below(random, 4) == 0 ? edge - below(random, 16) : edge;
}

void put_ref(std::vector<std::uint8_t> &bytes, const std::vector<std::uint8_t> &heap, Random &random) {
    const Ref ref = below(random, 8) == 0 ? 0 : some_ref(heap, random);
    std::memcpy(bytes.data() + used_place(bytes, 4, random), &ref, sizeof ref);
}

void put_number(std::vector<std::uint8_t> &bytes, Random &random) {
    const std::size_t width = std::size_t{1} << below(random, 4);
    const std::size_t at = used_place(bytes, width, random);
    std::uint64_t number = edge_number(random);
    if (below(random, 3) == 0) { // near what stands there
        std::memcpy(&number, bytes.data() + at, width);
        number += below(random, 2) == 0 ? below(random, 64) : edge_number(random);
    }
    std::memcpy(bytes.data() + at, &number, width);
}

void copy_within(std::vector<std::uint8_t> &heap, Random &random) {
    const std::size_t units = std::min<std::size_t>(1 + below(random, 40), heap.size() / ref_unit);
    const std::size_t last = heap.size() / ref_unit - units + 1;
    std::memmove(heap.data() + below(random, last) * ref_unit, heap.data() + below(random, last) * ref_unit,
                 units * ref_unit);
}

/// A copy of a stretch at the heap's end, and something that refers to it.
void append_copy(std::vector<std::uint8_t> &heap, Random &random) {
    heap.resize((heap.size() + ref_unit - 1) / ref_unit * ref_unit);
    const std::size_t from = used_place(heap, ref_unit, random);
    const std::size_t bytes = std::min(heap.size() - from, (1 + below(random, 32)) * ref_unit);
    if (heap.size() + bytes > max_heap_bytes) {
        return;
    }
    const auto ref = static_cast<Ref>(heap_unit + heap.size() / ref_unit);
    const std::vector<std::uint8_t> copy(heap.begin() + static_cast<std::ptrdiff_t>(from),
                                         heap.begin() + static_cast<std::ptrdiff_t>(from + bytes));
    heap.insert(heap.end(), copy.begin(), copy.end());
    std::memcpy(heap.data() + used_place(heap, 4, random), &ref, sizeof ref);
}

void put_text(std::vector<std::uint8_t> &heap, Random &random) {
    constexpr std::string_view texts[] = {"\x1b[2J", "\n", "\"",   "\\",       "</script>", "<!--",
                                          ";",       ",",  "=1",   "\xff\xc3", "\xc2\x9b",  "\xe2\x80\xae",
                                          "{",       "}",  "\r\t", "\x7f",     "/a/b.py",   "(x) const"};
    const std::string_view text = texts[below(random, std::size(texts))];
    std::size_t at = used_place(heap, 1, random);
    for (int tries = 0; tries < 32 && (heap[at] < 0x20 || heap[at] > 0x7e); ++tries) {
        at = below(random, heap.size()); // where text stands already
    }
    std::memcpy(heap.data() + at, text.data(), std::min(text.size(), heap.size() - at));
}

void mutate_stretch(std::vector<std::uint8_t> &bytes, Random &random) {
    const std::size_t at = used_place(bytes, std::size_t{1} << below(random, 5), random);
    const std::size_t size = std::min<std::size_t>(bytes.size() - at, 1 + below(random, 64));
    LLVMFuzzerMutate(bytes.data() + at, size, size);
}

void change_heads(PackedRun &run, Random &random) {
    constexpr std::size_t places = (sizeof(Header) - offsetof(Header, lock_heads)) / sizeof(Ref);
    if (run.heads.empty() || below(random, 3) == 0) {
        run.heads.push_back({static_cast<std::uint16_t>(below(random, places)), some_ref(run.heap, random)});
        return;
    }
    ChainHead &head = run.heads[below(random, run.heads.size())];
    switch (below(random, 3)) {
    case 0: head.ref = some_ref(run.heap, random); break;
    case 1: head.place = static_cast<std::uint16_t>(below(random, places)); break;
    default: head = run.heads.back(); run.heads.pop_back();
    }
}

void change_identity(PackedRun &run, Random &random) {
    run.keep_identity = below(random, 64) == 0 ? 0x5a : 0;
    run.variant = static_cast<std::uint8_t>(below(random, most_variants));
}

void damage_once(PackedRun &run, Random &random) {
    run.heap.resize(std::max(run.heap.size(), 4 * ref_unit));
    switch (below(random, 18)) {
    case 0:
    case 1:
    case 2: return put_ref(run.heap, run.heap, random);
    case 3:
    case 4:
    case 5:
    case 6: return put_number(run.heap, random);
    case 7: return copy_within(run.heap, random);
    case 8: return append_copy(run.heap, random);
    case 9: return put_text(run.heap, random);
    case 10:
    case 11:
    case 12: return mutate_stretch(run.heap, random);
    case 13: return put_number(run.header, random);
    case 14: return put_ref(run.header, run.heap, random);
    case 15: return change_heads(run, random);
    case 16: return change_identity(run, random);
    default: run.format = static_cast<std::uint8_t>(below(random, format_count));
    }
}

} // namespace

void damage(PackedRun &run, Random &random) {
    const std::size_t times = below(random, 3) == 0 ? 1 + below(random, 8) : 1;
    for (std::size_t i = 0; i < times; ++i) {
        damage_once(run, random);
    }
}

void mix_in(PackedRun &run, const PackedRun &other, Random &random) {
    if (other.heap.size() < ref_unit) {
        return;
    }
    const std::size_t at = below(random, other.heap.size() / ref_unit) * ref_unit;
    const std::size_t bytes = std::min(other.heap.size() - at, (1 + below(random, 128)) * ref_unit);
    run.heap.resize(std::max(run.heap.size(), at + bytes));
    std::memcpy(run.heap.data() + at, other.heap.data() + at, bytes);
    if (below(random, 2) == 0) {
        run.heads.insert(run.heads.end(), other.heads.begin(), other.heads.end());
    }
    run.format = below(random, 2) == 0 ? run.format : other.format;
}

} // namespace flockstat::fuzz
