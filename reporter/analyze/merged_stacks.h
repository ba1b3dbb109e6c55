/// Stacks of several runs, each once by its content, and as a person reads them.
#pragma once

#include "reporter/read/run.h"
#include "reporter/symbolize/symbolize.h"

#include <cstdint>
#include <map>
#include <span>
#include <vector>

namespace flockstat::reporter {

/// Stacks are equal where their frames are: the same offset in a module of the same path and build id, or for
/// code without a module the same address in the same process. Of an interpreter's code only what
/// python_stack.h leaves counts; the shortest of such stacks stands for all.
class MergedStacks {
public:
    MergedStacks() : stacks_(1), known_{{{}, 0}} {}
    explicit MergedStacks(const Run &run) : MergedStacks() { add(run); }

    /// Takes in the stacks of one more run, which need not live on.
    void add(const Run &run);

    /// The number of a stack of the `run`th run that was added, equal for equal stacks; that of the empty
    /// stack for no_index.
    [[nodiscard]] std::uint32_t id(std::size_t run, std::uint32_t stack) const;

    /// The frames of a stack by its number, innermost first, inlined ones included. `symbolizer` may be null.
    [[nodiscard]] std::vector<SourceFrame> frames(std::uint32_t id, Symbolizer *symbolizer) const;

    /// Every place in all stacks, once.
    [[nodiscard]] const std::vector<CodePlace> &places() const { return places_; }

private:
    /// Of one run, by module and offset: spares comparing names again and again.
    using PlacesInModules = std::map<std::pair<std::uint32_t, std::uint64_t>, std::uint32_t>;

    [[nodiscard]] std::uint32_t place_id(CodePlace place);
    [[nodiscard]] std::vector<std::uint32_t>
    content(const Run &run, const Stack &stack, std::span<const Frame> frames, PlacesInModules *in_modules);

    std::vector<CodePlace> places_;
    std::map<CodePlace, std::uint32_t> place_ids_;
    std::vector<std::vector<std::uint32_t>>
        stacks_; ///< by number: the places of its frames; number 0 is the empty stack
    std::vector<std::vector<std::uint32_t>> ids_;               ///< by run and stack
    std::map<std::vector<std::uint32_t>, std::uint32_t> known_; ///< numbers, by what counts of the places
};

} // namespace flockstat::reporter
