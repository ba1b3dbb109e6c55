#include "shim/lock_list.h"

#include "reporter/record/system_call.h"
#include "shim/own_descriptor.h"
#include "shim/proc_path.h"
#include "shim/run.h"

#include <algorithm>
#include <cerrno>

namespace flockstat::shim {
namespace {

using record::address_of;
using record::system_call;

constexpr std::uint64_t first_pid_namespace = 0xEFFFFFFC; // PROC_PID_INIT_INO of linux/proc_ns.h
constexpr std::uint64_t hash_start = 0xCBF29CE484222325U; // FNV-1a

std::uint64_t add_to_hash(std::uint64_t hash, char c) {
    return (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
}

/// Finds the line with a hash in text that comes in pieces.
class LineSearch {
public:
    explicit LineSearch(std::uint64_t wanted) : wanted_(wanted) {}

    /// True where a line that ends in this piece is it.
    bool find_in(std::string_view piece) {
        for (const char c : piece) {
            if (c == '\n') {
                if (hash_ == wanted_) {
                    return true;
                }
                hash_ = hash_start;
                in_ordinal_ = true;
            } else if (in_ordinal_) { // "12: "
                in_ordinal_ = c != ' ';
            } else {
                hash_ = add_to_hash(hash_, c);
            }
        }
        return false;
    }

private:
    std::uint64_t wanted_;
    std::uint64_t hash_ = hash_start;
    bool in_ordinal_ = true;
};

/// One time through the list. `all_at_once`: the kernel had it all in its hands at one moment.
Answer look_through(std::uint64_t line_hash, bool *all_at_once) {
    const OwnDescriptor file("/proc/locks");
    if (file.number() < 0) {
        return Answer::unknown;
    }
    LineSearch search(line_hash);
    char text[1024];
    long bytes = 0;
    long used = 0;
    bool found = false;
    while (!found && (bytes = system_call(SYS_read, file.number(), address_of(text), sizeof text)) > 0) {
        used += bytes;
        found = search.find_in({text, static_cast<std::size_t>(bytes)});
    }
    constexpr long surely_one_piece = 3584; // a page, of which the last line did not find room
    *all_at_once = used < surely_one_piece;
    return found ? Answer::yes : bytes < 0 ? Answer::unknown : Answer::no;
}

/// The fourth word: kind, whether advisory, mode, pid.
std::int32_t pid_of(std::string_view line) {
    for (int word = 0; word < 3; ++word) {
        line.remove_prefix(std::min(line.size(), line.find(' ')));
        line.remove_prefix(std::min(line.size(), line.find_first_not_of(' ')));
    }
    std::int32_t pid = 0;
    std::from_chars(line.data(), line.data() + line.size(), pid);
    return pid;
}

} // namespace

std::uint64_t hash_lock_line(std::string_view line) {
    std::uint64_t hash = hash_start;
    for (const char c : line) {
        hash = add_to_hash(hash, c);
    }
    return hash;
}

std::int32_t listed_with(std::string_view line) {
    if (line.starts_with("OFDLCK") || run.pid_namespace == first_pid_namespace) {
        return 0;
    }
    const std::int32_t pid = pid_of(line);
    return pid > 0 && is_proc_ours() ? pid : -1;
}

Answer is_listed(std::uint64_t line_hash, std::int32_t with_pid) {
    constexpr int times = 3; // a longer list comes in pieces, between which locks come and go and move others
    bool all_at_once = false;
    Answer answer = Answer::no;
    for (int i = 0; i < times && answer == Answer::no && !all_at_once; ++i) {
        answer = look_through(line_hash, &all_at_once);
    }
    const bool gone = with_pid != 0 && system_call(SYS_kill, with_pid, 0) == -ESRCH;
    return answer == Answer::no && gone ? Answer::unknown : answer;
}

} // namespace flockstat::shim
