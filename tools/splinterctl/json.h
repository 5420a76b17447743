/* SPDX-License-Identifier: Apache-2.0 */
/* json.h - fields as a JSON object; only where jansson is there */
#ifndef SPLINTERCTL_JSON_H
#define SPLINTERCTL_JSON_H

#include "output.h"

/* One object, with the member "schema", and a newline, to out. */
void ctl_json_record(struct cli_out *out, const struct ctl_field *fields, size_t count);

#endif /* SPLINTERCTL_JSON_H */
