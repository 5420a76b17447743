/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stranger.c - what a file is that is no store
 *
 * The signatures are those that the formats document, or that magic(5) knows; the names in shared
 * memory are those of sem_overview(7) and of the programs' sources.  Of a program that is not in
 * the tables the reader sees how its file begins: such programs put a signature there.
 *
 * Invariant: nothing that the file has is copied to the sentence, except for a few bytes that are
 * printable ASCII or are escaped.
 */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"
#include "filesystem.h"
#include "layout.h"
#include "stranger.h"

#define LOOKED_AT 512 /* bytes of the file */
#define SHOWN 12      /* of these, in the sentence */

#define PACKED "is compressed with "
#define UNPACK ": decompress it first"

/* Bytes at a place of a file.  A number is in the byte order of the machine that wrote it. */
static const struct signature {
    uint16_t at;
    uint16_t length;
    const char *bytes;
    uint32_t number; /* if `bytes` is NULL */
    const char *what;
} signatures[] = {
    {0, 16, "SQLite format 3", 0, "is an SQLite database"},
    {16, 4, NULL, 0xbeefc0de, "is an LMDB database"},
    {12, 4, NULL, 0xbeefc0de, "is an LMDB database"}, /* of a 32-bit process */
    {0, 4, NULL, 0xbeefc0de, "is the lock file of an LMDB database"},
    {0, 5, "REDIS", 0, "is a dump of Redis (RDB)"},
    {0, 4, NULL, 0x13579acd, "is a GDBM database"},
    {0, 4, NULL, 0x13579ace, "is a GDBM database"},
    {0, 4, NULL, 0x13579acf, "is a GDBM database"},
    {12, 4, NULL, 0x00053162, "is a Berkeley DB database"}, /* a B-tree */
    {12, 4, NULL, 0x00061561, "is a Berkeley DB database"}, /* a hash table */
    {0, 2, "\x1f\x8b", 0, PACKED "gzip" UNPACK},
    {0, 3, "BZh", 0, PACKED "bzip2" UNPACK},
    {0, 6, "\xfd" "7zXZ", 0, PACKED "xz" UNPACK},
    {0, 4, "\x28\xb5\x2f\xfd", 0, PACKED "zstd" UNPACK},
    {0, 4, "\x04\x22\x4d\x18", 0, PACKED "lz4" UNPACK},
    {257, 5, "ustar", 0, "is a tar archive"},
    {0, 4, "PK\x03\x04", 0, "is a ZIP archive"},
    {0, 4, "\x7f" "ELF", 0, "is an ELF file: a program, a library or a core dump"},
};

/* How names in /dev/shm begin. */
static const struct {
    const char *begin, *what;
} names[] = {
    {"sem.", "a POSIX semaphore"},
    {"psm_", "shared memory of a Python program"},
    {"PostgreSQL.", "shared memory of PostgreSQL"},
    {"pulse-shm-", "shared memory of PulseAudio"},
};

static bool has(const struct signature *is, const uint8_t *bytes, size_t count)
{
    if ((size_t)is->at + is->length > count)
        return false;
    if (is->bytes)
        return !memcmp(bytes + is->at, is->bytes, is->length);
    uint32_t number;
    memcpy(&number, bytes + is->at, sizeof number);
    return number == is->number || __builtin_bswap32(number) == is->number;
}

static const char *by_signature(const uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < sizeof signatures / sizeof *signatures; i++)
        if (has(&signatures[i], bytes, count))
            return signatures[i].what;
    return NULL;
}

static const char *by_name(int fd, const char *name)
{
    const char *slash = strrchr(name, '/'), *last = slash ? slash + 1 : name;
    for (size_t i = 0; filesystem_in_memory(fd) && i < sizeof names / sizeof *names; i++)
        if (!strncmp(last, names[i].begin, strlen(names[i].begin)))
            return names[i].what;
    return NULL;
}

/* The first bytes, as C would write them, less the zeroes at the end; "" if they are all zero. */
static void show(char out[SHOWN * 4 + 1], const uint8_t *bytes, size_t count)
{
    count = count < SHOWN ? count : SHOWN;
    while (count && !bytes[count - 1])
        count--;
    *out = '\0';
    for (size_t i = 0; i < count; i++) {
        bool plain = bytes[i] >= ' ' && bytes[i] <= '~' && bytes[i] != '"' && bytes[i] != '\\';
        out += sprintf(out, plain ? "%c" : "\\x%02x", bytes[i]);
    }
}

int stranger_say(int fd, const char *name)
{
    uint8_t bytes[LOOKED_AT];
    char shown[SHOWN * 4 + 1];
    ssize_t n = pread(fd, bytes, sizeof bytes, 0);
    size_t count = n > 0 ? (size_t)n : 0;
    if (!count)
        return error_set(EBADMSG, "'%.200s' is not a store: it is empty", name);
    const char *what = by_signature(bytes, count);
    if (what)
        return error_set(EBADMSG, "'%.200s' is not a store: it %s", name, what);
    what = by_name(fd, name);
    if (what)
        return error_set(EBADMSG, "'%.200s' is not a store: by its name it is %s", name, what);
    if (count >= sizeof STORE_MAGIC - 1 && !memcmp(bytes, STORE_MAGIC, sizeof STORE_MAGIC - 1))
        return error_set(EBADMSG, "'%.200s' is not a store any more: it is truncated, and has %zu "
                         "bytes", name, count);
    show(shown, bytes, count);
    if (!*shown)
        return error_set(EBADMSG, "'%.200s' is not a store: it begins with zeroes", name);
    return error_set(EBADMSG, "'%.200s' is not a store: another program made it; it begins with "
                     "\"%s\"", name, shown);
}
