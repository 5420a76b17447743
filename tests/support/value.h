/* SPDX-License-Identifier: Apache-2.0 */
/* value.h - values that say what they are, and whether they are whole */
#ifndef SPLINTER_TEST_VALUE_H
#define SPLINTER_TEST_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VALUE_FILL 860

struct value {
    uint64_t key, writer, count, len, sum;
    unsigned char fill[VALUE_FILL];
};

/* With so many bytes of the fill; the length of it all. */
size_t value_make(struct value *v, uint64_t key, uint64_t writer, uint64_t count, size_t fill);
/* A value of this key, not torn.  Its sum is gone afterwards. */
bool value_whole(struct value *v, size_t len, uint64_t key);

#endif
