/* SPDX-License-Identifier: Apache-2.0 */
/* perf_value.c - the keys, and values that can be verified */
#include "perf_value.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

const char *const perf_fault_names[PERF_FAULTS] = {
    [PERF_RIGHT] = "right",     [PERF_TORN] = "torn",       [PERF_STALE] = "stale",
    [PERF_FOREIGN] = "foreign", [PERF_MISSING] = "missing",
};

static char key_prefix[PERF_KEY_SIZE - 8] = "k";
static size_t key_prefix_len = 1;

void perf_keys_of_our_own(void)
{
    key_prefix_len =
        (size_t)snprintf(key_prefix, sizeof(key_prefix), "__perf.%ld.", (long)getpid());
}

/* snprintf() would take longer than the get that follows. */
void perf_make_key(char *key, uint64_t number)
{
    memcpy(key, key_prefix, key_prefix_len);
    char *digit = key + key_prefix_len + 8;
    *digit = '\0';
    for (int i = 0; i < 8; i++, number /= 10)
        *--digit = (char)('0' + number % 10);
}

uint64_t perf_mix(uint64_t *state) /* splitmix64 */
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static uint64_t body_seed(uint64_t key, uint64_t version)
{
    uint64_t state = key * UINT64_C(0xd6e8feb86659fd93) + version;
    return perf_mix(&state);
}

static void fill(unsigned char *body, size_t len, uint64_t key, uint64_t version)
{
    uint64_t state = body_seed(key, version);
    for (size_t i = 0; i < len; i += 8) {
        uint64_t word = perf_mix(&state);
        memcpy(body + i, &word, len - i < 8 ? len - i : 8);
    }
}

void perf_make_value(struct perf_value *v, size_t size, uint64_t key, uint64_t version)
{
    v->key = key;
    v->version = version;
    fill(v->body, size - sizeof(*v), key, version);
}

static bool is_whole(const struct perf_value *v, size_t size)
{
    const unsigned char *body = v->body;
    size_t len = size - sizeof(*v);
    uint64_t state = body_seed(v->key, v->version);
    for (size_t i = 0; i < len; i += 8) {
        uint64_t word = perf_mix(&state);
        if (memcmp(body + i, &word, len - i < 8 ? len - i : 8) != 0)
            return false;
    }
    return true;
}

enum perf_fault perf_verify_value(const struct perf_value *v, size_t size, uint64_t key,
                                  uint64_t last_version)
{
    if (!is_whole(v, size))
        return PERF_TORN;
    if (v->key != key)
        return PERF_FOREIGN;
    if (v->version < last_version)
        return PERF_STALE;
    return PERF_RIGHT;
}

void perf_break_value(struct perf_value *v, size_t size, enum perf_fault fault, uint64_t key,
                      uint64_t last_version)
{
    size_t len = size - sizeof(*v), half = len / 2;
    switch (fault) {
    case PERF_TORN: /* the end is not what the beginning says */
        for (size_t i = half; i < len; i++)
            v->body[i] ^= 0x55;
        break;
    case PERF_STALE: /* perfectly right, but of before */
        perf_make_value(v, size, key, last_version - 1);
        break;
    case PERF_FOREIGN:
        perf_make_value(v, size, key + 1, v->version);
        break;
    default:
        break;
    }
}
