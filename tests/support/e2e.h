#pragma once

// What nearly every end-to-end test includes.

#include <catch2/catch.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/support/command.h"
#include "tests/support/places.h"
#include "tests/support/recorded_run.h"
#include "tests/support/strace_count.h"
