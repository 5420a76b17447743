/* SPDX-License-Identifier: Apache-2.0 */
/*
 * splinter.h - a message bus and key/value store in shared memory
 *
 * Every process that opens a store maps the same region of memory (or the
 * same file) and works on it directly; there is no server.  Readers never
 * block and never write.  Any process may be killed at any instruction; the
 * others go on.
 *
 * Caveats, before anything else:
 *  - A store is for one machine and one kernel.  Not for network file systems.
 *  - The processes must have the same word size and byte order.
 *  - Who may write to a store is trusted with its contents (see splinter(7)).
 *  - After fork() a child may go on using its parent's stores; after
 *    _Fork() or a raw clone() it may read them, and write after its first call.
 *  - A store handle must not be closed while another thread uses that handle.
 *    The bus verbs have no such rule: splinter_close() waits for them.
 *
 * Results of splinter_store_*: 0 or more, or a negative errno value.
 * Results of the bus verbs: 0 or more, or -1 (splinter_unset: also -2) with
 * the cause in errno.
 *
 * Threads: every function may be called from any thread, several at once.  None is a cancellation
 * point: a thread that is cancelled (deferred) ends after the call it is in.
 * Crash: a process killed inside any call leaves either nothing of the call,
 * or all of it; see splinter(7).  Since: 1.0, where nothing else is said.
 */
#ifndef SPLINTER_H
#define SPLINTER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- constants -------------------------------------------------------- */

/* A key is a C string of 1 to SPLINTER_KEY_MAX - 1 bytes. */
#define SPLINTER_KEY_MAX 256

/* Largest `slots` and `max_value` of a store (less on 32-bit machines). */
#define SPLINTER_SLOTS_MAX (UINT32_C(1) << 28)
#define SPLINTER_VALUE_MAX (UINT32_C(1) << 30)

/* A timeout in milliseconds that never ends. */
#define SPLINTER_FOREVER UINT64_MAX

/* Types of values.  A type is a label; only splinter_store_add() looks at it.
 * 0 to 255 are given out here, 256 to 65535 are the application's. */
#define SPLINTER_TYPE_BYTES 0
#define SPLINTER_TYPE_TEXT 1
#define SPLINTER_TYPE_JSON 2
#define SPLINTER_TYPE_INT64 3 /* eight bytes, in the machine's byte order */

/* The version of the library in use, such as "0.1.0"; a static string. */
const char *splinter_version(void);

/* SPLINTER_KEY_MAX of the library in use, for callers from other languages. */
size_t splinter_key_max(void);

/* One sentence (no newline) about why the last call of this thread that opens,
 * creates, unlinks or checks a store failed; "" if none did.  The string
 * is valid until the thread's next such call. */
const char *splinter_last_error(void);

/* ---- layer 1: the bus verbs: one store per process, no handle ----------- */

/*
 * Create, open, or whichever applies, and make it the process's store.  On
 * success a store that was open before is closed first; on failure it stays.
 *
 * name_or_path: in libsplinter a name as for shm_open(3), with or without a
 * leading slash; in libsplinter_p the path of a file.
 * slots: the most keys the store can hold, 1 to SPLINTER_SLOTS_MAX.
 * max_value_sz: the longest value in bytes, 1 to SPLINTER_VALUE_MAX.
 * Both are limits: memory is taken as data arrives.
 *
 * Returns 0, or -1 and errno: EINVAL (name, slots or max_value_sz), EEXIST
 * (splinter_create only), ENOENT (splinter_open only), EBADMSG (not a store, or a
 * damaged one), EPROTO (another format version, word size or byte order), EACCES,
 * ENOSPC, ENOMEM, EMFILE, ENAMETOOLONG, EUSERS (too many processes attached),
 * EOPNOTSUPP (a file system without fallocate), or what open(2) says.
 */
int splinter_create(const char *name_or_path, size_t slots, size_t max_value_sz);
int splinter_open(const char *name_or_path);
int splinter_open_or_create(const char *name_or_path, size_t slots, size_t max_value_sz);
int splinter_create_or_open(const char *name_or_path, size_t slots, size_t max_value_sz);

/* Detach from the store.  The store itself stays. */
void splinter_close(void);

/*
 * Set key to the len bytes at val.  Returns 0, or -1 and errno: EINVAL (key or
 * val NULL or empty, len 0), ENAMETOOLONG (key), EMSGSIZE (len over the store's
 * max_value), ENOSPC (no slot or no memory left), EAGAIN (a stopped process holds
 * this key), EROFS (opened read-only), EBADF (no store is open), EBADMSG (a corrupt store).
 */
int splinter_set(const char *key, const void *val, size_t len);

/* Remove key; its bytes are zeroed.  Returns the length of the value removed; -1
 * and errno ENOENT or EAGAIN (or EROFS); -2 for no key (EINVAL) or no store (EBADF). */
int splinter_unset(const char *key);

/*
 * Copy the value of key to buf.  *out_sz, if out_sz is not NULL, gets its length.
 * buf NULL asks for the length alone.  Returns 0, or -1 and errno: ENOENT,
 * EMSGSIZE (buf_sz is too small: *out_sz has the size needed), EAGAIN (lost very
 * many races in a row), EINVAL, ENAMETOOLONG, EBADF, EBADMSG (a corrupt store).
 */
int splinter_get(const char *key, void *buf, size_t buf_sz, size_t *out_sz);

/*
 * List the keys.  out_keys gets up to max_keys pointers, *out_count how many.
 * With out_keys NULL *out_count gets the number of keys there are.  The strings
 * stay valid until the process's next splinter_list() or splinter_close().
 * Returns 0, or -1 and errno: EINVAL, ENOMEM, EBADF.
 */
int splinter_list(char **out_keys, size_t max_keys, size_t *out_count);

/*
 * Wait until key has a newer value than when the call began.  Returns 0, or -1
 * and errno: ETIMEDOUT, ENOENT (no such key, or it was unset meanwhile), EINVAL,
 * ENAMETOOLONG, EBADF; EAGAIN and EBADMSG as for splinter_get().
 */
int splinter_poll(const char *key, uint64_t timeout_ms);

/*
 * libsplinter_p: when it returns 0, everything that was acknowledged before the call is on disk.
 * Returns 0, or -1 and errno: EBADF, or those of splinter_store_sync().
 */
int splinter_sync(void);

/* ---- layer 2: stores with handles ---------------------------------------- */

typedef struct splinter_store splinter_store;

/* Flags of splinter_store_open(). */
#define SPLINTER_CREATE 0x01u    /* create it if it does not exist */
#define SPLINTER_EXCL 0x02u      /* with SPLINTER_CREATE: fail with EEXIST if it exists */
#define SPLINTER_RDONLY 0x04u    /* map read-only; not with SPLINTER_CREATE */
#define SPLINTER_MEMORY 0x08u    /* the name is that of a memory store */
#define SPLINTER_FILE 0x10u      /* the name is the path of a file */
#define SPLINTER_ANONYMOUS 0x20u /* memfd_create(2): a new store without a name */
#define SPLINTER_SYNC_EACH 0x40u /* sync after each change, before the call returns */
#define SPLINTER_REBUILD 0x80u   /* rebuild the index of a file that nobody else has open */
#define SPLINTER_NETWORK 0x100u  /* open a file even where it is on a network file system */

/* Set struct_size to sizeof, everything else to 0, then what you need. */
struct splinter_open_options {
    size_t struct_size;
    uint32_t flags;   /* SPLINTER_*; neither MEMORY nor FILE: the library's default */
    uint32_t mode;    /* permissions of a new store, less the umask; 0 means 0600 */
    size_t slots;     /* of a new store: the most keys it holds */
    size_t max_value; /* of a new store: the longest value in bytes */
    /* Of stores in files: who changes something when the last sync is older syncs; 0: nobody. */
    uint64_t sync_every_ms;
    /* Called while the index is rebuilt, by the thread that opens: bytes done, bytes in all. */
    void (*progress)(void *arg, uint64_t done, uint64_t total);
    void *progress_arg;
};

/*
 * Open or create a store and put a handle for it in *out.  options NULL opens an
 * existing store to read and write.  With SPLINTER_ANONYMOUS name is a label that
 * /proc shows, and may be NULL.
 *
 * A file that may only be read is opened as with SPLINTER_RDONLY.  A file that was not left in
 * order on this kernel (a power cut, a copy of a store in use) has its index rebuilt: see
 * `progress`.  If records were damaged the open succeeds, splinter_last_error() says how many,
 * and so does splinter_stat.  Errors: those of splinter_create(), -EIO.
 */
int splinter_store_open(splinter_store **out, const char *name,
                        const struct splinter_open_options *options);

/* Open the store behind a descriptor, as received over a socket.  fd stays the caller's.  Of
 * the options the flags SPLINTER_RDONLY, _SYNC_EACH and _REBUILD count, sync_every_ms and
 * progress.  Needs /proc. */
int splinter_store_open_fd(splinter_store **out, int fd,
                           const struct splinter_open_options *options);

/* The descriptor of the store, to be passed on; it is the handle's: do not close it. */
int splinter_store_fd(const splinter_store *store);

/* Detach and free the handle.  NULL is allowed.  The last one of a store in a file syncs it; who
 * wants to know whether that went well calls splinter_store_sync() before. */
void splinter_store_close(splinter_store *store);

/* Remove the name of a store; processes that are attached keep it.  flags:
 * SPLINTER_MEMORY, SPLINTER_FILE or 0.  -EBADMSG if it is not a store. */
int splinter_store_unlink(const char *name, uint32_t flags);

/* What is known of a value.  The caller sets struct_size to sizeof. */
struct splinter_meta {
    size_t struct_size;
    uint64_t epoch;      /* of the set that wrote it */
    uint64_t ttl_ns;     /* remaining life in nanoseconds; 0: it has no end */
    uint64_t value_size; /* bytes */
    uint32_t type;       /* SPLINTER_TYPE_* or the application's */
    uint32_t revision;   /* 1 for a key newly set, one more with each set since (mod 2^32) */
    uint32_t retries;    /* races this call lost before it had a whole value */
    uint32_t reserved;   /* 0 */
};

/*
 * Copy the value of key to buf, its length to *out_size, the rest to *meta; each
 * may be NULL (buf NULL: the length alone).  Returns 0, or -ENOENT, -EMSGSIZE
 * (*out_size and *meta are filled in), -EAGAIN, -EINVAL, -ENAMETOOLONG, -EBADMSG.
 * On -EMSGSIZE nothing is written to buf, unless the value grew during the call.
 */
int splinter_store_get(splinter_store *store, const char *key, void *buf, size_t buf_size,
                       size_t *out_size, struct splinter_meta *meta);

#define SPLINTER_IF_ABSENT 0x01u /* only if the key is not there, else -EEXIST */
#define SPLINTER_IF_EPOCH 0x02u  /* only if the value's epoch is still if_epoch, else -ESTALE
                                    (-ENOENT if the key is gone) */

/* Set struct_size to sizeof, everything else to 0, then what you need. */
struct splinter_set_options {
    size_t struct_size;
    uint32_t flags;    /* SPLINTER_IF_* */
    uint32_t type;     /* 0 to 65535 */
    uint64_t ttl_ns;   /* life in nanoseconds; 0: until it is unset */
    uint64_t if_epoch; /* for SPLINTER_IF_EPOCH */
};

/*
 * Set key.  options NULL: unconditional, type 0, no end of life.  *out_epoch, if
 * not NULL, gets the epoch of the new value.  Returns 0 or -EINVAL,
 * -ENAMETOOLONG, -EMSGSIZE, -ENOSPC, -EAGAIN, -EROFS, -EEXIST, -ENOENT, -ESTALE,
 * -EBADMSG (a corrupt store).
 */
int splinter_store_set(splinter_store *store, const char *key, const void *val, size_t len,
                       const struct splinter_set_options *options, uint64_t *out_epoch);

/* Remove key, if if_epoch is not 0 only if that is still its epoch.  *out_len, if
 * not NULL, gets the length of the value removed.  Returns 0 or -ENOENT, -ESTALE,
 * -EAGAIN, -EROFS, -EINVAL, -ENAMETOOLONG. */
int splinter_store_unset(splinter_store *store, const char *key, uint64_t if_epoch,
                         size_t *out_len);

/* Append to the value of key, or set it if absent, in one atomic step.  Type and end
 * of life are kept.  Errors: those of splinter_store_set(), -ENOMEM. */
int splinter_store_append(splinter_store *store, const char *key, const void *val, size_t len,
                          uint64_t *out_epoch);

/* Add delta to the SPLINTER_TYPE_INT64 at key (0 if absent) in one atomic step; *out_value,
 * if not NULL, gets the sum.  -EINVAL if the value has another type, -ERANGE on
 * overflow (the value is unchanged), else the errors of splinter_store_set(). */
int splinter_store_add(splinter_store *store, const char *key, int64_t delta, int64_t *out_value);

/*
 * Walk over the keys that begin with prefix (NULL or "": all), in no order.  Begin with
 * *cursor 0; each call that returns 1 fills in key, which has room for
 * SPLINTER_KEY_MAX bytes, and *meta if not NULL.  0: the end.  A key that is there
 * throughout is met exactly once; one that comes or goes may be met or not.
 */
int splinter_store_walk(splinter_store *store, const char *prefix, uint64_t *cursor, char *key,
                        struct splinter_meta *meta);

/*
 * Wait until key has a value newer than epoch (0: until it exists).  *out_epoch, if not
 * NULL, gets that value's epoch.  Nothing between a get and a wait for newer than
 * that get's epoch is missed.  Returns 0, or -ETIMEDOUT, -ENOENT (epoch is not 0 and
 * the key is not there, or no longer), -EINVAL, -ENAMETOOLONG.  Timeout 0 only looks.
 */
int splinter_store_wait(splinter_store *store, const char *key, uint64_t epoch,
                        uint64_t timeout_ms, uint64_t *out_epoch);

/* Wait until anything in the store has changed (set or unset) after the store's epoch was
 * `epoch`; *out_epoch gets the epoch to wait with next.  May return when nothing visible has
 * changed, never misses a change.  Returns 0, -ETIMEDOUT, -EINVAL. */
int splinter_store_wait_any(splinter_store *store, uint64_t epoch, uint64_t timeout_ms,
                            uint64_t *out_epoch);

/* What a store is and holds.  The caller sets struct_size to sizeof. */
struct splinter_stat {
    size_t struct_size;
    uint64_t slots;          /* limits, from the creation */
    uint64_t max_value;      /* bytes */
    uint64_t keys;           /* present now, expired ones not yet swept included */
    uint64_t used_bytes;     /* in blocks that hold records */
    uint64_t reserved_bytes; /* memory or disk taken from the system */
    uint64_t mapped_bytes;   /* address space: the most the store can grow to */
    uint64_t epoch;          /* of the store, now */
    uint32_t attached;       /* processes (handles) attached to write */
    uint32_t format_version; /* of the layout of the store */
    uint32_t durable;        /* 1: in a file, and kept by splinter_store_sync() */
    uint32_t sync_error;     /* errno of the last sync, if it failed and none succeeded since */
    uint64_t synced;         /* epoch up to which everything is on disk */
    uint32_t rebuilt;        /* records that the last rebuild of the index found */
    uint32_t damaged;        /* and those that it could not save, until the next clean open */
};
int splinter_store_stat(splinter_store *store, struct splinter_stat *stat);

/*
 * Stores in files: when it returns 0, everything that was acknowledged before the call is on disk,
 * and what was replaced or removed before it is zeroed.  Other stores: 0, nothing is done.
 * Returns 0, or -EROFS, -EAGAIN (a stopped process is in the middle of a change or of a sync),
 * -EIO, -ENOSPC or what else fdatasync(2) says: then the next sync writes everything again.
 */
int splinter_store_sync(splinter_store *store);

/*
 * Write a copy of a store in use to a new file, which opens as a store: each key in a version that
 * was current at some moment of the call; nothing that was there all the time is missing, nothing
 * that was unset before is in it.  Epochs, types, revisions and ends of life are kept.  Writers are
 * not held up.  The file appears whole, on disk, or not at all; mode is as in the options.
 * Returns 0, or -EEXIST, -EINVAL, -ENOMEM, or the errors of splinter_create().
 */
int splinter_store_snapshot(splinter_store *store, const char *path, uint32_t mode);

/* The same into an empty regular file that is open to read and write. */
int splinter_store_snapshot_fd(splinter_store *store, int fd);

/* Remove expired keys.  Returns how many, or -EROFS. */
int splinter_store_sweep(splinter_store *store);

/*
 * Walk the whole store and report what is wrong with it: report, if not NULL, is called with
 * one sentence for each problem.  Returns the number of problems, 0 for none.  Works on a live
 * store; what others change meanwhile is not a problem.  -EAGAIN if it never was quiet enough
 * to tell leaked blocks, -ENOMEM.
 */
int splinter_store_check(splinter_store *store, void (*report)(void *arg, const char *problem),
                         void *arg);

#ifdef __cplusplus
}
#endif
#endif /* SPLINTER_H */
