#include "shim/frame_mark.h"

#include "reporter/record/system_call.h"
#include "shim/unwind_memory.h"

#include <csignal>

namespace flockstat::shim {
namespace {

bool lies_below(std::uintptr_t frame, std::uintptr_t here) {
    stack_t alternate{};
    if (record::system_call(SYS_sigaltstack, 0, record::address_of(&alternate)) != 0) {
        return false;
    }
    const auto low = reinterpret_cast<std::uintptr_t>(alternate.ss_sp);
    const bool inside_alternate = frame >= low && frame < low + alternate.ss_size;
    if ((alternate.ss_flags & SS_ONSTACK) != 0) {
        return inside_alternate && here >= frame;
    }
    return inside_alternate || here >= frame;
}

bool is_intact(const FrameMark &frame) {
    const std::uintptr_t word = frame.address + sizeof(std::uintptr_t);
    return range_is_readable(word, sizeof(std::uintptr_t)) && load_word(word) == frame.return_address;
}

} // namespace

bool was_left(const FrameMark &frame, std::uintptr_t here) {
    return lies_below(frame.address, here) || !is_intact(frame);
}

} // namespace flockstat::shim
