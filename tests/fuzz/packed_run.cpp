#include "tests/fuzz/packed_run.h"

#include <algorithm>
#include <cstring>

namespace flockstat::fuzz {
namespace {

using record::Header;

constexpr std::size_t tables_at = offsetof(Header, lock_heads);
constexpr std::size_t table_places = (sizeof(Header) - tables_at) / sizeof(record::Ref);
static_assert(table_places <= UINT16_MAX);
constexpr std::size_t line_bytes = 16; ///< zeros are left out by lines of this size
constexpr std::uint8_t identity_kept = 0x5a;

/// Numbers and bytes, one behind the other.
class Input {
public:
    explicit Input(std::span<const std::uint8_t> bytes) : left_(bytes) {}

    [[nodiscard]] bool empty() const { return left_.empty(); }

    template<typename Number>
    [[nodiscard]] Number number() {
        Number value = 0;
        take(&value, sizeof value);
        return value;
    }

    void take(void *out, std::size_t bytes) {
        const std::size_t there = std::min(bytes, left_.size());
        if (there != 0) {
            std::memcpy(out, left_.data(), there);
            left_ = left_.subspan(there);
        }
    }

private:
    std::span<const std::uint8_t> left_;
};

void add(std::vector<std::uint8_t> &out, const void *data, std::size_t bytes) {
    const auto *first = static_cast<const std::uint8_t *>(data);
    out.insert(out.end(), first, first + bytes);
}

bool is_zero(std::span<const std::uint8_t> bytes) {
    return std::ranges::all_of(bytes, [](std::uint8_t byte) { return byte == 0; });
}

/// Pairs of "so many lines of zeros" and "so many lines that follow".
void add_heap(const std::vector<std::uint8_t> &heap, std::vector<std::uint8_t> &out) {
    std::size_t at = 0;
    const auto line = [&](std::size_t offset) {
        return std::span(heap).subspan(offset, std::min(line_bytes, heap.size() - offset));
    };
    while (at < heap.size()) {
        std::uint16_t zeros = 0;
        for (; at < heap.size() && is_zero(line(at)) && zeros < UINT16_MAX; at += line_bytes) {
            ++zeros;
        }
        const std::size_t start = at;
        std::uint16_t lines = 0;
        for (; at < heap.size() && !is_zero(line(at)) && lines < UINT16_MAX; at += line_bytes) {
            ++lines;
        }
        add(out, &zeros, sizeof zeros);
        add(out, &lines, sizeof lines);
        add(out, heap.data() + std::min(start, heap.size()),
            std::min(at, heap.size()) - std::min(start, heap.size()));
    }
}

void take_heap(Input &input, std::vector<std::uint8_t> *heap) {
    while (!input.empty() && heap->size() < max_heap_bytes) {
        const std::size_t zeros = input.number<std::uint16_t>() * line_bytes;
        const std::size_t bytes = input.number<std::uint16_t>() * line_bytes;
        const std::size_t start = std::min(heap->size() + zeros, max_heap_bytes);
        heap->resize(std::min(start + bytes, max_heap_bytes));
        input.take(heap->data() + start, heap->size() - start);
    }
}

} // namespace

PackedRun pack(std::span<const std::byte> arena) {
    const auto *bytes = reinterpret_cast<const std::uint8_t *>(arena.data());
    PackedRun run;
    run.header.assign(bytes, bytes + plain_header_bytes);
    for (std::size_t place = 0; place < table_places; ++place) {
        record::Ref ref = 0;
        std::memcpy(&ref, bytes + tables_at + place * sizeof ref, sizeof ref);
        if (ref != 0) {
            run.heads.push_back({static_cast<std::uint16_t>(place), ref});
        }
    }
    const std::size_t end = std::min(arena.size(), sizeof(Header) + max_heap_bytes);
    run.heap.assign(bytes + sizeof(Header), bytes + end);
    while (!run.heap.empty() && run.heap.back() == 0) {
        run.heap.pop_back();
    }
    return run;
}

void unpack(const PackedRun &run, std::vector<std::byte> *arena) {
    constexpr std::size_t room = 1024;
    arena->assign(sizeof(Header) + (run.heap.size() + room) / line_bytes * line_bytes, std::byte{0});
    std::byte *base = arena->data();
    std::memcpy(base, run.header.data(), std::min(run.header.size(), plain_header_bytes));
    for (const ChainHead &head : run.heads) {
        std::memcpy(base + tables_at + (head.place % table_places) * sizeof head.ref, &head.ref,
                    sizeof head.ref);
    }
    std::ranges::copy(std::as_bytes(std::span(run.heap)), base + sizeof(Header));
    auto &header = *reinterpret_cast<Header *>(base);
    if (run.keep_identity != identity_kept) {
        std::memcpy(header.magic, record::arena_magic, sizeof header.magic);
        header.version = record::arena_version;
        header.header_bytes = sizeof(Header);
        header.arena_bytes = arena->size();
    }
}

std::vector<std::uint8_t> to_input(const PackedRun &run) {
    std::vector<std::uint8_t> out{run.format, run.variant, run.keep_identity};
    add(out, run.header.data(), std::min(run.header.size(), plain_header_bytes));
    out.resize(3 + plain_header_bytes);
    const auto heads = static_cast<std::uint16_t>(run.heads.size());
    add(out, &heads, sizeof heads);
    for (const ChainHead &head : run.heads) {
        add(out, &head.place, sizeof head.place);
        add(out, &head.ref, sizeof head.ref);
    }
    add_heap(run.heap, out);
    return out;
}

PackedRun from_input(std::span<const std::uint8_t> bytes) {
    constexpr std::uint16_t most_heads = 4096;
    Input input(bytes);
    PackedRun run;
    run.format = input.number<std::uint8_t>();
    run.variant = input.number<std::uint8_t>();
    run.keep_identity = input.number<std::uint8_t>();
    run.header.resize(plain_header_bytes);
    input.take(run.header.data(), run.header.size());
    const std::uint16_t heads = std::min(input.number<std::uint16_t>(), most_heads);
    for (std::uint16_t i = 0; i < heads && !input.empty(); ++i) {
        const auto place = input.number<std::uint16_t>();
        run.heads.push_back({place, input.number<record::Ref>()});
    }
    take_heap(input, &run.heap);
    return run;
}

} // namespace flockstat::fuzz
