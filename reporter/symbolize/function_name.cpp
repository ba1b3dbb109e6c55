#include "reporter/symbolize/function_name.h"

#include <cstdlib>
#include <cxxabi.h>
#include <memory>

namespace flockstat::reporter {

std::string function_name(const std::string &symbol) {
    const std::string name = symbol.substr(0, symbol.find('@'));
    if (!name.starts_with("_Z")) { // __cxa_demangle takes "f" for the type float
        return name;
    }
    int status = 0;
    const std::unique_ptr<char, decltype(&std::free)> demangled(
        abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status), &std::free);
    return status == 0 && demangled != nullptr ? demangled.get() : name;
}

} // namespace flockstat::reporter
