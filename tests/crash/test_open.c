/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_open.c - each way in which opening, creating or removing a store fails, and what it says
 *
 * The error number is for programs; the sentence is for people, and has to name what was wrong.
 * A sentence of the library that no case here provokes is one of those that test_resources.c and
 * test_rebuild.c reach by a system call that fails.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define FAIL_INSIDE
#include "fail.h"
#include "format.h"
#include "support.h"
#include "tap.h"

static int faults;

static void begin(void)
{
    faults = 0;
    fail_reset();
}

/* The call returned rc: is that what it should, and does the sentence have these words? */
static void says(int rc, int want, const char *words)
{
    const char *sentence = splinter_last_error();

    fail_reset();
    if (rc == want && strstr(sentence, words) && !strchr(sentence, '\n'))
        return;
    printf("# %d (%s) instead of %d; '%s' should have '%s'\n", rc, strerror(rc < 0 ? -rc : 0), want,
           sentence, words);
    faults++;
}

static splinter_store *none = NULL;

static int open_with(const char *name, uint32_t flags, size_t slots, size_t max_value)
{
    struct splinter_open_options o = {.struct_size = sizeof(o)};
    int rc;

    o.flags = flags;
    o.slots = slots;
    o.max_value = max_value;
    rc = splinter_store_open(&none, name, &o);
    if (rc && none) {
        printf("# '%s': it failed, and there is a handle\n", name);
        faults++;
    }
    return rc;
}

static int open_file(const char *name)
{
    return open_with(name, SPLINTER_FILE, 0, 0);
}

/* A name in our folder. */
static const char *in_folder(const char *name)
{
    static char path[8][600];
    static unsigned n;

    n = (n + 1) % 8;
    snprintf(path[n], sizeof(path[n]), "%s/%s", support_dir(), name);
    return path[n];
}

/* ---- options ---- */

static void options(void)
{
    struct splinter_open_options o = {.struct_size = sizeof(o)};

    begin();
    says(splinter_store_open(NULL, "x", NULL), -EINVAL, "handle");
    o.struct_size = 3;
    says(splinter_store_open(&none, "x", &o), -EINVAL, "struct_size is 3");
    o.struct_size = 5000;
    says(splinter_store_open(&none, "x", &o), -E2BIG, "struct_size is 5000");
    o.struct_size = sizeof(o);
    o.flags = 0x80000000u;
    says(splinter_store_open(&none, "x", &o), -EINVAL, "unknown flags 0x80000000");
    o.flags = 0;
    o.mode = 01000;
    says(splinter_store_open(&none, "x", &o), -EINVAL, "mode is 01000");
    says(open_with("x", SPLINTER_MEMORY | SPLINTER_FILE, 1, 1), -EINVAL, "in a file or anonymous");
    says(open_with("x", SPLINTER_ANONYMOUS | SPLINTER_FILE, 1, 1), -EINVAL,
         "in a file or anonymous");
    says(open_with("x", SPLINTER_CREATE | SPLINTER_RDONLY, 1, 1), -EINVAL, "read-only");
    says(open_with("x", SPLINTER_EXCL, 1, 1), -EINVAL, "SPLINTER_EXCL");
    says(open_with("x", SPLINTER_CREATE, 0, 1), -EINVAL, "slots is 0");
    says(open_with("x", SPLINTER_CREATE, SPLINTER_SLOTS_MAX + (size_t)1, 1), -EINVAL,
         "slots is 268435457");
    says(open_with("x", SPLINTER_CREATE, 1, 0), -EINVAL, "max_value is 0");
    says(open_with("x", SPLINTER_CREATE, 1, SPLINTER_VALUE_MAX + (size_t)1), -EINVAL,
         "max_value is 1073741825");
    report(!faults, "options that are wrong: which one is told");
}

/* ---- names ---- */

static void names(void)
{
    static char longest[PATH_MAX + 1];

    begin();
    says(open_with(NULL, 0, 0, 0), -EINVAL, "name");
    says(open_with("", 0, 0, 0), -EINVAL, "name");
    says(open_with("/", SPLINTER_MEMORY, 0, 0), -EINVAL, "memory store");
    says(open_with(".", SPLINTER_MEMORY, 0, 0), -EINVAL, "memory store");
    says(open_with("/..", SPLINTER_MEMORY, 0, 0), -EINVAL, "memory store");
    says(open_with("a/b", SPLINTER_MEMORY, 0, 0), -EINVAL, "memory store");
    memset(longest, 'n', sizeof(longest) - 1);
    says(open_with(longest, SPLINTER_FILE, 0, 0), -ENAMETOOLONG, "the path");
    says(open_with(longest, SPLINTER_FILE | SPLINTER_CREATE, 1, 1), -ENAMETOOLONG, "4096 bytes");
    longest[NAME_MAX + 1] = 0;
    says(open_with(longest, SPLINTER_MEMORY, 0, 0), -ENAMETOOLONG, "the name");
    says(open_with(longest, SPLINTER_MEMORY | SPLINTER_CREATE, 1, 1), -ENAMETOOLONG, "256 bytes");
    says(splinter_store_unlink("", 0), -EINVAL, "name");
    says(splinter_store_unlink("x", SPLINTER_CREATE), -EINVAL, "flags is 0x1");
    says(splinter_store_unlink("x", SPLINTER_MEMORY | SPLINTER_FILE), -EINVAL, "flags is 0x18");
    report(!faults, "names that cannot be one of a store");
}

/* ---- what stands under the name ---- */

static void make_socket(const char *path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)))
        die("socket %s: %s", path, strerror(errno));
    close(fd);
}

static void other_files(void)
{
    const char *fifo = in_folder("fifo"), *socket = in_folder("socket"), *text = in_folder("text");
    struct stat st;
    int fd;

    begin();
    says(open_file(in_folder("nothing")), -ENOENT, "cannot open '");
    says(open_file(support_dir()), -EBADMSG, "regular file");
    says(open_with(support_dir(), SPLINTER_FILE | SPLINTER_RDONLY, 0, 0), -EBADMSG,
         "regular file");
    if (mkfifo(fifo, 0600))
        die("mkfifo: %s", strerror(errno));
    says(open_file(fifo), -EBADMSG, "regular file");
    make_socket(socket);
    says(open_file(socket), -EBADMSG, "regular file");
    says(splinter_store_unlink(socket, SPLINTER_FILE), -EBADMSG, "regular file");
    says(open_file("/dev/null"), -EBADMSG, "regular file");
    fd = open(text, O_RDWR | O_CREAT, 0600);
    says(open_file(text), -EBADMSG, "not a store");
    if (fd < 0 || write(fd, "no store", 8) != 8)
        die("%s: %s", text, strerror(errno));
    says(open_file(text), -EBADMSG, "not a store");
    if (ftruncate(fd, 4096))
        die("ftruncate");
    says(open_file(text), -EBADMSG, "not a store");
    says(splinter_store_unlink(text, SPLINTER_FILE), -EBADMSG, "not a store");
    says(splinter_store_unlink(in_folder("nothing"), SPLINTER_FILE), -ENOENT, "cannot open '");
    if (lstat(text, &st) || lstat(socket, &st) || lstat(fifo, &st)) {
        puts("# one of them was removed");
        faults++;
    }
    close(fd);
    unlink(text);
    unlink(socket);
    unlink(fifo);
    report(!faults, "what is no store is told, and stays");
}

/* ---- what other programs made ---- */

#define BYTES(text) text, sizeof(text) - 1

/* As the programs write them. */
static const struct stranger {
    size_t at;
    const char *bytes;
    size_t count;
    const char *words;
} strangers[] = {
    {0, BYTES("SQLite format 3\0\x10\0\1\1"), "it is an SQLite database"},
    {16, BYTES("\xde\xc0\xef\xbe\1\0\0\0"), "it is an LMDB database"},
    {16, BYTES("\xbe\xef\xc0\xde\0\0\0\1"), "it is an LMDB database"},
    {12, BYTES("\xde\xc0\xef\xbe\1\0\0\0"), "it is an LMDB database"},
    {0, BYTES("\xde\xc0\xef\xbe\xf2\2\0\0"), "the lock file of an LMDB database"},
    {0, BYTES("REDIS0011\xfa\x09redis-ver"), "it is a dump of Redis (RDB)"},
    {0, BYTES("\xcf\x9a\x57\x13\0\x10\0\0"), "it is a GDBM database"},
    {0, BYTES("\x13\x57\x9a\xcd\0\0\x10\0"), "it is a GDBM database"},
    {0, BYTES("\xce\x9a\x57\x13\0\x10\0\0"), "it is a GDBM database"},
    {12, BYTES("\x62\x31\5\0\x0a\0\0\0"), "it is a Berkeley DB database"},
    {12, BYTES("\0\6\x15\x61\0\0\0\x09"), "it is a Berkeley DB database"},
    {0, BYTES("\x1f\x8b\x08\0\0\0\0\0"), "compressed with gzip: decompress it first"},
    {0, BYTES("BZh91AY&SY"), "compressed with bzip2: decompress it first"},
    {0, BYTES("\xfd" "7zXZ\0\0\4"), "compressed with xz: decompress it first"},
    {0, BYTES("\x28\xb5\x2f\xfd\4\x58"), "compressed with zstd: decompress it first"},
    {0, BYTES("\4\x22\x4d\x18\x64\x40"), "compressed with lz4: decompress it first"},
    {257, BYTES("ustar\0" "00"), "it is a tar archive"},
    {257, BYTES("ustar  "), "it is a tar archive"},
    {0, BYTES("PK\3\4\x14\0"), "it is a ZIP archive"},
    {0, BYTES("\x7f" "ELF\2\1\1"), "it is an ELF file"},
    {0, BYTES("SPLINTER"), "truncated, and has 8 bytes"},
    {0, BYTES("\0\0\0\0"), "it begins with zeroes"},
    {0, BYTES("BUS\x1b[31m\"\\\n\xff more"), "begins with \"BUS\\x1b[31m\\x22\\x5c\\x0a\\xff\""},
    {0, BYTES("a letter"), "another program made it; it begins with \"a letter\""},
};

/* With this much behind it.  What is cut off in the middle is not recognised, nor read beyond. */
static void stranger_is(const struct stranger *is, size_t more)
{
    static char bytes[5000];
    const char *path = in_folder("stranger");
    size_t size = is->at + is->count + more;
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

    memset(bytes, 0, sizeof(bytes));
    memcpy(bytes + is->at, is->bytes, is->count);
    if (fd < 0 || write(fd, bytes, size) != (ssize_t)size)
        die("%s: %s", path, strerror(errno));
    says(open_file(path), -EBADMSG, is->words);
    says(open_with(path, SPLINTER_FILE | SPLINTER_RDONLY, 0, 0), -EBADMSG, is->words);
    says(open_with(path, SPLINTER_FILE | SPLINTER_CREATE, 1, 1), -EBADMSG, is->words);
    says(splinter_store_unlink(path, SPLINTER_FILE), -EBADMSG, is->words);
    says(splinter_store_open_fd(&none, fd, NULL), -EBADMSG, is->words);
    if (is->at && ftruncate(fd, (off_t)is->at + 1))
        die("ftruncate");
    if (is->at)
        says(open_file(path), -EBADMSG, is->at == 257 ? "zeroes" : "is not a store: ");
    close(fd);
    unlink(path);
}

static void what_others_made(void)
{
    static const struct stranger words[] = {
        {0, BYTES("\x0a\0\0\0"), "by its name it is a POSIX semaphore"},
        {0, BYTES("\x0a\0\0\0"), "by its name it is shared memory of a Python program"},
        {0, BYTES("\x0a\0\0\0"), "by its name it is shared memory of PostgreSQL"},
        {0, BYTES("\x0a\0\0\0"), "by its name it is shared memory of PulseAudio"},
    };
    static const char *const begin_with[] = {"sem.", "psm_", "PostgreSQL.", "pulse-shm-"};
    char name[100], path[120];

    begin();
    for (size_t i = 0; i < sizeof(strangers) / sizeof(*strangers); i++) {
        stranger_is(&strangers[i], 0);
        if (strcmp(strangers[i].bytes, "SPLINTER"))
            stranger_is(&strangers[i], 4096);
    }
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        int fd;

        snprintf(name, sizeof(name), "/%ssplinter-test-%ld", begin_with[i], (long)getpid());
        snprintf(path, sizeof(path), "/dev/shm%s", name);
        fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
        if (fd < 0 || write(fd, words[i].bytes, words[i].count) != (ssize_t)words[i].count)
            die("%s: %s", path, strerror(errno));
        close(fd);
        says(open_with(name, SPLINTER_MEMORY, 0, 0), -EBADMSG, words[i].words);
        says(open_with(name + 1, SPLINTER_MEMORY, 0, 0), -EBADMSG, words[i].words);
        says(open_with(path, SPLINTER_FILE, 0, 0), -EBADMSG, words[i].words);
        unlink(path);
    }
    report(!faults, "what another program made is told by what it is, or how it begins");
}

/* A symbolic link that leads nowhere is no store, and nothing can be created under its name: a
 * process that would do either tries many times, and ends. */
static void links_to_nowhere(void)
{
    const char *link = in_folder("link");
    struct place place;
    char shm[600];

    begin();
    if (symlink(in_folder("nowhere"), link))
        die("symlink: %s", strerror(errno));
    says(open_file(link), -ENOENT, "cannot open '");
    says(open_with(link, SPLINTER_FILE | SPLINTER_CREATE | SPLINTER_EXCL, 1, 1), -EEXIST,
         "exists");
    says(open_with(link, SPLINTER_FILE | SPLINTER_CREATE, 1, 1), -EEXIST, "exists");
    unlink(link);
    /* In memory no link is followed. */
    place_new(&place, BACKING_MEMORY);
    place_path(&place, shm, sizeof(shm));
    if (symlink("/dev/null", shm))
        die("symlink: %s", strerror(errno));
    says(open_with(place.name, SPLINTER_MEMORY, 0, 0), -ELOOP, "cannot open '");
    says(open_with(place.name, SPLINTER_MEMORY | SPLINTER_CREATE, 1, 1), -ELOOP, "cannot open '");
    unlink(shm);
    report(!faults, "a link that leads nowhere is neither opened nor replaced");
}

static void places_for_a_file(void)
{
    const char *file = in_folder("file");
    int fd;

    begin();
    fd = open(file, O_RDWR | O_CREAT, 0600);
    close(fd);
    says(open_with(in_folder("no/store"), SPLINTER_FILE | SPLINTER_CREATE, 1, 1), -ENOENT,
         "cannot create '");
    says(open_with(in_folder("file/store"), SPLINTER_FILE | SPLINTER_CREATE, 1, 1), -ENOTDIR,
         "cannot open '");
    says(open_with(in_folder("file/store"), SPLINTER_FILE | SPLINTER_CREATE | SPLINTER_EXCL, 1, 1),
         -ENOTDIR, "cannot create '");
    says(open_with(file, SPLINTER_FILE | SPLINTER_CREATE | SPLINTER_EXCL, 1, 1), -EEXIST,
         "exists");
    unlink(file);
    report(!faults, "a place where no file can be");
}

/* ---- headers ---- */

static const struct header_case {
    unsigned at;
    uint32_t value;
    bool sealed; /* its checksum is right */
    int want;
    const char *words;
} headers[] = {
    {0, 0x20202020, true, -EBADMSG, "not a store"},
    {AT_BYTE_ORDER, 0x04030201, false, -EPROTO, "byte order"},
    {AT_FORMAT, 1, false, -EPROTO, "version 1"},
    {AT_FORMAT, 4, true, -EPROTO, "version 4"},
    {AT_WORD_BITS, sizeof(void *) == 8 ? 32 : 64, true, -EPROTO, "-bit process"},
    {AT_SLOTS, 101, false, -EBADMSG, "damaged header"},
    {AT_SLOTS, 0, true, -EBADMSG, "damaged header"},
    {AT_SLOTS, UINT32_MAX, true, -EBADMSG, "damaged header"},
    {AT_MAX_VALUE, 0, true, -EBADMSG, "damaged header"},
    {AT_MAX_VALUE, UINT32_MAX, true, -EBADMSG, "damaged header"},
    {AT_FLAGS, 2, true, -EBADMSG, "damaged header"},
    {AT_BUCKETS, 52, true, -EBADMSG, "contradict"},
    {AT_SLAB_UNITS, 1024, true, -EBADMSG, "contradict"},
    {AT_SLABS, 1, true, -EBADMSG, "contradict"},
    {AT_CAPACITY, 1, true, -EBADMSG, "contradict"},
    {AT_ARENA_OFF, 4096, true, -EBADMSG, "contradict"},
};

static void headers_of(int backing)
{
    struct place place;
    splinter_store *s = place_make(&place, backing, 100, 1000);
    struct image image;
    char path[600];

    begin();
    place_path(&place, path, sizeof(path));
    for (unsigned i = 0; i < sizeof(headers) / sizeof(*headers); i++) {
        const struct header_case *h = &headers[i];
        char before[128];

        image_map(&image, path);
        memcpy(before, image.bytes, sizeof(before));
        image_set_u32(&image, h->at, h->value);
        if (h->sealed)
            image_seal_header(&image);
        says(place_open(&place, 0, &none), h->want, h->words);
        says(place_open(&place, SPLINTER_RDONLY, &none), h->want, h->words);
        memcpy(image.bytes, before, sizeof(before));
        image_free(&image);
    }
    if (place_open(&place, 0, &none)) {
        printf("# undamaged: %s\n", splinter_last_error());
        faults++;
    }
    splinter_store_close(none);
    splinter_store_close(s);
    report(!faults, "%s: a header that is wrong: what is wrong with it is told",
           backing_names[backing]);
    if (backing == BACKING_MEMFD)
        return;
    /* Whoever opens it meanwhile would touch what is not there. */
    begin();
    if (truncate(path, 70000))
        die("truncate: %s", strerror(errno));
    says(place_open(&place, 0, &none), -EBADMSG, "70000 bytes");
    says(splinter_store_unlink(place.name, place.flags), -EBADMSG, "truncated");
    unlink(path);
    report(!faults, "%s: a store without its end", backing_names[backing]);
}

/* What another version made is not opened, but may be removed. */
static void another_version(int backing)
{
    struct place place;
    struct image image;
    char path[600];

    begin();
    splinter_store_close(place_make(&place, backing, 100, 1000));
    place_path(&place, path, sizeof(path));
    image_map(&image, path);
    image_set_u32(&image, AT_FORMAT, 77);
    image_free(&image);
    says(open_with(place.name, place.flags | SPLINTER_CREATE, 1, 1), -EPROTO, "version 77");
    says(splinter_store_unlink(place.name, place.flags), 0, "");
    says(splinter_store_unlink(place.name, place.flags), -ENOENT, "cannot open '");
    report(!faults, "%s: a store of another version is refused, and can be removed",
           backing_names[backing]);
}

/* ---- descriptors ---- */

static void descriptors(void)
{
    struct splinter_open_options o = {.struct_size = 2};
    const char *path = in_folder("empty");
    int ends[2], fd;

    begin();
    says(splinter_store_open_fd(NULL, 0, NULL), -EINVAL, "handle");
    says(splinter_store_open_fd(&none, 0, &o), -EINVAL, "struct_size is 2");
    o.struct_size = 5000;
    says(splinter_store_open_fd(&none, 0, &o), -E2BIG, "struct_size is 5000");
    says(splinter_store_open_fd(&none, -1, NULL), -EBADF, "descriptor -1");
    says(splinter_store_open_fd(&none, 12345, NULL), -EBADF, "descriptor 12345");
    if (pipe(ends))
        die("pipe");
    says(splinter_store_open_fd(&none, ends[0], NULL), -EBADMSG, "regular file");
    close(ends[0]);
    close(ends[1]);
    fd = open(path, O_RDONLY | O_CREAT | O_CLOEXEC, 0600);
    says(splinter_store_open_fd(&none, fd, NULL), -EBADMSG, "not a store");
    close(fd);
    unlink(path);
    if (splinter_store_fd(NULL) != -EINVAL)
        faults++;
    report(!faults, "descriptors that lead to no store");
}

/* ---- what the system says ---- */

static int create(int backing, const char *name)
{
    struct place place;
    uint32_t flags;

    place_new(&place, backing);
    flags = place.flags | (backing == BACKING_MEMFD ? 0 : SPLINTER_CREATE | SPLINTER_EXCL);
    return open_with(name ? name : place.name, flags, 100, 1000);
}

static void fail(enum fail_kind kind, unsigned n, int error)
{
    fail_reset();
    fail_at[kind] = n;
    fail_errno = error;
}

/* An error that the interface has another name for, or one that says: again. */
static void errors_by_another_name(int backing)
{
    begin();
    fail(FAIL_fallocate, 1, EDQUOT);
    says(create(backing, NULL), -ENOSPC, "no room");
    fail(FAIL_fallocate, 1, EFBIG);
    says(create(backing, NULL), -ENOSPC, "no room");
    fail(FAIL_fallocate, 1, EOPNOTSUPP);
    says(create(backing, NULL), -EOPNOTSUPP, "fallocate");
    fail(FAIL_fallocate, 1, EIO);
    says(create(backing, NULL), -EIO, "reserve");
    fail(FAIL_ftruncate, 1, EIO);
    says(create(backing, NULL), -EIO, "size");
    fail(FAIL_pwrite, 1, EIO);
    says(create(backing, NULL), -EIO, "header");
    if (backing == BACKING_FILE) { /* others need no lock yet */
        fail(FAIL_fcntl, 1, ENOLCK);
        says(create(backing, NULL), -ENOLCK, "locks");
        fail(FAIL_fcntl, 1, EINTR);
        says(create(backing, NULL), 0, "");
        splinter_store_close(none);
    }
    fail(FAIL_allocation, 1, 0);
    says(create(backing, NULL), -ENOMEM, "memory");
    fail(FAIL_mmap, 1, ENOMEM);
    says(create(backing, NULL), -ENOMEM, "map");
    fail(FAIL_fallocate, 1, EINTR);
    says(create(backing, NULL), 0, "");
    splinter_store_close(none);
    says(create(backing, NULL), 0, "");
    fail(FAIL_fcntl, 1, ENOLCK);
    says(splinter_store_set(none, "k", "v", 1, NULL, NULL), backing == BACKING_FILE ? 0 : -ENOLCK,
         backing == BACKING_FILE ? "" : "locks");
    fail(FAIL_fcntl, 1, EINTR);
    says(splinter_store_set(none, "k", "v", 1, NULL, NULL), 0, "");
    splinter_store_close(none);
    report(!faults, "%s: what the system says when a store is created", backing_names[backing]);
}

/* ---- file systems that copy on write ---- */

#define MAGIC_BTRFS 0x9123683eu
#define MAGIC_ZFS 0x2fc12fc1u
#define MAGIC_XFS 0x58465342u

static void a_file_system_is(uint32_t magic, int nocow, int shared, int unshare)
{
    fail_reset();
    fail_magic = magic;
    fail_nocow = nocow;
    fail_shared = shared;
    fail_unshare = unshare;
    fail_free_bytes = UINT64_C(1) << 40;
}

/* What is created there, opened, and opened with `flags`. */
static void opens(const char *name, uint32_t flags, int want, const char *words)
{
    says(open_with(name, SPLINTER_FILE | flags, 100, 1000), want, words);
    splinter_store_close(none);
}

static void file_systems_that_copy(void)
{
    struct place place;
    char value[1000] = "";
    int rc = 0;

    begin();
    /* One that can be told not to: the new file is, before anything is in it. */
    place_new(&place, BACKING_FILE);
    a_file_system_is(MAGIC_BTRFS, 0, 0, 0);
    opens(place.name, SPLINTER_CREATE | SPLINTER_EXCL, 0, "");
    if (fail_nocow != 1)
        says(-1, 0, "the file is not told to be overwritten in place");
    opens(place.name, 0, 0, "");
    a_file_system_is(MAGIC_BTRFS, 0, 0, 0); /* as a copy that cp made */
    opens(place.name, 0, -EOPNOTSUPP, "btrfs copies");
    opens(place.name, SPLINTER_RDONLY, 0, "");
    opens(place.name, SPLINTER_COW, 0, "");

    /* One that cannot. */
    a_file_system_is(MAGIC_ZFS, -1, 0, 0);
    opens(place.name, 0, -EOPNOTSUPP, "SPLINTER_COW");
    opens(place.name, SPLINTER_RDONLY, 0, "");
    splinter_store_unlink(place.name, SPLINTER_FILE);
    opens(place.name, SPLINTER_CREATE, -EOPNOTSUPP, "ZFS copies");
    opens(place.name, SPLINTER_CREATE | SPLINTER_COW, 0, "");
    /* There, as much stays free as the file has. */
    says(open_with(place.name, SPLINTER_FILE | SPLINTER_COW, 100, 1000), 0, "");
    for (int i = 0; i < 100 && !rc; i++) {
        char key[16];

        snprintf(key, sizeof(key), "key%d", i);
        fail_free_bytes = 65536;
        rc = splinter_store_set(none, key, value, sizeof(value), NULL, NULL);
    }
    says(rc, -ENOSPC, "no room");
    fail_free_bytes = UINT64_C(1) << 40;
    says(splinter_store_set(none, "more", value, sizeof(value), NULL, NULL), 0, "");
    splinter_store_close(none);

    /* A file that shares blocks with a copy gets its own, or is not written to. */
    a_file_system_is(MAGIC_XFS, -1, 1, 0);
    opens(place.name, 0, 0, "");
    says(fail_shared, 0, "");
    a_file_system_is(MAGIC_XFS, -1, 1, ENOSPC);
    opens(place.name, 0, -ENOSPC, "shares some with a copy");
    opens(place.name, SPLINTER_RDONLY, 0, "");
    a_file_system_is(MAGIC_BTRFS, 1, 1, EOPNOTSUPP); /* then by writing it again */
    opens(place.name, 0, 0, "");
    fail_magic = 0;
    splinter_store_unlink(place.name, SPLINTER_FILE);
    report(!faults, "a file system that copies on write is told not to, refused, or watched");
}

/* ---- other kernels ---- */

/* Creates a store, fills it with values of many sizes, and looks. */
static void is_filled(int backing)
{
    static char value[200000];
    size_t size = 1;
    int rc;

    rc = create(backing, NULL);
    for (int i = 0; i < 60 && !rc; i++, size = size * 13 / 10 + 1) {
        char key[16];

        snprintf(key, sizeof(key), "key%d", i);
        memset(value, i, sizeof(value));
        rc = splinter_store_set(none, key, value, size < 1000 ? size : 1000, NULL, NULL);
    }
    says(rc, 0, "");
    if (none && check_store(none))
        says(-1, 0, "a sound store");
    splinter_store_close(none);
}

static void other_kernels(int backing)
{
    begin();
    alarm(60); /* what goes on for ever is to fail */
    fail_interrupts = 4096;
    is_filled(backing);
    report(!faults, "%s: a timer that interrupts fallocate, which undoes its work, stops nobody",
           backing_names[backing]);
    begin();
    fail_interrupts = 0;
    fail_page = 65536;
    fail_partly = 0;
    is_filled(backing);
    if (fail_partly)
        says(-1, 0, "a page is reserved whole");
    fail_page = 0;
    alarm(0);
    report(!faults, "%s: pages of 64 KiB are reserved whole", backing_names[backing]);
}

/* Of a store in a file that is synced. */
static void errors_of_a_sync(void)
{
    struct splinter_stat st = {.struct_size = sizeof(st)};
    int rc;

    begin();
    rc = create(BACKING_FILE, NULL);
    if (rc)
        die("create: %s", splinter_last_error());
    for (int again = 0; again < 2; again++)
        for (int kind = 0; kind < 2; kind++) {
            /* The arena is written by the first msync(), the sync point by the second. */
            if (splinter_store_set(none, "k", "v", 1, NULL, NULL))
                faults++;
            fail(FAIL_msync, 1 + (unsigned)kind, again ? EINTR : EDQUOT);
            rc = splinter_store_sync(none);
            fail_reset();
            if (rc != (again ? 0 : -ENOSPC) || splinter_store_stat(none, &st) ||
                st.sync_error != (uint32_t)-rc) {
                printf("# sync: %s, noted is %u\n", strerror(-rc), st.sync_error);
                faults++;
            }
        }
    splinter_store_close(none);
    fail(FAIL_fdatasync, 1, EDQUOT);
    says(create(BACKING_FILE, NULL), -ENOSPC, "No space");
    fail(FAIL_fdatasync, 1, EINTR);
    says(create(BACKING_FILE, NULL), 0, "");
    splinter_store_close(none);
    report(!faults, "what the system says when a store is written to disk");
}

/* A file system without O_TMPFILE: another name is used until the file is whole. */
static void names_for_a_while(void)
{
    static char longest[PATH_MAX];
    const char *name = in_folder("store");
    unsigned others = names_in(support_dir(), "store");
    char temporary[700];
    int fd;

    begin();
    fail_tmpfile = 1;
    for (int i = 0; i < 100; i++) {
        snprintf(temporary, sizeof(temporary), "%s.%ld-%d", name, (long)getpid(), i);
        fd = open(temporary, O_RDWR | O_CREAT | O_EXCL, 0600);
        if (fd < 0)
            die("%s: %s", temporary, strerror(errno));
        close(fd);
    }
    says(create(BACKING_FILE, name), -EEXIST, "cannot create '");
    unlink(temporary);
    says(create(BACKING_FILE, name), 0, "");
    splinter_store_close(none);
    says(create(BACKING_FILE, name), -EEXIST, "exists");
    unlink(name);
    fail(FAIL_link, 1, EMLINK);
    says(create(BACKING_FILE, name), -EMLINK, "cannot create '");
    if (!access(temporary, F_OK)) {
        puts("# the other name is still there");
        faults++;
    }
    for (int i = 0; i < 100; i++) {
        snprintf(temporary, sizeof(temporary), "%s.%ld-%d", name, (long)getpid(), i);
        unlink(temporary);
    }
    /* One that leaves no room for more: in this folder, by a long way round. */
    snprintf(longest, sizeof(longest), "%s", support_dir());
    while (strlen(longest) < PATH_MAX - 20)
        strcat(longest, "/.");
    strcat(longest, "/store");
    (void)create(BACKING_FILE, longest); /* whatever comes of it, nothing but it is there */
    splinter_store_close(none);
    unlink(longest);
    fail_tmpfile = 0;
    if (names_in(support_dir(), "store.") || names_in(support_dir(), "store") != others)
        faults++;
    report(!faults, "without O_TMPFILE a store is created, or nothing is left of it");
}

int main(void)
{
    support_start_in_memory();
    options();
    names();
    other_files();
    what_others_made();
    links_to_nowhere();
    places_for_a_file();
    for (int backing = 0; backing < BACKINGS; backing++)
        headers_of(backing);
    for (int backing = 0; backing < BACKING_NAMED; backing++)
        another_version(backing);
    descriptors();
    for (int backing = 0; backing < BACKINGS; backing++) {
        other_kernels(backing);
        errors_by_another_name(backing);
    }
    file_systems_that_copy();
    errors_of_a_sync();
    names_for_a_while();
    return tap_end();
}
