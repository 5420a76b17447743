/* SPDX-License-Identifier: Apache-2.0 */
/* message.h - the messages of a topic, as the file that opens one sees them */
#ifndef SPLINTER_MESSAGE_H
#define SPLINTER_MESSAGE_H

#include "names.h"
#include "topic.h"

/* Look at every position of a topic of a durable store.  After a power cut, or in a copy, messages
 * may be missing among those that are there.  This raises t->known to the highest number, so they
 * count as lost.  0, or an error of topic_mend(). */
int messages_survey(struct splinter_topic *t);

#endif
