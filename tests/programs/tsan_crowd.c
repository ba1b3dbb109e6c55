// build: -fsanitize=thread
// tsan_crowd ...: crowd, built with ThreadSanitizer.
#include "crowd.c"
