// Stacks of Python programs: how the interpreter gets from one function to the next is not where the program
// is.
#include "reporter/analyze/python_stack.h"

#include <catch2/catch.hpp>
#include <string>

using namespace flockstat::reporter;

namespace {

enum Module : std::uint32_t { interpreter, shared_interpreter, extension, application };

Run run_of_python() {
    Run run;
    for (const char *path :
         {"/usr/bin/python3.11", "/opt/lib/libpython3.12.so.1.0", "/usr/lib/_sqlite3.so", "/srv/app"}) {
        run.modules.push_back({path, {}});
    }
    run.python_functions.resize(2);
    return run;
}

/// A stack of frames, innermost first: 'i' and 'l' interpreter, 'x' extension, 'a' application, 'p' and 'q'
/// Python functions, '?' in no module.
Stack stack_of(const std::string &frames) {
    Stack stack;
    for (const char frame : frames) {
        Frame &added = stack.frames.emplace_back();
        added.offset = static_cast<std::uint64_t>(stack.frames.size());
        switch (frame) {
        case 'i': added.module = interpreter; break;
        case 'l': added.module = shared_interpreter; break;
        case 'x': added.module = extension; break;
        case 'a': added.module = application; break;
        case 'p': added.python = 0; break;
        case 'q': added.python = 1; break;
        default: break;
        }
    }
    return stack;
}

/// The places, from 1, of the frames that stay.
std::string left_of(const std::string &frames) {
    std::string places;
    for (const Frame &frame : program_frames(run_of_python(), stack_of(frames))) {
        places += std::to_string(frame.offset);
    }
    return places;
}

} // namespace

TEST_CASE("the interpreter's way to a native function is left out", "[python]") {
    CHECK(left_of("iiipqii") == "14567"); // fcntl.flock, built in, through PyObject_Vectorcall
    CHECK(left_of("ipqii") == "12345");   // the same call, specialized
    CHECK(left_of("xiip") == "14");
    CHECK(left_of("xllpllqll") == "14789");
    CHECK(left_of("x?ip") == "124"); // code in no module may be a JIT compiler's
}

TEST_CASE("stacks without Python functions are whole", "[python]") {
    CHECK(left_of("iiaii") == "12345");
    CHECK(left_of("aa") == "12");
    CHECK(left_of("").empty());
}
