/// gzip (RFC 1952), by zlib.
#pragma once

#include <string>
#include <string_view>

namespace flockstat::reporter {

/// The bytes as one gzip file without name and time. Throws std::bad_alloc.
[[nodiscard]] std::string gzip(std::string_view bytes);

} // namespace flockstat::reporter
