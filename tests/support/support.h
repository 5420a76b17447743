/* SPDX-License-Identifier: Apache-2.0 */
/*
 * support.h - what the tests share: places for stores, clean-up, numbers, processes
 *
 * Compiled twice: with TEST_PERSISTENT defined for libsplinter_p, whose bus verbs take a path.
 * A helper that cannot do its work prints why and aborts: the test then fails by signal.
 */
#ifndef SPLINTER_TEST_SUPPORT_H
#define SPLINTER_TEST_SUPPORT_H

#include <splinter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Built with AddressSanitizer or ThreadSanitizer. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

/* Those before BACKING_NAMED have a name to be opened by. */
enum backing {
    BACKING_MEMORY,
    BACKING_FILE,
    BACKING_NAMED,
    BACKING_MEMFD = BACKING_NAMED,
    BACKINGS
};

/* Where one store is. */
struct place {
    int backing;
    char name[512];        /* as passed to splinter_store_open(); a label for memfd */
    uint32_t flags;        /* SPLINTER_MEMORY, _FILE or _ANONYMOUS */
    splinter_store *first; /* the handle that made it, from which a memfd is opened again */
};

extern const char *const backing_names[BACKINGS];

/* Once, first in main(): makes the directory, sees to its removal at exit, prints the seed. */
void support_start(void);
/* The same for a test that makes and removes thousands of stores: their files are in /dev/shm, and
 * not on a disk, unless SPLINTER_TEST_DISK asks for that. */
void support_start_in_memory(void);

/* The directory for files of this program; nothing in it outlives the program. */
const char *support_dir(void);

/* A name nobody has, in the default backing of the library, for the bus verbs. */
void bus_name(char *out, size_t size);
/* The file in which the default backing keeps `name`. */
void bus_path(char *out, size_t size, const char *name);

/* A name nobody has, in `backing`. */
void place_new(struct place *place, int backing);
/* Create a store there. */
splinter_store *place_make(struct place *place, int backing, size_t slots, size_t max_value);
/* What the next stores that are made there get as `feed`. */
extern size_t place_feed;
/* Another handle for it; `extra` is SPLINTER_RDONLY or 0.  The result of the open. */
int place_open(const struct place *place, uint32_t extra, splinter_store **out);
splinter_store *place_again(const struct place *place, uint32_t extra);
/* Close it, and remove its name if it has one. */
void place_end(const struct place *place, splinter_store *store);
/* A file name under which the raw bytes can be opened. */
void place_path(const struct place *place, char *out, size_t size);

/* All raw bytes of a file; free() them. */
uint8_t *raw_read(const char *path, size_t *size);
bool raw_contains(const char *path, const char *marker);
void raw_patch(const char *path, uint64_t offset, const void *bytes, size_t len);

/* The number of problems splinter_store_check() finds; they are printed. */
int check_store(splinter_store *store);

/* Instrumented, a thread that holds a key may be kept from the processor for longer than others
 * wait for it; that nobody is told to try again is not tested then. */
#if defined(__SANITIZE_THREAD__)
#define SUPPORT_THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SUPPORT_THREAD_SANITIZER 1
#endif
#endif
#ifdef SUPPORT_THREAD_SANITIZER
#define SLOW_HERE true
#define CHILDREN_HAVE_NO_THREADS true /* ThreadSanitizer ends a child of fork that makes one */
#define SKIP_WHERE_SLOW " # SKIP under ThreadSanitizer"
#else
#define SLOW_HERE false
#define CHILDREN_HAVE_NO_THREADS false
#define SKIP_WHERE_SLOW ""
#endif

/* How often something is repeated: `times`, or one in SPLINTER_TEST_DIVISOR of them, for tools
 * and machines on which an instruction takes thirty times as long. */
unsigned repeated(unsigned times);

/* xorshift64*: small, seedable. */
extern uint64_t support_seed;
uint64_t random_next(uint64_t *state);

uint64_t now_ns(void); /* CLOCK_MONOTONIC */
void sleep_ms(unsigned ms);
/* For a random time below `most_us`. */
void nap(uint64_t *seed, unsigned most_us);
/* As fork(), with nothing left in the buffer of stdout for both to print. */
pid_t fork_child(void);
/* A child that does not outlive its parent: it is killed when that dies. */
pid_t fork_bound_child(void);
/* Wait for a child; its exit status, or 1000 + signal. */
int reap(pid_t pid);
/* From now on the kernel refuses futex_waitv(2) to this thread, and those that it makes, with
 * `error`, as an old one does with ENOSYS, and a filter of system calls with EPERM.  False: that is
 * not possible here. */
bool refuse_waitv(int error);
/* Zeroes, shared with the children. */
void *shared_memory(size_t size);
/* How many names in a folder begin so. */
unsigned names_in(const char *folder, const char *begin);
uint64_t fnv1a(const void *bytes, size_t len);

__attribute__((noreturn, format(printf, 1, 2))) void die(const char *format, ...);

/* A step of the test's own that has to work. */
void must(int rc, const char *what);

/* The size of a meta that lacks the last member: a get with it takes the slow path. */
#define SHORT_META offsetof(struct splinter_meta, owner)

/* NULL if they ask for nothing: only then may a set take the fast path. */
static inline const struct splinter_set_options *
if_any(const struct splinter_set_options *options)
{
    return options->flags || options->ttl_ns || options->type ? options : NULL;
}

#endif
