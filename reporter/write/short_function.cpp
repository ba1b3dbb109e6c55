#include "reporter/write/short_function.h"

#include <algorithm>
#include <cctype>

namespace flockstat::reporter {
namespace {

constexpr std::string_view anonymous = "(anonymous namespace)";

bool is_word(char letter) { return std::isalnum(static_cast<unsigned char>(letter)) != 0 || letter == '_'; }

/// Behind the bracket that closes the one at `open`; npos where none does. Arrows ("->") close nothing.
std::size_t behind_group(std::string_view name, std::size_t open) {
    int depth = 0;
    for (std::size_t at = open; at < name.size(); ++at) {
        const char letter = name[at];
        if (letter == '<' || letter == '(' || letter == '{' || letter == '[') {
            ++depth;
        } else if (letter == ')' || letter == '}' || letter == ']' ||
                   (letter == '>' && name[at - 1] != '-')) {
            if (--depth == 0) {
                return at + 1;
            }
        }
    }
    return std::string_view::npos;
}

/// "{lambda(int)#2}" without what stands in parentheses.
std::string without_parameters(std::string_view group) {
    std::string out;
    for (std::size_t at = 0; at < group.size(); ++at) {
        const std::size_t behind = group[at] == '(' ? behind_group(group, at) : std::string_view::npos;
        if (behind != std::string_view::npos) {
            at = behind - 1;
        } else {
            out += group[at];
        }
    }
    return out;
}

/// The operator's own symbol, which may be made of brackets; for "operator bool" and the like the type.
std::size_t operator_end(std::string_view name, std::size_t at) {
    at += std::string_view("operator").size();
    if (name.substr(at).starts_with("()") || name.substr(at).starts_with("[]")) {
        return at + 2;
    }
    if (at < name.size() && name[at] == ' ') {
        const std::size_t parameters = name.find('(', at);
        return parameters == std::string_view::npos ? name.size() : parameters;
    }
    while (at < name.size() && std::string_view("<>=!+-*/%^&|~,").find(name[at]) != std::string_view::npos) {
        ++at;
    }
    return at;
}

class Shortener {
public:
    explicit Shortener(std::string_view name) : name_(name) {}

    std::string run() {
        while (at_ < name_.size() && step()) {}
        return out_.substr(name_start_);
    }

private:
    /// Takes one piece off the name; false at its end.
    bool step() {
        const std::string_view rest = name_.substr(at_);
        if (rest.starts_with(anonymous)) {
            return copy(anonymous.size());
        }
        if (rest.starts_with("operator") && (at_ == 0 || !is_word(name_[at_ - 1])) &&
            (rest.size() == 8 || !is_word(rest[8]))) {
            after_operator_ = true;
            return copy(operator_end(name_, at_) - at_);
        }
        switch (rest.front()) {
        case '<': // at the front it is Rust's <Type as Trait>
            return at_ == 0 ? copy(std::min(behind_group(name_, 0), name_.size())) : group("<>");
        case '(': return parameters();
        case '{': {
            const std::size_t behind = behind_group(name_, at_);
            const std::size_t end = behind == std::string_view::npos ? name_.size() : behind;
            out_ += without_parameters(name_.substr(at_, end - at_));
            at_ = end;
            return true;
        }
        case ' ':
            copy(1);
            name_start_ = after_operator_ ? name_start_ : out_.size(); // what came before was the return type
            return true;
        default: return copy(1);
        }
    }

    bool copy(std::size_t bytes) {
        out_ += name_.substr(at_, bytes);
        at_ += bytes;
        return true;
    }

    bool group(std::string_view shown) {
        const std::size_t behind = behind_group(name_, at_);
        out_ += shown;
        at_ = behind == std::string_view::npos ? name_.size() : behind;
        return true;
    }

    /// Parameters end a name, unless something local to that function follows.
    bool parameters() {
        group("");
        for (const std::string_view qualifier : {" const", " volatile", " &&", " &"}) {
            if (name_.substr(at_).starts_with(qualifier)) {
                at_ += qualifier.size();
            }
        }
        return name_.substr(at_).starts_with("::");
    }

    std::string_view name_;
    std::size_t at_ = 0;
    std::string out_;
    std::size_t name_start_ = 0;
    bool after_operator_ = false;
};

/// "::h" and 16 hexadecimal digits.
std::string_view without_rust_hash(std::string_view name) {
    constexpr std::size_t hash_bytes = 19;
    if (name.size() <= hash_bytes || name.substr(name.size() - hash_bytes, 3) != "::h" ||
        name.find_first_not_of("0123456789abcdef", name.size() - 16) != std::string_view::npos) {
        return name;
    }
    return name.substr(0, name.size() - hash_bytes);
}

} // namespace

std::string short_function(std::string_view name) {
    const std::string_view plain = without_rust_hash(name);
    if (plain.find_first_of("(<{") == std::string_view::npos) {
        return std::string(plain);
    }
    std::string shortened = Shortener(plain).run();
    return shortened.empty() ? std::string(plain) : shortened;
}

} // namespace flockstat::reporter
