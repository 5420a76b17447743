/* SPDX-License-Identifier: Apache-2.0 */
/* settle.h - what topics consist of, and how they go: also those that a dead process has left */
#ifndef SPLINTER_SETTLE_H
#define SPLINTER_SETTLE_H

#include "index.h"
#include "key.h"
#include "names.h"
#include "walk.h"

#define TOPIC_NAME_AT 2u /* in the topic's own key: a zero byte, 't', and the name */

/* The internal key of a position: message n of a topic has position n % capacity.  The value is the
 * number of the message, and the message; the number is 0 if there was none yet. */
struct message_key {
    union {
        char text[KEY_SHORT];
        uint64_t word[2]; /* a zero byte, 'm', two zero bytes, the position; the id of the topic */
    } u;
    struct key key; /* leads to `u` */
};
#define NUMBER_BYTES ((uint32_t)sizeof(uint64_t))

/* Fill in *out, but for the hash and the home of the key. */
static inline void message_key_text(const struct topic *is, uint32_t position,
                                    struct message_key *out)
{
    struct {
        char begin[4];
        uint32_t position;
    } first = {{'\0', 'm', '\0', '\0'}, position};
    memcpy(&out->u.word[0], &first, sizeof first);
    out->u.word[1] = is->id;
}

static inline void message_key_make(const struct splinter_store *s, const struct topic *is,
                                    uint32_t position, struct message_key *out)
{
    message_key_text(is, position, out);
    out->key.s = out->u.text;
    out->key.len = KEY_SHORT;
    out->key.hash = key_short_hash(s, (struct key_ends){out->u.word[0], out->u.word[1]}, KEY_SHORT);
    out->key.home = hash_home(s, out->key.hash);
}

/* What a topic's own key says, and where.  0; -ENOENT, -EAGAIN, -EBADMSG. */
int topic_look(struct splinter_store *s, const struct key *key, struct topic *out, uint64_t *epoch,
               struct lookup *where);

/* The next topic's own key, from *cursor on. */
bool topic_next(struct splinter_store *s, uint64_t *cursor, struct walked *w);

/* A thread, whose handle is attached, makes or removes a topic.  If it dies in between, or `left`
 * says that it gives up, other processes look for what it leaves. */
void topic_work_begin(struct splinter_store *s);
void topic_work_end(struct splinter_store *s, bool left);

/* Who makes a topic: for topic.maker. */
static inline uint64_t topic_maker(const struct splinter_store *s)
{
    return s->incarnation << 16 | s->entry;
}

/* Remove the keys of a topic in the state TOPIC_REMOVING, and then its own, which has this epoch.
 * 0: they are gone; or an errno. */
int topic_clear(struct splinter_store *s, const struct key *key, const struct topic *is,
                uint64_t epoch);

/* Remove a topic in any state, for which nothing has to be written: for a full disk.  Its own key
 * has this epoch, and goes first.  0; -ESTALE: it has changed; or another errno.  To be called
 * between topic_work_begin() and topic_work_end(). */
int topic_drop(struct splinter_store *s, const struct key *key, const struct topic *is,
               uint64_t epoch);

/* Remove messages that have no topic.  0; -EBADMSG: there is a damaged topic, whose messages they
 * may be; or another errno. */
int topics_drop_orphans(struct splinter_store *s);

/* If processes have left topics half made or half removed, remove those.  The handle is attached,
 * and the thread holds no lane. */
void topics_settle_dead(struct splinter_store *s);

#endif
