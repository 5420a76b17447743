/* SPDX-License-Identifier: Apache-2.0 */
/* get.c - get, head and ttl: what a key has */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "../cli.h"
#include "bus.h"
#include "commands.h"
#include "value.h"

enum { GET_META, GET_NUMBER };
const struct ctl_option ctl_get_options[] = {
    [GET_META] = {"meta", NULL, "first print what is known about the key, then an\n"
                                 "                       empty line"},
    [GET_NUMBER] = {"number", NULL, "print a value of the type int64 as a decimal number"},
    {NULL, NULL, NULL},
};

static const char *key_of(const struct ctl_call *call)
{
    return cli_key("KEY", call->arguments[0]);
}

static void get_json(const char *key, const struct cli_value *value)
{
    struct ctl_field fields[CTL_META_FIELDS + 2];
    char type[CTL_TYPE_ROOM];
    size_t count = CTL_META_FIELDS;
    int64_t number;
    ctl_meta_fields(fields, key, &value->meta, type);
    fields[count++] = (struct ctl_field){
        .name = "value", .kind = CTL_VALUE, .bytes = value->buf, .size = value->size};
    if (cli_value_number(value, &number))
        fields[count++] =
            (struct ctl_field){.name = "int64", .kind = CTL_SIGNED, .signed_number = number};
    ctl_print_record(fields, count);
}

static void print_meta(const char *key, const struct splinter_meta *meta)
{
    struct ctl_field fields[CTL_META_FIELDS];
    char type[CTL_TYPE_ROOM];
    ctl_meta_fields(fields, key, meta, type);
    ctl_print_record(fields, CTL_META_FIELDS);
}

static void print_number(const char *key, const struct cli_value *value)
{
    int64_t number;
    if (!cli_value_number(value, &number))
        cli_die(CLI_FAILURE, "key '%s' is no number: its type is not int64", key);
    cli_out_printf(&ctl_out, "%" PRId64 "\n", number);
}

int ctl_run_get(const struct ctl_call *call)
{
    static struct cli_value value;
    const char *key = key_of(call);
    int r;
    do
        r = cli_get(key, &value);
    while (r == -EAGAIN);
    if (r)
        ctl_failed("read", key, r);
    if (ctl_json()) {
        get_json(key, &value);
        return CLI_OK;
    }
    if (call->given[GET_META]) {
        print_meta(key, &value.meta);
        cli_out_put(&ctl_out, "\n", 1);
    }
    if (call->given[GET_NUMBER])
        print_number(key, &value);
    else
        ctl_print_value(&value);
    return CLI_OK;
}

int ctl_run_head(const struct ctl_call *call)
{
    struct splinter_meta meta;
    const char *key = key_of(call);
    int r = cli_get_meta(key, &meta);
    if (r)
        ctl_failed("read", key, r);
    print_meta(key, &meta);
    return CLI_OK;
}

int ctl_run_ttl(const struct ctl_call *call)
{
    struct splinter_meta meta;
    struct ctl_field fields[CTL_META_FIELDS];
    char type[CTL_TYPE_ROOM];
    const char *key = key_of(call);
    int r = cli_get_meta(key, &meta);
    if (r)
        ctl_failed("read", key, r);
    ctl_meta_fields(fields, key, &meta, type);
    const struct ctl_field two[] = {fields[4], fields[6]};
    if (ctl_json())
        ctl_print_record(two, 2);
    else if (two[0].kind == CTL_NONE)
        cli_out_printf(&ctl_out, "none\n");
    else
        cli_out_printf(&ctl_out, "%llu\n", (unsigned long long)two[0].number);
    return CLI_OK;
}
