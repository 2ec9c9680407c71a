#include "base/process.h"

#include <stddef.h>
#include <sys/mman.h>

#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif

static _Atomic uint32_t *map_page(void)
{
    void *map = mmap(NULL, sizeof(uint32_t), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED)
        return NULL;
    /* Where the kernel doesn't know it (before 4.14) a forked child is not told from its parent. */
    (void)madvise(map, sizeof(uint32_t), MADV_WIPEONFORK);
    return map;
}

int process_mark(struct process_mark *mark)
{
    /* The same for all users in the process. A child inherits `last`, so its marks are none of its parent's. */
    static _Atomic(_Atomic uint32_t *) shared;
    static _Atomic uint32_t last;
    _Atomic uint32_t *page = atomic_load(&shared), *none = NULL;
    if (!page) {
        page = map_page();
        if (!page)
            return -ENOMEM;
        if (!atomic_compare_exchange_strong(&shared, &none, page)) {
            munmap((void *)page, sizeof(uint32_t));
            page = none;
        }
    }
    uint32_t value = atomic_load(page);
    if (value == 0) {
        uint32_t fresh = atomic_fetch_add(&last, 1) + 1;
        if (atomic_compare_exchange_strong(page, &value, fresh))
            value = fresh;
    }
    *mark = (struct process_mark){page, value};
    return 0;
}
