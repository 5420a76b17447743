/* SPDX-License-Identifier: Apache-2.0 */
/*
 * splinter.h - a message bus and key/value store in shared memory
 *
 * Every process that opens a store maps the same memory, or the same file, and works on it
 * directly.  There is no server.  Readers never block and never write.  Any process may be killed
 * at any instruction, and the others carry on.
 *
 * Read these caveats first:
 *  - A store belongs to one machine and one kernel.  It is not for network file systems.
 *  - All processes that use a store must have the same word size and byte order.
 *  - Any process with write access is trusted with the contents (see splinter(7)).
 *  - After fork() the child may go on using its parent's stores.  After _Fork() or a raw clone()
 *    it may read them, and it may write to them after its first call.
 *  - If the application closes or replaces the descriptors of a handle, no call touches what has
 *    their numbers.  Gets and changes in place go on.  What needs a descriptor fails with EBADF, as
 *    does the get of a value of more than 8 KiB through a handle that is read-only or has changed
 *    nothing.
 *  - Do not close a store handle while another thread uses it.  The bus verbs have no such rule:
 *    splinter_close() waits for them.
 *  - The shared libraries stay mapped after dlclose(3), and what is open stays open.
 *
 * Results of splinter_store_*: 0 or more, or a negative errno value.
 * Results of the bus verbs: 0 or more, or -1 with the cause in errno (splinter_unset: also -2).
 *
 * Threads: any thread may call any function, and several threads may call at the same time.  No
 * function is a cancellation point: a cancelled thread ends after the call it is in (deferred
 * cancellation only).  Also a destructor of pthread_key_create(3), which runs when a thread ends,
 * may call any function.
 * Crash: if a process is killed inside a call, the call has taken effect completely or not at all;
 * see splinter(7).
 * Since: 0.1.0, unless a comment says otherwise.
 */
#ifndef SPLINTER_H
#define SPLINTER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- constants -------------------------------------------------------- */

/* Each is a literal, so that generators of bindings, which see no macros inside macros, find it. */

/* A key is a C string of 1 to SPLINTER_KEY_MAX - 1 bytes. */
#define SPLINTER_KEY_MAX 256

/* Largest `slots` and `max_value` of a store (less on 32-bit machines):
 * 2^28 and 2^30. */
#define SPLINTER_SLOTS_MAX 0x10000000u
#define SPLINTER_VALUE_MAX 0x40000000u

/* A timeout, in milliseconds, that never expires. */
#define SPLINTER_FOREVER 0xffffffffffffffff /* UINT64_MAX */

/* Types of values.  A type is a label; only splinter_store_add() looks at it.  Splinter defines
 * 0 to 255; 256 to 65535 are for the application. */
#define SPLINTER_TYPE_BYTES 0
#define SPLINTER_TYPE_TEXT 1
#define SPLINTER_TYPE_JSON 2
#define SPLINTER_TYPE_INT64 3 /* eight bytes, in the machine's byte order */

/* The version of the library in use, such as "0.1.0".  The string is static. */
const char *splinter_version(void);

/* SPLINTER_KEY_MAX of the library in use, for bindings to other languages. */
size_t splinter_key_max(void);

/* One sentence, without a newline, that says why this thread's last call that opens, creates,
 * unlinks, checks, copies or follows a store failed; "" if it succeeded.  After an open that found
 * damaged records, and succeeded, it says how many there are.  After a set, append, touch or add
 * that returned ENOSPC it says what ran out, and after one that returned EIO or EBADF, for lack of
 * space, why there is none; after a change that could not attach (such as EUSERS) why, and after a
 * change that returned EINPROGRESS why the sync failed.  After a wait for many keys that returned
 * EINVAL, ENAMETOOLONG or E2BIG it says which argument is wrong.  If such a call succeeds or fails
 * otherwise, the sentence stays as it was.  The string is valid until the thread's next call that
 * changes it. */
const char *splinter_last_error(void);

/* ---- layer 1: the bus verbs: one store per process, no handle ----------- */

/*
 * Create a store, open one, or do whichever applies, and make it the store of this process.  On
 * success the store that the process had open before is closed; on failure it stays open.
 *
 * name_or_path: in libsplinter a name as for shm_open(3), with or without a leading slash; in
 * libsplinter_p the path of a file.
 * slots: the largest number of keys that the store can hold, 1 to SPLINTER_SLOTS_MAX.
 * max_value_sz: the length of the longest value in bytes, 1 to SPLINTER_VALUE_MAX.
 * Both are limits.  Memory is reserved only as data arrives.  If slots values of max_value_sz bytes
 * would need more than 256 GiB of addresses (a 32-bit machine: 768 MiB), the store holds fewer of
 * them; `capacity` in struct splinter_stat says how many.
 *
 * Returns 0, or -1 and errno: EINVAL (name, slots or max_value_sz), EEXIST (splinter_create; the
 * others only if the name is a symbolic link that leads nowhere), ENOENT (no such store:
 * splinter_open; no such directory: all), EBADMSG (not a store, or a damaged one), EPROTO (another
 * format version, word size or byte order), EACCES, ENOSPC, EAGAIN (a stopped process is opening or
 * closing this file), ENOMEM, EMFILE, EIO, ENAMETOOLONG, EUSERS (a file that has to be brought into
 * order, and others have locked all 512 places of writers), EOPNOTSUPP (a file system without
 * fallocate, one that copies files when they are overwritten, or a network file system), ENOLCK
 * (the library cannot open the file a second time, for its locks, as there is no /proc, and its
 * name does not lead to it any more), or another error of open(2).  splinter_create() never returns
 * EBADMSG, EPROTO, EAGAIN or EUSERS.
 */
int splinter_create(const char *name_or_path, size_t slots, size_t max_value_sz);
int splinter_open(const char *name_or_path);
int splinter_open_or_create(const char *name_or_path, size_t slots, size_t max_value_sz);
int splinter_create_or_open(const char *name_or_path, size_t slots, size_t max_value_sz);

/*
 * The same with the options of splinter_store_open(), which are further below: such as to read only
 * (SPLINTER_RDONLY), to create with a mode, or to sync after each change.  If options is NULL, the
 * call opens an existing store.  Returns 0, or -1 and an error of splinter_open_or_create(), or
 * E2BIG.
 */
struct splinter_open_options;
int splinter_open_with(const char *name_or_path, const struct splinter_open_options *options);

/* Detach from the store.  The store itself remains. */
void splinter_close(void);

/*
 * Set key to the len bytes at val.  Returns 0, or -1 and errno: EINVAL (key NULL or empty, val NULL
 * or len 0), ENAMETOOLONG (key), EMSGSIZE (len exceeds the store's max_value), ENOSPC (no slot or
 * no memory left; splinter_last_error() says which), EAGAIN (a stopped process holds this key, or
 * the last free memory of this size; or very many races were lost), EROFS (opened read-only), EBADF
 * (no store is open, or its descriptors were closed), EBADMSG (the store is corrupt), EIO (the file
 * system has failed), EINPROGRESS (the set has been made, but the sync that splinter_open_with()
 * asked for has failed: sync again).
 *
 * The first bus verb of a thread may also fail with ENOMEM.  The first change that a process makes
 * attaches it to the store: only writers take one of the 512 places.  So that set or unset may fail
 * with EUSERS (512 others are attached), or another error of splinter_open(); then nothing was
 * changed.  A child after fork() is a process of its own; its first change may also fail with
 * ENOLCK (the library cannot open the store again for the child: its user may not, or there is no
 * /proc).
 */
int splinter_set(const char *key, const void *val, size_t len);

/* Remove key and zero its bytes.  Returns the length of the value removed; or -1 and errno:
 * ENOENT, EAGAIN, EROFS, ENAMETOOLONG or EINPROGRESS, or as the first change (see splinter_set())
 * EUSERS, ENOLCK or another error of splinter_open(); or -2 and errno: EINVAL (no key), EBADF (no
 * store) or ENOMEM. */
int splinter_unset(const char *key);

/*
 * Copy the value of key to buf.  *out_sz receives its length, unless out_sz is NULL.  If buf is
 * NULL the call gives the length alone.  Returns 0, or -1 and errno: ENOENT, EMSGSIZE (buf_sz is
 * too small; *out_sz has the size needed), EAGAIN (the call lost very many races in a row), EINVAL,
 * ENAMETOOLONG, EBADF, EBADMSG (the store is corrupt), EIO (see splinter_store_get()), ENOMEM (the
 * first bus verb of a thread).
 */
int splinter_get(const char *key, void *buf, size_t buf_sz, size_t *out_sz);

/*
 * List the keys.  out_keys receives up to max_keys pointers, and *out_count their number.  If
 * out_keys is NULL, *out_count receives the number of keys in the store.  The strings stay valid
 * until the process calls splinter_list() again or closes the store.
 * Returns 0, or -1 and errno: EINVAL, ENOMEM, EBADF.
 */
int splinter_list(char **out_keys, size_t max_keys, size_t *out_count);

/*
 * Wait until key has a newer value than when the call began.  Returns 0, or -1 and errno:
 * ETIMEDOUT, ENOENT (no such key, or it was unset meanwhile), EINTR (a signal handler has run, as
 * for poll(2)), EINVAL, ENAMETOOLONG, EBADF (also if the store is closed meanwhile); EAGAIN,
 * EBADMSG and ENOMEM as for splinter_get().
 */
int splinter_poll(const char *key, uint64_t timeout_ms);

/*
 * Sync the store of the process, as splinter_store_sync() does.  Returns 0, or -1 and errno: EBADF
 * (also: no store is open), ENOMEM (the first bus verb of a thread), EROFS, EUSERS, ENOLCK, EAGAIN,
 * EIO, ENOSPC, or another error of splinter_store_sync().
 */
int splinter_sync(void);

/* ---- layer 2: stores with handles ---------------------------------------- */

typedef struct splinter_store splinter_store;

/*
 * Structures grow at their end, so a program and the library may know different versions of one.
 * The caller sets struct_size, the first member, to sizeof the structure before the call.
 *
 * Options that the library reads: what the caller's structure does not reach counts as 0.  What
 * lies beyond the structure that the library knows must be 0, else the call returns -E2BIG and does
 * nothing: the library would have to ignore what the caller asks for.
 *
 * Structures that the library fills in: it writes as far as both reach, and sets struct_size to
 * the number of bytes that it has filled in.  It leaves what lies beyond as it was.  A call that
 * fails leaves all of it as it was, unless the call says otherwise.  What one call has filled in,
 * the next one may be given again as it is.
 *
 * -EINVAL: struct_size is less than its own size.
 */

/* Flags of splinter_store_open(). */
#define SPLINTER_CREATE 0x01u    /* create the store if it does not exist */
#define SPLINTER_EXCL 0x02u      /* with SPLINTER_CREATE: fail with EEXIST if the store exists */
#define SPLINTER_RDONLY 0x04u    /* map the store read-only; not with SPLINTER_CREATE */
#define SPLINTER_MEMORY 0x08u    /* the name is the name of a memory store */
#define SPLINTER_FILE 0x10u      /* the name is the path of a file */
#define SPLINTER_ANONYMOUS 0x20u /* memfd_create(2): a new store without a name */
#define SPLINTER_SYNC_EACH 0x40u /* sync after each change, before the call returns */
#define SPLINTER_REBUILD 0x80u   /* rebuild the index of a file that nobody else has open */
#define SPLINTER_NETWORK 0x100u  /* open a file even if it is on a network file system */
#define SPLINTER_EINTR 0x200u    /* a wait returns -EINTR after a signal handler has run */
#define SPLINTER_COW 0x400u      /* write to a file even if it is copied when it is overwritten */

/* Set struct_size to sizeof this structure, all else to 0, and then the members that you need. */
struct splinter_open_options {
    size_t struct_size;
    uint32_t flags;   /* SPLINTER_*; with neither MEMORY nor FILE, the library's default */
    uint32_t mode;    /* permissions of any new store, less the umask; 0 means 0600 */
    size_t slots;     /* of a new store: the largest number of keys */
    size_t max_value; /* of a new store: the length of the longest value in bytes */
    /* Stores in files: a call that changes something syncs if the last sync is older.  0: never. */
    uint64_t sync_every_ms;
    /* The opening thread calls it during a rebuild of the index: bytes done, bytes in all. */
    void (*progress)(void *arg, uint64_t done, uint64_t total);
    void *progress_arg;
    /* Of a new store: how many changes each writing thread keeps for splinter_feed_next(), 1 to
     * 65536 (a 32-bit machine: 256), rounded up to a power of two, at least 64.  0: no feed.  A
     * change of a key of more than 40 bytes counts as two, and as one more for each 48 bytes. */
    size_t feed;
};

/*
 * Open or create a store and put a handle for it in *out.  If options is NULL, the call opens an
 * existing store to read and write.  With SPLINTER_ANONYMOUS, name is a label that /proc shows; it
 * may be NULL.
 *
 * If the process may only read a file, the call opens it as with SPLINTER_RDONLY.  If this very
 * file was neither closed in order nor last in use on this kernel (after a power cut, or because it
 * is a copy), the call rebuilds its index; see `progress`.  If the rebuild finds damaged records
 * the call still succeeds; splinter_last_error() and splinter_store_stat() say how many there are.
 * A copy that was made while a sync of the store ended may lack keys: the call refuses it with
 * -EBADMSG, unless flags has SPLINTER_REBUILD; then it counts them among the damaged records.
 * With SPLINTER_REBUILD the call also rebuilds an index that is whole, unless another handle has
 * the file open, if only to read.  Then the call succeeds, and splinter_last_error() says so.
 * Returns 0, or an error of splinter_open_or_create(), negated, or -E2BIG (see struct_size).
 */
int splinter_store_open(splinter_store **out, const char *name,
                        const struct splinter_open_options *options);

/*
 * Open the store behind a descriptor, such as one received over a socket.  fd stays the caller's.
 * Of the options, the flags SPLINTER_RDONLY, _SYNC_EACH, _REBUILD, _NETWORK, _COW and _EINTR,
 * sync_every_ms, progress and progress_arg count.
 *
 * The handle can do no more than fd: if fd is open to read only, so is the handle.  To write, the
 * call opens the file of fd a second time.  So fd has to be open to read and write, the user of the
 * process needs write permission by the mode of the store, and /proc has to be there.
 * Returns 0, or -EBADF (not open, or opened with O_PATH), -ENOLCK (no /proc), -EACCES (also: fd is
 * open to write only, or the mode does not let this user write), -EINVAL, -E2BIG, -EBADMSG,
 * -EPROTO, -ENOSPC, -EAGAIN, -ENOMEM, -EMFILE, -EUSERS, -EIO, -EOPNOTSUPP or another error of
 * open(2), for the same reasons as splinter_store_open().
 */
int splinter_store_open_fd(splinter_store **out, int fd,
                           const struct splinter_open_options *options);

/* The descriptor of the store, to pass on to another process.  It belongs to the handle: do not
 * close it.  -EINVAL if store is NULL; -EBADF if the program closed it nevertheless, and a later
 * handle was given its number. */
int splinter_store_fd(const splinter_store *store);

/* Detach and free the handle.  NULL is allowed.  Closing the last handle of a file syncs the file;
 * it cannot report a failure, so call splinter_store_sync() first if you need to know. */
void splinter_store_close(splinter_store *store);

/* Remove the name of a store.  Attached processes keep the store.  flags is SPLINTER_MEMORY,
 * SPLINTER_FILE or 0.  Returns 0, or -EBADMSG (not a store), -EINVAL, -ENOENT, -EACCES,
 * -ENAMETOOLONG, or another error of open(2) or unlink(2). */
int splinter_store_unlink(const char *name, uint32_t flags);

/* What the store knows about a value.  Set struct_size to sizeof this structure. */
struct splinter_meta {
    size_t struct_size;  /* in: what the caller has; out: what is filled in; both in bytes */
    uint64_t epoch;      /* of the set that wrote it; see splinter(7) on the order of epochs */
    uint64_t ttl_ns;     /* remaining life in nanoseconds; 0: no end of life */
    uint64_t value_size; /* bytes */
    uint32_t type;       /* SPLINTER_TYPE_* or the application's */
    uint32_t revision;   /* 1 for a new key, one more with each set since (mod 2^32) */
    uint32_t retries;    /* races that this call lost before it had a whole value */
    uint32_t owner;      /* of an ephemeral key: the process id of its owner; else 0 */
};

/*
 * Copy the value of key to buf, its length to *out_size, and what else is known of it to *meta.
 * Each of the three may be NULL; if buf is NULL, the call gives the length alone.
 * Returns 0, or -ENOENT, -EMSGSIZE (*out_size and *meta are filled in), -EAGAIN, -EINVAL,
 * -ENAMETOOLONG, -EBADMSG, -EBADF (the program has closed the descriptor of the handle; and the key
 * is ephemeral and another's, or the value has more than 8 KiB and the handle is read-only or has
 * changed nothing yet), or, of such a value and handle, -EIO (the file cannot be read).  On
 * -EMSGSIZE the call has written nothing to buf, unless the value grew during the call.
 */
int splinter_store_get(splinter_store *store, const char *key, void *buf, size_t buf_size,
                       size_t *out_size, struct splinter_meta *meta);

#define SPLINTER_IF_ABSENT 0x01u /* only if the key is absent, else -EEXIST */
#define SPLINTER_IF_EPOCH 0x02u  /* only if the value's epoch is still if_epoch, else -ESTALE
                                    (-ENOENT if the key is gone) */
#define SPLINTER_KEEP_TYPE 0x04u /* the value keeps the type that it has; the type below is that of
                                    a key that is absent */
#define SPLINTER_EPHEMERAL 0x08u /* the key goes with this handle, or with its process */

/* Set struct_size to sizeof this structure, all else to 0, and then the members that you need. */
struct splinter_set_options {
    size_t struct_size;
    uint32_t flags;    /* SPLINTER_IF_*, SPLINTER_KEEP_TYPE, SPLINTER_EPHEMERAL */
    uint32_t type;     /* 0 to 65535 */
    uint64_t ttl_ns;   /* life in nanoseconds, whatever is done to the time of day; 0: until the
                          key is unset or set again */
    uint64_t if_epoch; /* for SPLINTER_IF_EPOCH */
};

/*
 * Set key to the len bytes at val.  If options is NULL, the set is unconditional, with type 0 and
 * no end of life.  *out_epoch receives the epoch of the new value, unless out_epoch is NULL.
 * Returns 0, or -EINVAL, -ENAMETOOLONG, -EMSGSIZE, -ENOSPC, -EAGAIN, -EROFS, -EEXIST, -ENOENT,
 * -ESTALE, -EBADMSG (the store is corrupt), -E2BIG (see struct_size), -EIO (the file system has
 * failed).  After -ENOSPC, splinter_last_error() says what ran out.
 *
 * An ephemeral key belongs to the handle that set it with SPLINTER_EPHEMERAL.  It is gone, for
 * every reader, from the moment the handle is closed or its process has ended: by _exit, exec, a
 * crash or SIGKILL.  A stopped process goes on to own it; a child of fork() does not own the keys
 * of its parent.  A wait for the key returns -ENOENT within some milliseconds.  A set without the
 * flag, by anyone, makes the key an ordinary one; one with it makes it that handle's.  Append,
 * touch and add keep the owner.  A snapshot leaves ephemeral keys out, and no power cut brings one
 * back.
 *
 * -EINPROGRESS: the change has been made, but the sync for which the options of the handle ask has
 * failed; splinter_last_error() and `sync_error` of splinter_store_stat() say why.  Do not make the
 * change again: sync again.  This holds for all calls that change something, and they return it for
 * no other reason.
 *
 * The first ephemeral key of a handle takes a lock of the kernel, for which the set may also return
 * -EAGAIN (a process that may only read has locked it), -ENOLCK or another error of fcntl(2).
 *
 * The first change through a handle attaches the handle to the store: only writers take one of the
 * 512 places.  So the first set, append, touch, add, unset, sync, trim or hold may return -EUSERS,
 * -EBADF (the program has closed the descriptors of the handle), or another error of
 * splinter_store_open(); then nothing was changed.  A sweep that cannot attach removes nothing.  In
 * a child after fork() the handle is attached again; there the first change may also return
 * -ENOLCK, as with splinter_set().
 */
int splinter_store_set(splinter_store *store, const char *key, const void *val, size_t len,
                       const struct splinter_set_options *options, uint64_t *out_epoch);

/* Remove key and zero its bytes.  If if_epoch is not 0, remove it only if that is still the
 * epoch of its value.  *out_len receives the length of the value removed, unless out_len is
 * NULL.  Returns 0, or -ENOENT, -ESTALE, -EAGAIN, -EROFS, -EINVAL, -ENAMETOOLONG,
 * -EINPROGRESS; as the first change (see splinter_store_set()), or the first one of a thread in a
 * store with a feed, also -EUSERS, -EBADF, -ENOLCK or
 * another error of splinter_store_open(). */
int splinter_store_unset(splinter_store *store, const char *key, uint64_t if_epoch,
                         size_t *out_len);

/* Append to the value of key, or set the key if it is absent, in one atomic step.  The value keeps
 * its type, its end of life and its owner.  Returns 0, or -EINVAL, -ENAMETOOLONG, -EMSGSIZE (the
 * whole value), -ENOSPC, -EAGAIN, -EROFS, -ENOMEM, -EBADMSG, -EIO, -EINPROGRESS; as the first
 * change also -EUSERS, -EBADF, -ENOLCK or another error of splinter_store_open(). */
int splinter_store_append(splinter_store *store, const char *key, const void *val, size_t len,
                          uint64_t *out_epoch);

/* Give the value of key a new epoch, in one atomic step, as a set of the same value would: waiters
 * wake, and a set that depends on the old epoch fails.  The value keeps its type, its end of life
 * and its owner; its revision rises by one.  *out_epoch receives the new epoch, unless out_epoch is
 * NULL.
 * Returns 0, or -ENOENT (there is no such key), -EINVAL, -ENAMETOOLONG, -ENOSPC, -EAGAIN, -EROFS,
 * -ENOMEM, -EBADMSG, -EIO, -EINPROGRESS; as the first change also -EUSERS, -EBADF, -ENOLCK or
 * another error of splinter_store_open(). */
int splinter_store_touch(splinter_store *store, const char *key, uint64_t *out_epoch);

/* Add delta to the SPLINTER_TYPE_INT64 at key (0 if absent) in one atomic step.  *out_value
 * receives the sum, unless out_value is NULL.  Returns 0, or -EINVAL (also: the value has another
 * type), -ERANGE (overflow: the value is unchanged), -EMSGSIZE (max_value is less than eight),
 * -ENAMETOOLONG, -ENOSPC, -EAGAIN, -EROFS, -EBADMSG, -EIO, -EINPROGRESS; as the first change also
 * -EUSERS, -EBADF, -ENOLCK or another error of splinter_store_open(). */
int splinter_store_add(splinter_store *store, const char *key, int64_t delta, int64_t *out_value);

/*
 * A lease is an ephemeral key that one handle at a time holds.  It is held until it is released,
 * the handle is closed, or its process has ended; see SPLINTER_EPHEMERAL.  Get and walk see it as
 * any key.  *token is the epoch of its value, and larger with each holder, so a resource can
 * refuse those that come with a smaller token than it has seen: they have lost the lease, and may
 * not know.
 *
 * splinter_lease_acquire() sets key to the len bytes at val, once it is absent; if val is NULL and
 * len 0, to the decimal digits of the process id, as a SPLINTER_TYPE_TEXT.  Until then it waits,
 * for at most timeout_ms; if that is 0, it tries once.  options may be NULL; of them, type and
 * ttl_ns count, and all else must be 0.  With ttl_ns the lease ends after that time also, for a
 * holder that hangs.  A handle does not have a lease twice: it waits for itself.
 *
 * splinter_lease_renew() gives the lease a new life of ttl_ns (0: no end) and a new, larger *token.
 * A handle that has got the token of another one takes the lease over.  splinter_lease_release()
 * unsets the key.  Whoever has lost a lease changes nothing with its old token.
 *
 * Return 0, or -ESTALE (renew, release: the lease is not held with this token: it was released,
 * renewed or taken over, its time is over, or its holder is gone), -ETIMEDOUT (acquire), -EEXIST
 * (acquire: the key is there, and is not ephemeral), -EINTR (acquire: as for
 * splinter_store_wait()), -EINVAL (also: token is NULL, or 0 where one is given), -ENAMETOOLONG,
 * -EMSGSIZE, -E2BIG (see struct_size), -ENOSPC, -EAGAIN, -EROFS, -ENOMEM (renew), -EBADMSG, -EIO,
 * -EINPROGRESS (the lease is held, renewed or released, but see splinter_store_set()); as the first
 * change also -EUSERS, -EBADF, -ENOLCK or another error of splinter_store_open() or of fcntl(2).
 */
int splinter_lease_acquire(splinter_store *store, const char *key, const void *val, size_t len,
                           const struct splinter_set_options *options, uint64_t timeout_ms,
                           uint64_t *token);
int splinter_lease_renew(splinter_store *store, const char *key, uint64_t ttl_ns, uint64_t *token);
int splinter_lease_release(splinter_store *store, const char *key, uint64_t token);

/*
 * Walk over the keys that begin with prefix (NULL or "": all keys), in no particular order.  Start
 * with *cursor 0.  Each call that returns 1 fills in key, which must have room for SPLINTER_KEY_MAX
 * bytes, and *meta, unless meta is NULL.  0 means the end.  The walk meets a key that is present
 * throughout exactly once; it may or may not meet a key that comes or goes meanwhile.  -EINVAL if
 * an argument is not allowed.
 */
int splinter_store_walk(splinter_store *store, const char *prefix, uint64_t *cursor, char *key,
                        struct splinter_meta *meta);

/*
 * Wait until key has a value newer than epoch (0: until the key exists).  *out_epoch receives the
 * epoch of that value, unless out_epoch is NULL.  A wait with the epoch of a get misses no change
 * since that get.  If timeout_ms is 0, the call looks once and does not wait.
 * Returns 0, or -ETIMEDOUT, -ENOENT (epoch is not 0, and the key is absent or has been unset, has
 * expired, or has lost its owner), -EINTR (splinter_store_interrupt(); or SPLINTER_EINTR is set,
 * and a signal handler has run), -EINVAL, -ENAMETOOLONG, -EBADF (the program has closed the
 * descriptor of the handle, and the key is ephemeral and another's).
 */
int splinter_store_wait(splinter_store *store, const char *key, uint64_t epoch,
                        uint64_t timeout_ms, uint64_t *out_epoch);

/* Wait until something in the store has been set or unset, a life has ended, or an owner of
 * ephemeral keys is gone, since the store's epoch was `epoch`.  *out_epoch receives the epoch for
 * the next wait, unless out_epoch is NULL.
 * The call may return although nothing visible has changed; it never misses a change.  With a
 * handle that is read-only or has changed nothing it returns about once a second while nobody has
 * cleaned up after a writer that was killed, or removed a key that has expired.
 * Returns 0, -ETIMEDOUT, -EINTR (as for splinter_store_wait()), -EINVAL. */
int splinter_store_wait_any(splinter_store *store, uint64_t epoch, uint64_t timeout_ms,
                            uint64_t *out_epoch);

/* One splinter_store_wait_many() takes at most so many keys. */
#define SPLINTER_WAIT_KEYS_MAX 128

/*
 * Wait until any of count keys, 1 to SPLINTER_WAIT_KEYS_MAX, has a value newer than the epoch in
 * the same place of epochs (0: until the key exists).  *out_index receives the place of that key,
 * and *out_epoch the epoch of its value; each may be NULL.  If several keys have a newer value, the
 * call tells of the one with the smallest epoch.  So put the epoch into epochs and call again: a
 * key that changes all the time keeps no other from being told.  What holds of the epochs and the
 * timeout of splinter_store_wait() holds here.
 * Returns 0, or -ETIMEDOUT, -ENOENT (this key, whose epoch is not 0, is absent, has been unset, has
 * expired or has lost its owner: set its epoch to 0 or leave it out), -EINTR, -EBADF (as for
 * splinter_store_wait()), -EINVAL (an argument is NULL, there are no keys, or a key is NULL, empty,
 * or there twice), -ENAMETOOLONG, -E2BIG (too many keys).  After the last three
 * splinter_last_error() says which key it was.  *out_index tells that also, if the error is about a
 * key.
 */
int splinter_store_wait_many(splinter_store *store, const char *const *keys,
                             const uint64_t *epochs, size_t count, uint64_t timeout_ms,
                             size_t *out_index, uint64_t *out_epoch);

/*
 * End all waits with this handle: those that are under way, and those that begin later, return
 * -EINTR until splinter_store_resume().  So a wait that was just about to begin is not missed.  A
 * signal handler may call both; neither changes errno.  Both return 0, or -EINVAL.
 */
int splinter_store_interrupt(splinter_store *store);
int splinter_store_resume(splinter_store *store);

/*
 * Follow the changes of a store that was made with `feed`.  A feed tells of every change after the
 * position at which it begins, or that some were lost (SPLINTER_EVENT_GAP): it cannot leave one out
 * in silence.  Writers keep a number of changes for everybody, and know of no follower; so a feed
 * costs a writer the same whoever follows, and nobody who follows can hold a writer up.
 *
 * A feed belongs to the handle: close it before the store.  One thread at a time may use it.
 */
typedef struct splinter_feed splinter_feed;

/* A place in the changes of a store, which can be kept, and used by another process. */
struct splinter_feed_position {
    uint64_t store;  /* which store it is */
    uint64_t number; /* all changes up to this number have been told */
};

/* Flags of splinter_feed_open(). */
#define SPLINTER_FEED_STATE 0x1u /* begin with all keys that are there, also after a gap */
#define SPLINTER_FEED_FROM 0x2u  /* begin after the position `from`, not with the next change */

/* Set struct_size to sizeof this structure, all else to 0, and then the members that you need. */
struct splinter_feed_options {
    size_t struct_size;
    uint32_t flags; /* SPLINTER_FEED_* */
    uint32_t reserved;
    const char *prefix; /* tell only of keys that begin with it; NULL: of all */
    struct splinter_feed_position from;
};

/* What has happened. */
#define SPLINTER_EVENT_SET 1     /* the key was set, or is there (SPLINTER_EVENT_STATE); with
                                    revision 1 it was absent, or its life had ended,
                                    or its owner was gone */
#define SPLINTER_EVENT_UNSET 2   /* the key was unset */
#define SPLINTER_EVENT_EXPIRED 3 /* the key was removed, as its life had ended */
#define SPLINTER_EVENT_OWNER_GONE 4 /* the key, which was ephemeral, was removed, as its owner is
                                       gone */
#define SPLINTER_EVENT_GAP 5     /* the changes from `first` to `number` are lost, or some of them;
                                    from now on all are there again.  With SPLINTER_FEED_STATE all
                                    keys that are there follow. */
#define SPLINTER_EVENT_READY 6   /* that were all keys; what follows are changes */

/* Flags of an event. */
#define SPLINTER_EVENT_SUPERSEDED 0x1u /* the key was changed again before this change had its
                                          number; that later change may have been told already */
#define SPLINTER_EVENT_STATE 0x2u      /* not a change: the key is there */
#define SPLINTER_EVENT_VALUE 0x4u      /* buf has the value */

/* Set struct_size to sizeof this structure. */
struct splinter_event {
    size_t struct_size;  /* in: what the caller has; out: what is filled in; both in bytes */
    uint64_t number;     /* of the change */
    uint64_t epoch;      /* of the change; of a gap 0 */
    uint64_t first;      /* of a gap: the first number that may be lost; 0: not known, as the
                            position is from before a rebuild, or of a copy */
    uint64_t value_size; /* bytes; 0: not known */
    uint32_t what;       /* SPLINTER_EVENT_* */
    uint32_t flags;      /* SPLINTER_EVENT_* */
    uint32_t type;       /* of the value that was set, or removed */
    uint32_t revision;   /* so is this */
    char key[SPLINTER_KEY_MAX];
};

/*
 * Begin to follow.  If options is NULL, the feed tells of all changes from now on.
 * Returns 0, or -EOPNOTSUPP (the store was made without a feed), -ESTALE (the position is of
 * another store), -ERANGE (the position is beyond the last change), -ENAMETOOLONG (the prefix is
 * longer than a key may be), -EINVAL, -E2BIG (see struct_size), -ENOMEM.
 */
int splinter_feed_open(splinter_feed **out, splinter_store *store,
                       const struct splinter_feed_options *options);

/*
 * The next event.  If buf is not NULL, the key was set, and the value is still the one that was
 * set then and fits, the call copies it to buf (SPLINTER_EVENT_VALUE).  Else get it, or do not: a
 * later event tells of the later value.  If timeout_ms is 0, the call does not wait.
 *
 * A change is told when its number is stored, which takes a writer that runs a fraction of a
 * microsecond.  For one that was stopped in between, a feed waits 20 ms at most and goes on; when
 * the writer runs again, or has been cleaned up after, the change gets a later number.  Each number
 * is told once.  After a writer was killed or stopped, a change may be told under two numbers.
 * Returns 0, or -ETIMEDOUT (there is no event), -EINTR (as for splinter_store_wait()), -ENOMEM,
 * -EINVAL.
 */
int splinter_feed_next(splinter_feed *feed, struct splinter_event *event, void *buf,
                       size_t buf_size, uint64_t timeout_ms);

/* Where the feed is: who begins there is told all that this feed has not told yet.  While the state
 * is being told, that is the beginning of all changes.  Through a read-only handle it may lie
 * before a change that was stopped in the middle, and what came after that is told again.  Returns
 * 0 or -EINVAL. */
int splinter_feed_position(const splinter_feed *feed, struct splinter_feed_position *position);

/* Stop following.  NULL is allowed. */
void splinter_feed_close(splinter_feed *feed);

/* ---- watches: keys, prefixes and feeds in the event loop of a program -------- */

/*
 * A watch has one descriptor, for poll, epoll or whatever the event loop of the program uses.  It
 * is readable while the watch may have something to tell: then call splinter_watch_next() until it
 * returns -EAGAIN.  Or call it once, and again when the loop says so, if that is level-triggered.
 *
 * One thread of the library waits for all watches of the process.  It exists only while there are
 * any, takes no signal of the program, and wakes nobody but by the descriptors.  The last close
 * ends it.
 *
 * A watch belongs to the handle of its store: close it before the feeds that were added to it, and
 * before the store.  What it tells of a key or a prefix is a state, as with splinter_store_wait():
 * of several changes since the last event of a key it may tell the last one alone.  A feed, and a
 * prefix of a store with a feed, tell of each change.
 *
 * Threads: several threads may add to a watch and ask for the next event at the same time.  While a
 * feed is in a watch, the watch uses it.  Close a watch when no other thread uses it.
 * A child after fork() has the watches of its parent, and may only close them: every other call
 * returns -ECANCELED, and takes nothing from the parent.  It may open its own.
 */
typedef struct splinter_watch splinter_watch;

/*
 * Open a watch that watches nothing yet.  flags is 0.  If the call fails, or one that adds
 * something does, splinter_last_error() says why.
 * Returns 0, or -EINVAL, -ENOMEM, -EAGAIN (no thread could be made), -EMFILE, -ECANCELED (the
 * process is ending) or another error of eventfd(2).
 */
int splinter_watch_open(splinter_watch **out, splinter_store *store, uint32_t flags);

/*
 * Watch a key: tell of a value newer than epoch (0: of any), and then of each newer one; and if the
 * key is absent, and epoch was not 0 or a value was told, of that.  If the key cannot be read, that
 * is told once, as a value with epoch 0; splinter_store_get() says why.
 * tag is what splinter_watch_next() gives back; two may be the same.
 * Returns 0, or -EINVAL, -ENAMETOOLONG, -ENOMEM, -EBADF (the program has closed the descriptor of
 * the watch), -ECANCELED (the watch is one of the parent of this process).
 */
int splinter_watch_add_key(splinter_watch *watch, const char *key, uint64_t epoch, uint64_t tag);

/*
 * Watch all keys that begin with prefix (NULL or "": all keys) from now on.  With
 * SPLINTER_FEED_STATE in flags, tell first of those that are there, and then
 * SPLINTER_EVENT_READY.  If the store has a feed, the events are those of a feed with this prefix,
 * also a gap.  If it has none, splinter_watch_next() walks over the store, and the watch remembers
 * each of these keys.  Then the changes of a key between two looks are told as one, and a key that
 * came and went is not told.  The next walk is due ten times as long after one as that took, and
 * after a second at most.
 * In a busy store the descriptor becomes readable at most once a millisecond.
 * Returns 0, or an error of splinter_watch_add_key() (-ENAMETOOLONG: the prefix).
 */
int splinter_watch_add_prefix(splinter_watch *watch, const char *prefix, uint32_t flags,
                              uint64_t tag);

/*
 * Watch a feed of the same handle.  splinter_watch_next() takes its events as splinter_feed_next()
 * would.  Between two such calls the program may ask for its position, and do nothing else with it.
 * Returns 0, or -EINVAL (also: the feed is of another handle), -ENOMEM, -EBADF, -ECANCELED.
 */
int splinter_watch_add_feed(splinter_watch *watch, splinter_feed *feed, uint64_t tag);

/* The descriptor.  It belongs to the watch: neither read nor close it.  -EINVAL, -EBADF (the
 * program has closed it), -ECANCELED. */
int splinter_watch_fd(const splinter_watch *watch);

/*
 * The next event, and the tag of what it is of; either may be NULL.  buf is as for
 * splinter_feed_next().  Of a watched key, `what` is SPLINTER_EVENT_SET or SPLINTER_EVENT_UNSET
 * (whatever removed it), `epoch` that of the value, or 0, and `number` 0.  The call never waits.
 * Each of what is watched has its turn, so none keeps another from being told.
 * Returns 0, or -EAGAIN (there is nothing more now), -EINVAL, -ENOMEM, -EBADF (there is nothing
 * more, and the program has closed the descriptor), -ECANCELED.
 */
int splinter_watch_next(splinter_watch *watch, uint64_t *tag, struct splinter_event *event,
                        void *buf, size_t buf_size);

/* Close the watch and its descriptor.  NULL is allowed. */
void splinter_watch_close(splinter_watch *watch);

/* What a store is and holds.  Set struct_size to sizeof this structure. */
struct splinter_stat {
    size_t struct_size;      /* in: what the caller has; out: what is filled in; both in bytes */
    uint64_t slots;          /* the limits that it was created with */
    uint64_t max_value;      /* bytes */
    uint64_t keys;           /* present now, including expired keys not yet swept */
    uint64_t used_bytes;     /* in blocks that hold records */
    uint64_t reserved_bytes; /* memory or disk taken from the system */
    uint64_t mapped_bytes;   /* address space: the size that the store can grow to */
    uint64_t epoch;          /* of the store, now */
    uint32_t attached;       /* handles, of any process, that have changed, synced, trimmed or held
                                something, or have made the store or repaired its file */
    uint32_t format_version; /* of the store's layout */
    uint32_t durable;        /* 1: in a file, and splinter_store_sync() keeps it */
    uint32_t sync_error;     /* errno of the last sync if it failed, until one succeeds */
    uint64_t synced;         /* the epoch up to which everything is on disk */
    uint32_t rebuilt;        /* records that the last rebuild of the index found */
    uint32_t damaged;        /* and those that it could not save; reset by the next clean open */
    uint64_t capacity;       /* keys of max_value bytes that surely fit, whatever was there before:
                                slots, unless the store would need more than 256 GiB of addresses
                                for them (a 32-bit machine: 768 MiB) */
    uint64_t memory_limit;   /* of the memory cgroups that this process is in, the limit that leaves
                                least, in bytes; UINT64_MAX: there is none; 0: not known */
    uint64_t memory_left;    /* what that limit leaves, or UINT64_MAX, or 0.  What the kernel would
                                take back, as the cache of files, counts as used.  A process of a
                                cgroup that reaches its limit is killed; no call fails. */
    uint64_t feed;           /* changes that each writing thread keeps for followers; 0: no feed */
    uint64_t feed_number;    /* of the last change; without a feed 0 */
};
/* Returns 0, or -EINVAL, -EBADF (the program has closed the descriptor of the handle) or another
 * error of fstat(2). */
int splinter_store_stat(splinter_store *store, struct splinter_stat *stat);

/*
 * Bring a store in a file to disk.  When the call returns 0, every change that was acknowledged
 * before the call is on disk, and everything that was replaced or removed before it is zeroed.  For
 * other stores the call does nothing and returns 0.
 * Returns 0, or -EINVAL, -EROFS, -EUSERS (512 others are attached), -EBADF (the program has closed
 * the descriptors of the handle), -EAGAIN (a stopped process is in the middle of a change or a
 * sync), -EIO, -ENOSPC, -ENOLCK (in a child after fork()) or another error of fdatasync(2), or of
 * splinter_store_open() if the call has to attach the handle.  After an error of the disk the next
 * sync writes everything again.
 */
int splinter_store_sync(splinter_store *store);

/*
 * Keep the old versions of keys in the file of a store until splinter_store_release(), as if no
 * sync ended.  So a copy is good that another program, such as cp(1), makes between the two calls,
 * by reading the file from its beginning to its end.  Meanwhile the file grows with changes of what
 * was synced, until a set returns -ENOSPC.  Several processes may hold at once, and a handle
 * several times.  A hold ends also when its handle is closed or its process ends; a child of fork()
 * does not inherit it.  For stores in memory the calls do nothing and return 0.
 * Returns 0, or -EINVAL (also: nothing is held), -EROFS, -EUSERS (512 others are attached), -EBADF
 * (the program has closed the descriptors of the handle), -ENOLCK (in a child after fork()), or
 * another error of fcntl(2), or of splinter_store_open() if the call has to attach the handle.
 */
int splinter_store_hold(splinter_store *store);
int splinter_store_release(splinter_store *store);

/*
 * Copy a store in use to a new file, which can be opened as a store.  The copy has each key in a
 * version that was current at some moment of the call.  It has every key that was present
 * throughout the call, and no key that was unset before the call.  It keeps epochs, types,
 * revisions and ends of life.  The call holds up no writer.  The file appears complete and on disk,
 * or not at all.  mode is as in the options.
 * Returns 0, or -EEXIST, -EINVAL, -ENOENT, -ENAMETOOLONG, -EACCES, -EAGAIN (very many races were
 * lost), -EBADMSG (the store is corrupt), -EIO, -EMFILE, -ENOLCK (no /proc), -ENOMEM, -ENOSPC,
 * -EOPNOTSUPP, or another error of open(2).
 */
int splinter_store_snapshot(splinter_store *store, const char *path, uint32_t mode);

/* The same, into an empty regular file that is open to read and write, without O_APPEND.  Returns
 * 0, or -EINVAL (also: another file), -EBADF (not open), -EACCES, -EAGAIN, -EBADMSG, -EIO, -EMFILE,
 * -ENOLCK, -ENOMEM, -ENOSPC, -EOPNOTSUPP, or another error of open(2). */
int splinter_store_snapshot_fd(splinter_store *store, int fd);

/* Remove the keys that have expired, and those whose owner is gone.  Returns their number, or
 * -EROFS, -EINVAL.  If the handle is not attached, and cannot be, the call removes nothing and
 * returns 0. */
int splinter_store_sweep(splinter_store *store);

/*
 * Give memory that no key needs back to the system; *out_bytes, unless NULL, gets how many bytes
 * that were.  Of each value of more than 8 KiB that is gone, all but the first 4 KiB can be given
 * back.  On ext4, XFS, Btrfs, F2FS, ZFS and bcachefs, the space of smaller values that are gone
 * can be given back also, where no other is left in the same 16 KiB or more; elsewhere that memory
 * stays with the store, for values of any length up to 8 KiB.  In a durable store the call first
 * syncs.  A sweep and a sync give memory back by themselves if it is at least 64 MiB, and three
 * quarters of what the store has.  To set a value there again takes the memory again, and -ENOSPC
 * if there is none.  The call may be made while others use the store.
 * Returns 0, or -EINVAL, -EROFS, -EOPNOTSUPP (the file system cannot give back a part of a file),
 * -EUSERS, -EBADF, -ENOLCK, -EAGAIN, -EIO, -ENOSPC, or another error of splinter_store_sync() or of
 * fallocate(2).
 */
int splinter_store_trim(splinter_store *store, uint64_t *out_bytes);

/*
 * Examine the whole store.  The call gives one sentence for each problem to report, unless report
 * is NULL.  Returns the number of problems, 0 if there are none.  The store may be in use: a change
 * that another process makes meanwhile is not a problem.  -EAGAIN if the store never was quiet
 * enough to tell leaked blocks from used ones, -ENOMEM, -EINVAL.
 */
int splinter_store_check(splinter_store *store, void (*report)(void *arg, const char *problem),
                         void *arg);

/* ---- topics: messages from many writers to many readers ------------------- */

/*
 * A topic is a ring of messages in a store.  Each message has a number: the first one 1, the next
 * one 2, and so on, without holes and in one order that all readers agree on.  The topic keeps the
 * last `capacity` messages.  A reader is a number: that of the message which it reads next.  The
 * program may keep the number, and another process may go on from there.  Readers are registered
 * nowhere and hold up no publisher.  A reader that was overtaken is told how many messages it lost.
 *
 * A topic of capacity N takes 1 + N of the store's slots, from its creation on, so that a publish
 * finds a slot whatever else the store holds.  These keys count in `keys` of splinter_store_stat();
 * no other call lists, finds or changes them.
 *
 * Threads: any thread may use a topic handle, also at the same time.  Close the handles of topics
 * before that of their store.  A child after fork() may use its parent's.
 * Crash: as for splinter_store_set().  If a process is killed while it makes or removes a topic,
 * the next one that opens or removes the topic finishes that; if none does, a set for which no room
 * is left removes what the dead process has left.
 */
typedef struct splinter_topic splinter_topic;

/* The name of a topic is a C string of 1 to SPLINTER_TOPIC_NAME_MAX - 1 bytes.  Names of topics and
 * keys have nothing to do with each other. */
#define SPLINTER_TOPIC_NAME_MAX 254

/* Set struct_size to sizeof this structure, all else to 0, and then the members that you need. */
struct splinter_topic_options {
    size_t struct_size;
    uint32_t flags;       /* SPLINTER_CREATE: make the topic if there is none; SPLINTER_CREATE and
                             SPLINTER_EXCL: fail with EEXIST if there is one */
    uint32_t reserved;    /* 0 */
    uint64_t capacity;    /* messages that the topic keeps; 0: whatever it has */
    uint64_t max_message; /* bytes of its longest message; 0: whatever it has; of a new topic the
                             most that is possible, which is max_value of the store less 8 */
    uint64_t id;          /* of the topic in which a reader was at a number that the program has
                             kept: fail with EIDRM if that one has been removed, also if one of
                             this name was made since; 0: whichever has the name */
};

/*
 * Open a topic of the store, or make it, and put a handle for it in *out.  If options is NULL, the
 * call opens a topic that exists.  If it exists with another capacity or longest message than the
 * options say, the call fails.  If the call fails, splinter_last_error() says why.
 * Returns 0, or -ENOENT (there is no such topic), -EEXIST, -EIDRM (the topic with that id has been
 * removed), -EINVAL (an argument; the topic has another capacity or longest message; a new one
 * needs a capacity, and cannot be given an id), -ENAMETOOLONG, -EMSGSIZE
 * (max_message is more than the store's max_value less 8), -ENOSPC (the store lacks slots or memory
 * for the topic; then none is made), -EPROTO (the name is not that of a topic), -EROFS, -EAGAIN,
 * -EBADMSG, -ENOMEM, -E2BIG (see struct_size), -EIO, -EINPROGRESS (the topic is made, but not
 * synced: open it again); as the first change (see splinter_store_set()) also -EUSERS, -EBADF,
 * -ENOLCK or another error of splinter_store_open().
 */
int splinter_topic_open(splinter_topic **out, splinter_store *store, const char *name,
                        const struct splinter_topic_options *options);

/* Free the handle.  NULL is allowed.  The topic remains. */
void splinter_topic_close(splinter_topic *topic);

/*
 * Remove a topic with all its messages, and zero their bytes.  Calls with handles of the topic then
 * say that it is gone.  A publish that meets the removal may still succeed.  In a durable store the
 * call syncs.
 * Returns 0, or -ENOENT, -EINVAL, -ENAMETOOLONG, -EROFS, -EAGAIN, -EPROTO (the name is not that of
 * a topic), -EBADMSG (the topic was damaged, and is gone; its messages could not be found), -EIO or
 * -ENOSPC (the sync has failed: call again to finish the removal), -EINPROGRESS (it is removed, but
 * that is not synced); as the first change also -EUSERS, -EBADF, -ENOLCK or another error of
 * splinter_store_open().
 */
int splinter_topic_remove(splinter_store *store, const char *name);

/* Walk over the topics, as splinter_store_walk() does over the keys.  Each call that returns 1
 * fills in name, which must have room for SPLINTER_TOPIC_NAME_MAX bytes.  0 means the end.  -EINVAL
 * if an argument is NULL. */
int splinter_topic_walk(splinter_store *store, uint64_t *cursor, char *name);

/* What a topic is and holds.  Set struct_size to sizeof this structure. */
struct splinter_topic_stat {
    size_t struct_size;   /* in: what the caller has; out: what is filled in; both in bytes */
    uint64_t capacity;    /* messages that the topic keeps */
    uint64_t max_message; /* bytes of its longest message */
    uint64_t oldest;      /* number of the oldest message; if there is none, `next` */
    uint64_t next;        /* number of the message that is published next */
    uint64_t id;          /* no other topic of the store ever has it */
};
/* Returns 0, or -EINVAL, -EIDRM (the topic has been removed), -EBADMSG.  If the call has to mend
 * what a power cut or a dead process has left of the topic, also -EAGAIN, -ENOSPC, -EIO, -EUSERS,
 * -EBADF, -ENOLCK or another error of splinter_store_open(). */
int splinter_topic_stat(splinter_topic *topic, struct splinter_topic_stat *stat);

/* Set struct_size to sizeof this structure, all else to 0, and then the members that you need. */
struct splinter_publish_options {
    size_t struct_size;
    uint32_t flags; /* 0 */
    uint32_t type;  /* of the message, 0 to 65535 */
};

/*
 * Publish a message of len bytes, 1 to the longest of the topic.  *out_number receives its number,
 * unless out_number is NULL.  If options is NULL, the message has type 0.
 * Returns 0, or -EMSGSIZE (splinter_last_error() has both lengths), -EINVAL, -EROFS, -EIDRM (the
 * topic has been removed), -EAGAIN (the call lost very many races), -ENOSPC (no memory is left),
 * -EIO, -EBADMSG, -E2BIG, -EINPROGRESS (the message is published, but not synced); as the first
 * change also -EUSERS, -EBADF, -ENOLCK or another error of splinter_store_open().
 */
int splinter_topic_publish(splinter_topic *topic, const void *val, size_t len,
                           const struct splinter_publish_options *options, uint64_t *out_number);

/* What is known of a message.  Set struct_size to sizeof this structure. */
struct splinter_message {
    size_t struct_size; /* in: what the caller has; out: what is filled in; both in bytes */
    uint64_t number;    /* of the message; 0 if messages were lost */
    uint64_t epoch;     /* of the store, as that of a value */
    uint64_t size;      /* bytes */
    uint64_t lost;      /* messages that this reader lost; 0 if it has one */
    uint32_t type;      /* as it was published */
    uint32_t reserved;  /* 0 */
    uint64_t topic;     /* id of the topic, to be kept beside the position */
};

/* Where a reader may begin instead of at a number: at the oldest message that is there, at the
 * newest, or at the one that is published next.  A call puts the number in its place. */
#define SPLINTER_TOPIC_OLDEST 0
#define SPLINTER_TOPIC_NEWEST 0xffffffffffffffff
#define SPLINTER_TOPIC_NEXT 0xfffffffffffffffe

/*
 * Read message *position, and step *position to the next one.  The message goes to buf, and what
 * else is known of it to *message, unless message is NULL.  If buf is NULL, the call gives the
 * length alone, and leaves *position.  It never waits.
 * Returns 0; -EAGAIN: that message comes next, and is not published yet; -EOVERFLOW: it has been
 * replaced, or was lost in a power cut: message->lost says how many were, and *position is the next
 * one that is there; -EMSGSIZE: buf is too small: message->size says what it needs, and *position
 * and buf are as they were; -ERANGE: *position is not that of the next message or an earlier one;
 * -EIDRM: the topic has been removed; -EINVAL, -EBADMSG (the store is corrupt), -EBADF and -EIO as
 * for splinter_store_get().  If the call has to mend what a power cut or a dead process has left of
 * the topic, also -ENOSPC, -EUSERS, -ENOLCK or another error of splinter_store_open().
 */
int splinter_topic_read(splinter_topic *topic, uint64_t *position, void *buf, size_t buf_size,
                        struct splinter_message *message);

/*
 * Wait until message *position has been published, even if it was replaced since.  If timeout_ms is
 * 0, the call looks once and does not wait.  One of the constants above becomes a number in
 * *position, so that the read that follows reads what was waited for.
 * Returns 0, or -ETIMEDOUT, -EINTR (as for splinter_store_wait()), -ERANGE and -EIDRM as for
 * splinter_topic_read(), -EINVAL, -EBADMSG.  If the call has to mend what a power cut or a dead
 * process has left of the topic, also -EAGAIN, -ENOSPC, -EIO, -EUSERS, -EBADF, -ENOLCK or another
 * error of splinter_store_open().
 */
int splinter_topic_wait(splinter_topic *topic, uint64_t *position, uint64_t timeout_ms);

/* ---- queues: work for many workers, each item for one of them --------------- */

/*
 * A queue holds up to `capacity` items of work.  A worker that takes an item has it until it
 * acknowledges the item, which removes it, or gives it back; until its handle of the store is
 * closed, or its process has ended: by _exit, exec, a crash or SIGKILL; or until the time is over
 * for which it took the item.  Then the next worker gets it, and is told that it was handed out
 * before.  A stopped worker goes on to have its items.  Items come in the order in which they were
 * pushed, but for those that are handed out again.
 *
 * A queue of capacity N takes 1 + N of the store's slots, from its creation on.  These keys count
 * in `keys` of splinter_store_stat(); no other call lists, finds or changes them.  Names of queues
 * and of topics are the same kind: a queue and a topic cannot have the same one.
 *
 * Threads: any thread may use a queue handle, also at the same time; they are one worker.  Close
 * the handles of queues before that of their store.  A child after fork() may use its parent's, and
 * is another worker.
 * Crash: as for splinter_store_set().  If a process is killed while it makes or removes a queue,
 * the next one that opens or removes the queue finishes that.
 */
typedef struct splinter_queue splinter_queue;

/*
 * Open a queue of the store, or make it, and put a handle for it in *out.  The options are those of
 * splinter_topic_open(); max_message is that of an item, and the most that is possible is max_value
 * of the store less 40.
 * Returns 0, or -ENOENT (there is no such queue), -EEXIST, -EINVAL (an argument; the queue has
 * another capacity or longest item; a new one needs a capacity), -ENAMETOOLONG, -EMSGSIZE
 * (max_message is more than the store's max_value less 40), -ENOSPC (the store lacks slots or
 * memory for the queue; then none is made), -EPROTO (the name is not that of a queue), -EROFS,
 * -EAGAIN, -EBADMSG, -ENOMEM, -E2BIG (see struct_size), -EIO, -EINPROGRESS (the queue is made, but
 * not synced: open it again); as the first change (see splinter_store_set()) also -EUSERS, -EBADF,
 * -ENOLCK or another error of splinter_store_open().
 */
int splinter_queue_open(splinter_queue **out, splinter_store *store, const char *name,
                        const struct splinter_topic_options *options);

/* Free the handle.  NULL is allowed.  The queue remains, and so does what was taken with it: the
 * handle of the store has that. */
void splinter_queue_close(splinter_queue *queue);

/*
 * Remove a queue with all its items, and zero their bytes.  Calls with handles of the queue then
 * say that it is gone.  In a durable store the call syncs.
 * Returns 0, or -ENOENT, -EINVAL, -ENAMETOOLONG, -EROFS, -EAGAIN, -EPROTO (the name is not that of
 * a queue), -EBADMSG (the queue was damaged, and is gone; its items could not be found), -EIO or
 * -ENOSPC (the sync has failed: call again to finish the removal), -EINPROGRESS (it is removed, but
 * that is not synced); as the first change also -EUSERS, -EBADF, -ENOLCK or another error of
 * splinter_store_open().
 */
int splinter_queue_remove(splinter_store *store, const char *name);

/* Walk over the queues, as splinter_topic_walk() does over the topics.  Returns 1, 0 at the end, or
 * -EINVAL if an argument is NULL. */
int splinter_queue_walk(splinter_store *store, uint64_t *cursor, char *name);

/*
 * Push an item of len bytes, 1 to the longest of the queue.  If the queue is full, the call waits
 * for room for at most timeout_ms; if that is 0, it tries once.  *out_number receives the number of
 * the item, unless out_number is NULL; each is larger than those of the items before it.  If
 * options is NULL, the item has type 0.
 * Returns 0, or -ETIMEDOUT (the queue is full), -EMSGSIZE (splinter_last_error() has both lengths),
 * -EINTR (as for splinter_store_wait()), -EINVAL, -EROFS, -EIDRM (the queue has been removed),
 * -EAGAIN (the call lost very many races), -ENOSPC (no memory is left), -ENOMEM, -EIO, -EBADMSG,
 * -E2BIG, -EINPROGRESS (the item is pushed, but not synced); as the first change also -EUSERS,
 * -EBADF, -ENOLCK or another error of splinter_store_open().
 */
int splinter_queue_push(splinter_queue *queue, const void *val, size_t len,
                        const struct splinter_publish_options *options, uint64_t timeout_ms,
                        uint64_t *out_number);

/* What is known of an item.  `number`, `delivery` and `queue` are the ticket of whoever took it.
 * Set struct_size to sizeof this structure. */
struct splinter_item {
    size_t struct_size; /* in: what the caller has; out: what is filled in; both in bytes */
    uint64_t number;    /* of the item */
    uint64_t size;      /* bytes */
    uint32_t type;      /* as it was pushed */
    uint32_t delivery;  /* 1 if it is handed out for the first time, 2 for the second, ... */
    uint64_t queue;     /* which no other queue of the store ever has */
};

/*
 * Take the next item: its bytes go to buf, and what else is known of it to *item.  If there is
 * none, the call waits for at most timeout_ms; if that is 0, it tries once.  If limit_ns is not 0,
 * the worker has the item for that long at most.
 * Returns 0, or -ETIMEDOUT (there is no item), -EMSGSIZE (buf is too small: *item says which item
 * it is and what it needs; it was not taken), -EINTR (as for splinter_store_wait()), -EINVAL,
 * -EROFS, -EIDRM (the queue has been removed), -EAGAIN (the call lost very many races), -ENOSPC (no
 * memory is left), -ENOMEM, -EIO, -EBADMSG, -EINPROGRESS (the item is taken, but that is not
 * synced); as the first change also -EUSERS, -EBADF, -ENOLCK or another error of
 * splinter_store_open() or of fcntl(2), as for the first ephemeral key of a handle.
 */
int splinter_queue_take(splinter_queue *queue, void *buf, size_t buf_size, uint64_t limit_ns,
                        uint64_t timeout_ms, struct splinter_item *item);

/*
 * Acknowledge an item that was taken, so that it is gone; or give it back, so that it is handed out
 * again.  Of *item, `number` and `delivery` count, and `queue` if it is not 0.  Any process may do
 * so that has the ticket.
 * Return 0, or -ESTALE (nobody has the item with this ticket any more: it was acknowledged, given
 * back or handed out again; or the ticket is of another queue), -EINVAL, -EROFS, -EIDRM (the queue
 * has been removed), -EAGAIN (the call lost very many races), -ENOSPC (no memory is left), -ENOMEM
 * (nack), -EIO, -EBADMSG, -E2BIG, -EINPROGRESS (done, but not synced); as the first change also
 * -EUSERS, -EBADF, -ENOLCK or another error of splinter_store_open().
 */
int splinter_queue_ack(splinter_queue *queue, const struct splinter_item *item);
int splinter_queue_nack(splinter_queue *queue, const struct splinter_item *item);

/* What a queue is and holds.  Set struct_size to sizeof this structure. */
struct splinter_queue_stat {
    size_t struct_size;   /* in: what the caller has; out: what is filled in; both in bytes */
    uint64_t capacity;    /* items that fit */
    uint64_t max_message; /* bytes of the longest one */
    uint64_t waiting;     /* items that nobody has */
    uint64_t taken;       /* items that a worker has */
    uint64_t newest;      /* the largest number that was given to an item, or left out; 0: none */
};
/* The call looks at every place of the queue.  Returns 0, or -EINVAL, -EIDRM (the queue has been
 * removed), -EBADMSG, -EBADF (the program has closed the descriptor of the store's handle). */
int splinter_queue_stat(splinter_queue *queue, struct splinter_queue_stat *stat);

#ifdef __cplusplus
}
#endif
#endif /* SPLINTER_H */
