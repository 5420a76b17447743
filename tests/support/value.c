/* SPDX-License-Identifier: Apache-2.0 */
/* value.c - values that say what they are; see value.h */
#include "value.h"

#include "support.h"

size_t value_make(struct value *v, uint64_t key, uint64_t writer, uint64_t count, size_t fill)
{
    v->key = key;
    v->writer = writer;
    v->count = count;
    v->len = offsetof(struct value, fill) + fill;
    for (size_t i = 0; i < fill; i++)
        v->fill[i] = (unsigned char)(key + writer + count + i);
    v->sum = 0;
    v->sum = fnv1a(v, v->len);
    return v->len;
}

bool value_whole(struct value *v, size_t len, uint64_t key)
{
    uint64_t sum = v->sum;

    v->sum = 0;
    return len >= offsetof(struct value, fill) && v->len == len && v->key == key &&
           fnv1a(v, len) == sum;
}
