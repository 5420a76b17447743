/* SPDX-License-Identifier: Apache-2.0 */
/* sort.h - many keys in an order: a radix sort, because a million comparisons of text take long */
#ifndef SPLINTERCTL_SORT_H
#define SPLINTERCTL_SORT_H

#include <stddef.h>
#include <stdint.h>

struct ctl_ranked {
    uint64_t rank;
    const char *key;
};

/* By the ranks, and those of equal rank by their keys. */
void ctl_sort_by_rank(struct ctl_ranked *items, size_t count);
/* By the keys alone, of which all have the first `common` bytes.  The ranks are overwritten. */
void ctl_sort_by_key(struct ctl_ranked *items, size_t count, size_t common);

#endif /* SPLINTERCTL_SORT_H */
