#include "reporter/write/gzip.h"

#include <algorithm>
#include <limits>
#include <new>
#include <zlib.h>

namespace flockstat::reporter {

std::string gzip(std::string_view bytes) {
    constexpr int gzip_window_bits = 15 + 16; // zlib.h, deflateInit2: 16 more asks for a gzip header
    constexpr int default_memory = 8;
    constexpr std::size_t piece = std::size_t{1} << 16U;
    z_stream stream{};
    if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, gzip_window_bits, default_memory,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
        throw std::bad_alloc();
    }
    std::string out;
    int state = Z_OK;
    while (state == Z_OK) {
        if (stream.avail_in == 0) { // its counts have 32 bits
            const std::size_t taken = std::min<std::size_t>(bytes.size(), std::numeric_limits<uInt>::max());
            stream.next_in = reinterpret_cast<Bytef *>(const_cast<char *>(bytes.data())); // it only reads
            stream.avail_in = static_cast<uInt>(taken);
            bytes.remove_prefix(taken);
        }
        const std::size_t before = out.size();
        out.resize(before + piece);
        stream.next_out = reinterpret_cast<Bytef *>(out.data() + before);
        stream.avail_out = static_cast<uInt>(piece);
        state = deflate(&stream, bytes.empty() ? Z_FINISH : Z_NO_FLUSH);
        out.resize(out.size() - stream.avail_out);
    }
    deflateEnd(&stream);
    return out;
}

} // namespace flockstat::reporter
