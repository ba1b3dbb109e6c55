// Catch2's main: alone in its file, because it takes longer to compile than any test.
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
