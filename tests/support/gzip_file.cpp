#include "tests/support/gzip_file.h"

#include "tests/support/places.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <zlib.h>

namespace flockstat::test {

std::string gunzip(std::string_view compressed) {
    constexpr int gzip_only = 16 + MAX_WBITS;
    z_stream stream{};
    if (::inflateInit2(&stream, gzip_only) != Z_OK) {
        throw std::runtime_error("zlib cannot start");
    }
    stream.next_in = reinterpret_cast<Bytef *>(const_cast<char *>(compressed.data()));
    stream.avail_in = static_cast<uInt>(compressed.size());
    std::string text;
    std::vector<char> room(std::size_t{64} << 10U);
    int result = Z_OK;
    while (result == Z_OK) {
        stream.next_out = reinterpret_cast<Bytef *>(room.data());
        stream.avail_out = static_cast<uInt>(room.size());
        result = ::inflate(&stream, Z_NO_FLUSH);
        text.append(room.data(), room.size() - stream.avail_out);
    }
    ::inflateEnd(&stream);
    if (result != Z_STREAM_END) {
        throw std::runtime_error("no whole gzip file");
    }
    return text;
}

std::vector<std::filesystem::path> test_data(const std::string &folder) {
    std::vector<std::filesystem::path> files;
    for (const auto &entry :
         std::filesystem::directory_iterator(std::filesystem::path("tests/data") / folder)) {
        files.push_back(entry.path());
    }
    if (files.empty()) {
        throw std::runtime_error("nothing is in tests/data/" + folder);
    }
    std::ranges::sort(files);
    return files;
}

std::vector<std::byte> read_recording(const std::filesystem::path &file) {
    const std::string text = gunzip(read_file(file));
    std::vector<std::byte> bytes(text.size());
    std::memcpy(bytes.data(), text.data(), text.size());
    return bytes;
}

} // namespace flockstat::test
