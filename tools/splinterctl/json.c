/* SPDX-License-Identifier: Apache-2.0 */
/* json.c - fields as a JSON object */
#include "json.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../cli.h"
#include "../cli_text.h"

static void fill(json_t *object, const struct ctl_field *fields, size_t count);

static json_t *array_of(const struct ctl_table *table)
{
    json_t *array = cli_need(json_array());
    struct ctl_field fields[CTL_COLUMNS_MAX];
    for (size_t i = 0; i < table->rows; i++) {
        table->row(table->arg, i, fields);
        json_t *object = cli_need(json_object());
        fill(object, fields, table->columns);
        json_array_append_new(array, object);
    }
    return array;
}

/* Text under its name; what is none as base64, under another name. */
static void set_bytes(json_t *object, const char *name, const void *bytes, size_t len)
{
    if (cli_is_utf8(bytes, len)) {
        json_object_set_new(object, name, cli_need(json_stringn(bytes, len)));
        return;
    }
    char member[64];
    char *text = cli_need(malloc(CLI_BASE64_MAX(len)));
    snprintf(member, sizeof(member), "%s_base64", name);
    size_t length = cli_base64(text, bytes, len);
    json_object_set_new(object, member, cli_need(json_stringn(text, length)));
    free(text);
}

/* A number beyond the range of json_int_t is as good as no limit: it is null. */
static json_t *number_of(uint64_t number)
{
    return number > INT64_MAX ? json_null() : cli_need(json_integer((json_int_t)number));
}

static void fill(json_t *object, const struct ctl_field *fields, size_t count)
{
    for (const struct ctl_field *f = fields; f < fields + count; f++)
        switch (f->kind) {
        case CTL_NONE:
            json_object_set_new(object, f->name, json_null());
            break;
        case CTL_TEXT:
            set_bytes(object, f->name, f->text, strlen(f->text));
            break;
        case CTL_NUMBER:
            json_object_set_new(object, f->name, number_of(f->number));
            break;
        case CTL_SIGNED:
            json_object_set_new(object, f->name, cli_need(json_integer(f->signed_number)));
            break;
        case CTL_VALUE:
            set_bytes(object, f->name, f->bytes, f->size);
            break;
        case CTL_ROWS:
            json_object_set_new(object, f->name, array_of(f->table));
            break;
        }
}

/* DEL, or the first byte of a character of C1.  A terminal may obey both, and jansson leaves them
 * as they are; it never parts a character. */
static bool is_control(const char *p, const char *end)
{
    const unsigned char *u = (const unsigned char *)p;
    return *u == 0x7f || (*u == 0xc2 && p + 1 < end && u[1] < 0xa0);
}

static int put(const char *text, size_t len, void *out)
{
    const char *p = text, *end = text + len;
    while (p < end) {
        const char *from = p;
        while (p < end && !is_control(p, end))
            p++;
        cli_out_put(out, from, (size_t)(p - from));
        if (p < end) { /* the second byte of C1 is the number of the character */
            p += (unsigned char)*p == 0xc2;
            cli_out_printf(out, "\\u%04X", (unsigned)(unsigned char)*p++);
        }
    }
    return 0;
}

void ctl_json_record(struct cli_out *out, const struct ctl_field *fields, size_t count)
{
    json_t *object = cli_need(json_object());
    json_object_set_new(object, "schema", cli_need(json_integer(CTL_JSON_SCHEMA)));
    fill(object, fields, count);
    json_dump_callback(object, put, out, JSON_COMPACT);
    json_decref(object);
    cli_out_put(out, "\n", 1);
    cli_out_record(out);
}
