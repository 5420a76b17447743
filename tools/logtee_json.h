/* SPDX-License-Identifier: Apache-2.0 */
/* logtee_json.h - a member of a JSON object, whatever the bytes are */
#ifndef SPLINTER_LOGTEE_JSON_H
#define SPLINTER_LOGTEE_JSON_H

#include <stddef.h>

#include "cli_out.h"

/* "name":"..." or, if the bytes are no text, "name_base64":"..." */
void logtee_json_member(struct cli_out *out, const char *member, const void *bytes, size_t len);

#endif /* SPLINTER_LOGTEE_JSON_H */
