#include "shim/private_memory.h"

#include "reporter/record/system_call.h"

#include <sys/mman.h>

namespace flockstat::shim {

using record::address_of;
using record::system_call;

void *map_pages(std::size_t bytes) {
    const long base = system_call(SYS_mmap, 0, static_cast<long>(bytes), PROT_READ | PROT_WRITE,
                                  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return base < 0 && base > -4096 ? nullptr : reinterpret_cast<void *>(base);
}

void unmap_pages(void *pages, std::size_t bytes) {
    system_call(SYS_munmap, address_of(pages), static_cast<long>(bytes));
}

} // namespace flockstat::shim
