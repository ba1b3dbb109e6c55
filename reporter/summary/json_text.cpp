#include "reporter/summary/json_text.h"

#include "reporter/record/utf8.h"

#include <algorithm>
#include <cstring>

namespace flockstat::summary {
namespace {

/// A control character: below 0x100.
void put_escaped(OutFile &file, std::uint32_t code) {
    constexpr std::string_view digits = "0123456789abcdef";
    file.put("\\u00");
    file.put(digits[code >> 4U]);
    file.put(digits[code & 15U]);
}

void put_two_digits(OutFile &file, std::int64_t number) {
    file.print(FMT_COMPILE("{}{}"), number / 10, number % 10);
}

} // namespace

void put_string(OutFile &file, std::string_view text) {
    file.put('"');
    while (!text.empty()) {
        char copy[4]; // looked at and written must be the same bytes
        std::memcpy(copy, text.data(), std::min<std::size_t>(text.size(), sizeof copy));
        const std::string_view front(copy, std::min<std::size_t>(text.size(), sizeof copy));
        const record::Character character = record::decode_utf8(front);
        const auto byte = static_cast<unsigned char>(copy[0]);
        if (character.bytes == 0) {
            constexpr std::string_view digits = "0123456789abcdef";
            file.put("\\\\x");
            file.put(digits[byte >> 4U]);
            file.put(digits[byte & 15U]);
        } else if (byte == '"' || byte == '\\') {
            file.put('\\');
            file.put(copy[0]);
        } else if (record::is_control(character.code)) {
            put_escaped(file, character.code);
        } else {
            file.put(std::string_view(copy, character.bytes));
        }
        text.remove_prefix(std::max<std::size_t>(character.bytes, 1));
    }
    file.put('"');
}

void put_arguments(OutFile &file, std::string_view text) {
    file.put('[');
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\0'), text.size());
        put_string(file, std::string_view(text.data(), end));
        if (end == text.size()) {
            break;
        }
        text.remove_prefix(end + 1);
        file.put(", ");
        if (text.empty()) {
            put_string(file, {}); // the last argument is empty
        }
    }
    file.put(']');
}

/// A moment as RFC 3339 has it, in UTC. The calendar is that of Howard Hinnant's days_from_civil, read
/// backwards: years begin in March.
void put_time(OutFile &file, std::int64_t at_ns) {
    constexpr std::int64_t second_ns = 1'000'000'000;
    constexpr std::int64_t day_seconds = 86400;
    constexpr std::int64_t era_days = 146097; // 400 years
    const std::int64_t seconds = at_ns / second_ns - (at_ns % second_ns < 0 ? 1 : 0);
    const std::int64_t days = (seconds >= 0 ? seconds : seconds - day_seconds + 1) / day_seconds;
    const std::int64_t of_day = seconds - days * day_seconds;
    const std::int64_t shifted = days + 719468; // from 0000-03-01
    const std::int64_t era = (shifted >= 0 ? shifted : shifted - era_days + 1) / era_days;
    const std::int64_t day_of_era = shifted - era * era_days;
    const std::int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / (era_days - 1)) / 365;
    const std::int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const std::int64_t from_march = (5 * day_of_year + 2) / 153;
    const std::int64_t month = from_march < 10 ? from_march + 3 : from_march - 9;
    file.print(FMT_COMPILE("\"{}-"), year_of_era + era * 400 + (month <= 2 ? 1 : 0));
    put_two_digits(file, month);
    file.put('-');
    put_two_digits(file, day_of_year - (153 * from_march + 2) / 5 + 1);
    file.put('T');
    put_two_digits(file, of_day / 3600);
    file.put(':');
    put_two_digits(file, of_day / 60 % 60);
    file.put(':');
    put_two_digits(file, of_day % 60);
    const std::int64_t millis = (at_ns - seconds * second_ns) / 1'000'000;
    file.print(FMT_COMPILE(".{}"), millis / 100);
    put_two_digits(file, millis % 100);
    file.put("Z\"");
}

} // namespace flockstat::summary
