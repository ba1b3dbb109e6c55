#include "tests/support/strace_count.h"

#include <sstream>

#include "tests/support/places.h"

namespace flockstat::test {

namespace {

// strace writes bytes of a path that would end it or do not print as backslash and octal digits.
std::string without_escapes(const std::string &text) {
    std::string result;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\\' || i + 1 == text.size()) {
            result += text[i];
            continue;
        }
        std::size_t digits = 0;
        int value = 0;
        while (digits < 3 && i + 1 + digits < text.size() && text[i + 1 + digits] >= '0' &&
               text[i + 1 + digits] <= '7') {
            value = value * 8 + (text[i + 1 + digits] - '0');
            ++digits;
        }
        result += digits > 0 ? static_cast<char>(value) : text[i + 1];
        i += digits > 0 ? digits : 1;
    }
    return result;
}

bool contains(const std::string &text, const char *part) { return text.find(part) != std::string::npos; }

// "flock(3</tmp/x>, LOCK_EX|LOCK_NB" has its path between the first < and the next >, if the descriptor was
// open.
std::string path_of(const std::string &call) {
    const std::size_t comma = call.find(',');
    const std::size_t begin = call.find('<');
    if (begin == std::string::npos || begin > comma)
        return "";
    const std::size_t end = call.find('>', begin);
    return without_escapes(call.substr(begin + 1, end - begin - 1));
}

enum class Kind { none, attempt, unlock, test };

Kind kind_of(const std::string &call) {
    if (call.starts_with("flock("))
        return contains(call, "LOCK_UN") ? Kind::unlock : Kind::attempt;
    if (contains(call, "_GETLK"))
        return Kind::test;
    if (!contains(call, "_SETLK"))
        return Kind::none;
    return contains(call, "l_type=F_UNLCK") ? Kind::unlock : Kind::attempt;
}

std::string family_of(const std::string &call) {
    if (call.starts_with("flock("))
        return "flock";
    return contains(call, "F_OFD_") ? "ofd" : "posix";
}

void add(LockCounts &counts, const std::string &call) {
    if (!call.starts_with("flock(") && !call.starts_with("fcntl("))
        return;
    const Kind kind = kind_of(call);
    if (kind == Kind::none)
        return;
    CallCounts &lock = counts[{path_of(call), family_of(call)}];
    if (kind == Kind::unlock) {
        ++lock.unlocks;
    } else if (kind == Kind::test) {
        ++lock.tests;
    } else {
        ++lock.attempts;
        const std::size_t equals = call.rfind(" = ");
        const std::string result = equals == std::string::npos ? "" : call.substr(equals + 3);
        if (result.starts_with("0"))
            ++lock.granted;
        if (contains(result, "EAGAIN") || contains(result, "EACCES"))
            ++lock.refused;
    }
}

} // namespace

LockCounts count_strace(const std::string &text) {
    LockCounts counts;
    std::map<std::string, std::string> unfinished;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        const std::size_t space = line.find(' ');
        const std::size_t begin = line.find_first_not_of(' ', space);
        if (space == std::string::npos || begin == std::string::npos)
            continue;
        const std::string thread = line.substr(0, space);
        std::string call = line.substr(begin);
        if (call.starts_with("<... ")) {
            const std::string resumed = " resumed>";
            const std::size_t end = call.find(resumed);
            if (end == std::string::npos)
                continue;
            call = unfinished[thread] + call.substr(end + resumed.size());
            unfinished.erase(thread);
        }
        const std::size_t cut = call.find("<unfinished ...>");
        if (cut == std::string::npos) {
            add(counts, call);
        } else {
            unfinished[thread] = call.substr(0, cut);
        }
    }
    for (const auto &[thread, call] : unfinished)
        add(counts, call);
    return counts;
}

StraceRun strace_run(const Command &command) {
    const TempDirectory directory;
    const std::string trace = directory / "trace";
    Command traced = command;
    const std::vector<std::string> prefix = {"strace", "-f",  "-y", "-e", "trace=flock,fcntl",
                                             "-o",     trace, "--"};
    traced.argv.insert(traced.argv.begin(), prefix.begin(), prefix.end());
    StraceRun run;
    run.outcome = run_command(traced);
    run.counts = count_strace(read_file(trace));
    return run;
}

std::string describe(const LockCounts &counts) {
    std::ostringstream text;
    for (const auto &[name, count] : counts) {
        text << name.second << " " << name.first << ": attempts " << count.attempts << ", granted "
             << count.granted << ", refused " << count.refused << ", unlocks " << count.unlocks << ", tests "
             << count.tests << "\n";
    }
    return text.str();
}

} // namespace flockstat::test
