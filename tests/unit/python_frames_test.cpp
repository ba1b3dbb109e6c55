// Frames as 3.14 keeps them: references with tags in their low bits, entries of two kinds between.
#include "shim/python_frames.h"

#include "shim/python_chain.h"

#include <catch2/catch.hpp>

#include <array>
#include <cstring>
#include <deque>
#include <string>
#include <vector>

using namespace flockstat::shim;

namespace {

/// Objects of an interpreter, in this process's memory.
class Memory {
public:
    std::uintptr_t take(std::size_t bytes) {
        return reinterpret_cast<std::uintptr_t>(
            blocks_.emplace_back(bytes / sizeof(std::uint64_t) + 1).data());
    }
    template<typename Value>
    static void put(std::uintptr_t address, Value value) {
        std::memcpy(reinterpret_cast<void *>(address), &value, sizeof value);
    }
    std::uintptr_t type(const char *name) {
        const std::uintptr_t type = take(64);
        put(type + 24, reinterpret_cast<std::uintptr_t>(name));
        return type;
    }
    /// A compact ASCII str, or bytes, without a hash. Of a str of 3.14: interned in 16 bits, then kind 1,
    /// compact, ASCII.
    std::uintptr_t text(std::uintptr_t type, const std::string &content, std::size_t text_at) {
        const std::uintptr_t object = take(text_at + content.size() + sizeof(std::uint64_t));
        put(object + python_object_type, type);
        put(object + python_var_size, std::uint64_t{content.size()});
        put(object + python_hash, UINT64_MAX);
        if (text_at != python_bytes_text) {
            put(object + python_string_state, std::uint32_t{1U | 1U << 3U | 1U << 4U} << 16U);
        }
        std::memcpy(reinterpret_cast<void *>(object + text_at), content.data(), content.size());
        return object;
    }

private:
    std::deque<std::vector<std::uint64_t>> blocks_;
};

PythonLayout layout_3_14() {
    PythonLayout layout = python_layout_3_12;
    layout.version = 0x030E00F0;
    layout.has_c_frames = false;
    layout.thread_current_frame = 72;
    layout.frame_kind = 74;
    layout.code_instructions = 208;
    return layout;
}

/// A thread in read() <- main() of one file, and outside of a call from C, <module>.
struct Stack {
    Memory memory;
    PythonLayout layout = layout_3_14();
    std::uintptr_t types[3] = {memory.type("code"), memory.type("str"), memory.type("bytes")};
    std::uintptr_t thread = memory.take(256);
    std::uintptr_t codes[3] = {code("read", 5, 71), code("main", 20, 72), code("<module>", 1, 73)};
    std::uintptr_t frames[3] = {};
    std::uintptr_t entries[2] = {};

    Stack() {
        entries[1] = frame(0, 3, 0);
        frames[2] = frame(codes[2], 0, entries[1]);
        entries[0] = frame(0, 4, frames[2]);
        frames[1] = frame(codes[1] | 1U, 0, entries[0]);
        frames[0] = frame(codes[0] | 1U, 1, frames[1]); // of a generator
        Memory::put(thread + layout.thread_current_frame, frames[0]);
    }

    std::uintptr_t code(const char *name, std::uint32_t first_line, std::uint32_t version) {
        const std::uintptr_t code = memory.take(512);
        Memory::put(code + python_object_type, types[0]);
        Memory::put(code + layout.code_file, memory.text(types[1], "/srv/t.py", layout.ascii_text));
        Memory::put(code + layout.code_qualified_name, memory.text(types[1], name, layout.ascii_text));
        // The first line for one code unit, the next for the rest.
        Memory::put(code + layout.code_line_table,
                    memory.text(types[2], {'\xd0', 1, 2, '\xdf', 1, 2}, python_bytes_text));
        Memory::put(code + layout.code_first_line, first_line);
        Memory::put(code + layout.code_version, version);
        return code;
    }

    std::uintptr_t frame(std::uintptr_t code, std::uint8_t kind, std::uintptr_t previous) {
        const std::uintptr_t frame = memory.take(128);
        Memory::put(frame + layout.frame_code, code);
        Memory::put(frame + layout.frame_previous, previous);
        Memory::put(frame + layout.frame_instruction,
                    (code & ~std::uintptr_t{7}) + layout.code_instructions + 4);
        Memory::put(frame + layout.frame_kind, kind);
        return frame;
    }
};

std::string name_and_line(const PythonLayout &layout, const PythonFrame &frame) {
    PythonFunction function;
    return !read_python_code(layout, frame, &function)
               ? "none"
               : std::string(function.name_text()) + " " + std::string(function.file_text()) + ":" +
                     std::to_string(function.line);
}

} // namespace

TEST_CASE("3.14's frames are read, without their tags and the entries between", "[python]") {
    const Stack stack;
    std::array<PythonFrame, 8> frames{};
    REQUIRE(read_python_frames(stack.layout, stack.thread, frames.data(), frames.size()) == 3);
    CHECK(name_and_line(stack.layout, frames[0]) == "read /srv/t.py:6");
    CHECK(name_and_line(stack.layout, frames[1]) == "main /srv/t.py:21");
    CHECK(name_and_line(stack.layout, frames[2]) == "<module> /srv/t.py:2");
    CHECK(frames[0].evaluation == stack.entries[0]);
    CHECK(frames[1].evaluation == stack.entries[0]);
    CHECK(frames[2].evaluation == stack.entries[1]);
}

TEST_CASE("what is no code, and what cannot be read, gives no frames", "[python]") {
    Stack stack;
    std::array<PythonFrame, 8> frames{};
    SECTION("a code object of another type") {
        Memory::put(stack.codes[0] + python_object_type, stack.types[1]);
        REQUIRE(read_python_frames(stack.layout, stack.thread, frames.data(), frames.size()) == 3);
        CHECK(name_and_line(stack.layout, frames[0]) == "none");
    }
    SECTION("a chain that leads into nowhere") {
        Memory::put(stack.frames[1] + stack.layout.frame_previous, std::uintptr_t{0x1000});
        CHECK(read_python_frames(stack.layout, stack.thread, frames.data(), frames.size()) == 0);
    }
    SECTION("a chain that does not end") {
        Memory::put(stack.entries[1] + stack.layout.frame_previous, stack.frames[0]);
        CHECK(read_python_frames(stack.layout, stack.thread, frames.data(), frames.size()) == frames.size());
        CHECK(python_chain(stack.layout, stack.thread).depth == 0);
    }
}

TEST_CASE("the hash of a chain tells what would be shown", "[python]") {
    Stack stack;
    const bool usual = GENERATE(true, false);
    stack.layout.has_usual_frames = usual;
    const PythonChain before = python_chain(stack.layout, stack.thread);
    CHECK(before.depth == 5);
    CHECK(python_chain(stack.layout, stack.thread).hash == before.hash);
    SECTION("another instruction") {
        Memory::put(stack.frames[2] + stack.layout.frame_instruction,
                    stack.codes[2] + stack.layout.code_instructions);
    }
    SECTION("another code object in its place") {
        Memory::put(stack.codes[1] + stack.layout.code_version, 99U);
    }
    SECTION("one without a version") { Memory::put(stack.codes[1] + stack.layout.code_version, 0U); }
    SECTION("another frame less") {
        Memory::put(stack.thread + stack.layout.thread_current_frame, stack.frames[1]);
    }
    SECTION("an entry less") { Memory::put(stack.frames[1] + stack.layout.frame_previous, stack.frames[2]); }
    CHECK(python_chain(stack.layout, stack.thread).hash != before.hash);
}

TEST_CASE("code without a version is told by what it is called and its lines", "[python]") {
    Stack stack;
    const std::uintptr_t code = stack.codes[1];
    Memory::put(code + stack.layout.code_version, 0U);
    const std::uint64_t before = python_chain(stack.layout, stack.thread).hash;
    SECTION("name") {
        Memory::put(code + stack.layout.code_qualified_name,
                    stack.memory.text(stack.types[1], "niam", stack.layout.ascii_text));
    }
    SECTION("a name of another last letter") {
        Memory::put(code + stack.layout.code_qualified_name,
                    stack.memory.text(stack.types[1], "mail", stack.layout.ascii_text));
    }
    SECTION("file") {
        Memory::put(code + stack.layout.code_file,
                    stack.memory.text(stack.types[1], "/srv/T.py", stack.layout.ascii_text));
    }
    SECTION("first line") { Memory::put(code + stack.layout.code_first_line, 21U); }
    SECTION("line table") {
        Memory::put(code + stack.layout.code_line_table,
                    stack.memory.text(stack.types[2], "another line table", python_bytes_text));
    }
    CHECK(python_chain(stack.layout, stack.thread).hash != before);
}
