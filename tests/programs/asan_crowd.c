// build: -fsanitize=address
// asan_crowd ...: crowd, built with AddressSanitizer, whose library wants to be the first one.
#include "crowd.c"
