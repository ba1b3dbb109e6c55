/// Texts and moments as JSON.
#pragma once

#include "reporter/summary/out_file.h"

#include <cstdint>
#include <string_view>

namespace flockstat::summary {

/// A JSON string; a byte that is part of no valid UTF-8 becomes the four characters \xHH. Others may write
/// over `text` meanwhile: what comes out is valid all the same.
void put_string(OutFile &file, std::string_view text);

/// Text whose parts are separated by NUL, as an array.
void put_arguments(OutFile &file, std::string_view text);

/// A moment, since 1970, as RFC 3339 has it, in UTC.
void put_time(OutFile &file, std::int64_t at_ns);

} // namespace flockstat::summary
