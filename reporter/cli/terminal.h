/// What stdout or stderr is connected to.
#pragma once

#include "reporter/write/text.h"

#include <string>

namespace flockstat::cli {

/// Width, colour and character set for text that goes to `descriptor`: the terminal's width, elsewhere that
/// of COLUMNS; colour only on a terminal and without NO_COLOR. Leaves `top` and `sort` of `options` alone.
void fit_terminal(int descriptor, reporter::TextOptions *options);

/// Writes "flockstat: LINE" and a line feed to stderr, in one write. Control characters of the line are
/// escaped.
void say(const std::string &line);

} // namespace flockstat::cli
