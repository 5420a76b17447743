/* SPDX-License-Identifier: Apache-2.0 */
/* record.c - the lines of a dump, understood */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../cli.h"
#include "../cli_bus.h"
#include "../cli_text.h"
#include "dump.h"
#include "jsonline.h"

enum {
    RECORD_KEY, RECORD_EPOCH, RECORD_TYPE, RECORD_EXPIRES, RECORD_NUMBER, RECORD_VALUE,
    RECORD_KEY_BASE64, RECORD_VALUE_BASE64, RECORD_END, RECORD_MEMBERS
};

/* The bytes of a member, or of its base64.  Returns NULL, or what is wrong. */
static const char *take_bytes(struct ctl_member *text, struct ctl_member *base64)
{
    if (base64->is == CTL_JSON_NULL)
        base64->is = CTL_JSON_ABSENT;
    if (text->is == CTL_JSON_NULL)
        text->is = CTL_JSON_ABSENT;
    if (base64->is == CTL_JSON_ABSENT)
        return text->is == CTL_JSON_STRING   ? NULL
               : text->is == CTL_JSON_ABSENT ? "is missing"
                                             : "is no string";
    if (text->is != CTL_JSON_ABSENT)
        return "is there twice, also as base64";
    if (base64->is != CTL_JSON_STRING ||
        !cli_from_base64(base64->text, &base64->len, base64->text, base64->len))
        return "is no base64";
    *text = *base64;
    return NULL;
}

/* A whole number that may be missing; returns false if it is none. */
static bool take_number(const struct ctl_member *m, uint64_t *number)
{
    *number = m->is == CTL_JSON_INTEGER ? m->number : 0;
    return m->is == CTL_JSON_ABSENT || m->is == CTL_JSON_NULL ||
           (m->is == CTL_JSON_INTEGER && !m->negative);
}

/* A name, a number, or a number as text, as "list --json" has it. */
static bool take_type(const struct ctl_member *m, uint32_t *type)
{
    int64_t number = 0;
    if (m->is == CTL_JSON_STRING) {
        for (*type = 0; cli_type_name(*type); (*type)++)
            if (strlen(cli_type_name(*type)) == m->len &&
                memcmp(cli_type_name(*type), m->text, m->len) == 0)
                return true;
        if (!cli_parse_int64(m->text, m->len, &number))
            return false;
    } else if (m->is == CTL_JSON_INTEGER && !m->negative) {
        number = m->number > UINT16_MAX ? -1 : (int64_t)m->number;
    } else if (m->is != CTL_JSON_ABSENT && m->is != CTL_JSON_NULL) {
        return false;
    }
    *type = (uint32_t)number;
    return number >= 0 && number <= UINT16_MAX;
}

/* "int64" is the value of an int64 in whatever order the bytes of this machine are. */
static const char *take_int64(const struct ctl_member *m, struct ctl_record *record)
{
    if (m->is != CTL_JSON_INTEGER || m->number > (uint64_t)INT64_MAX + m->negative)
        return "is no whole number of 64 bits";
    if (record->type != SPLINTER_TYPE_INT64)
        return "is there, but the type is not int64";
    record->number = (int64_t)(m->negative ? 0 - m->number : m->number);
    record->value = &record->number;
    record->size = sizeof(record->number);
    return NULL;
}

/* The member that is wrong in *where, and what is wrong; or NULL. */
static const char *understand(struct ctl_member *m, struct ctl_record *record, const char **where)
{
    size_t most = splinter_key_max() - 1;
    const struct ctl_member *key = &m[RECORD_KEY], *value = &m[RECORD_VALUE];
    *where = "key";
    const char *wrong = take_bytes(&m[RECORD_KEY], &m[RECORD_KEY_BASE64]);
    if (wrong)
        return wrong;
    if (!key->len || key->len > most)
        return key->len ? "is too long" : "is empty";
    if (memchr(key->text, '\0', key->len))
        return "has a zero byte";
    *where = "epoch";
    if (!take_number(&m[RECORD_EPOCH], &record->epoch))
        return "is no whole number";
    *where = "expires_ms";
    if (!take_number(&m[RECORD_EXPIRES], &record->expires_ms))
        return "is no whole number";
    *where = "type";
    if (!take_type(&m[RECORD_TYPE], &record->type))
        return "is neither bytes, text, json, int64 nor a number up to 65535";
    *where = "int64";
    if (m[RECORD_NUMBER].is != CTL_JSON_ABSENT && m[RECORD_NUMBER].is != CTL_JSON_NULL)
        return take_int64(&m[RECORD_NUMBER], record);
    *where = "value";
    wrong = take_bytes(&m[RECORD_VALUE], &m[RECORD_VALUE_BASE64]);
    record->value = value->text;
    record->size = value->len;
    return wrong || value->len ? wrong : "is empty";
}

const char *ctl_record_read(char *line, size_t len, struct ctl_record *record)
{
    static char sentence[200];
    struct ctl_member members[RECORD_MEMBERS] = {
        [RECORD_KEY] = {.name = "key"},
        [RECORD_EPOCH] = {.name = "epoch"},
        [RECORD_TYPE] = {.name = "type"},
        [RECORD_EXPIRES] = {.name = "expires_ms"},
        [RECORD_NUMBER] = {.name = "int64"},
        [RECORD_VALUE] = {.name = "value"},
        [RECORD_KEY_BASE64] = {.name = "key_base64"},
        [RECORD_VALUE_BASE64] = {.name = "value_base64"},
        [RECORD_END] = {.name = "end"},
    };
    size_t at;
    const char *where, *wrong = ctl_json_read(line, len, members, RECORD_MEMBERS, &at);
    record->end = false;
    if (wrong) {
        snprintf(sentence, sizeof(sentence), "byte %zu: %s", at, wrong);
        return sentence;
    }
    if (members[RECORD_END].is == CTL_JSON_TRUE) {
        record->end = true;
        return NULL;
    }
    wrong = understand(members, record, &where);
    if (wrong) {
        snprintf(sentence, sizeof(sentence), "'%s' %s", where, wrong);
        return sentence;
    }
    record->key = members[RECORD_KEY].text;
    /* In place of its quote, or of what was behind it. */
    members[RECORD_KEY].text[members[RECORD_KEY].len] = '\0';
    return NULL;
}

static bool is_from_1_to(const struct ctl_member *m, uint64_t most)
{
    return m->is == CTL_JSON_INTEGER && !m->negative && m->number && m->number <= most;
}

const char *ctl_header_read(char *line, size_t len, struct ctl_dump_header *header)
{
    enum { DUMP, SCHEMA, SLOTS, MAX_VALUE, FEED, ENDS, MEMBERS };
    static char sentence[200];
    struct ctl_member m[MEMBERS] = {{.name = "dump"}, {.name = "schema"}, {.name = "slots"},
                                    {.name = "max_value"}, {.name = "feed"}, {.name = "ends"}};
    size_t at;
    const char *wrong = ctl_json_read(line, len, m, MEMBERS, &at);
    if (wrong) {
        snprintf(sentence, sizeof(sentence), "its first line, byte %zu: %s", at, wrong);
        return sentence;
    }
    if (m[DUMP].is != CTL_JSON_STRING || m[DUMP].len != strlen("splinter") ||
        memcmp(m[DUMP].text, "splinter", m[DUMP].len) != 0)
        return "its first line lacks \"dump\":\"splinter\"";
    if (!is_from_1_to(&m[SCHEMA], UINT64_MAX))
        return "'schema' in its first line is no whole number from 1 on";
    if (m[SCHEMA].number > CTL_DUMP_SCHEMA) {
        snprintf(sentence, sizeof(sentence), "it has schema %" PRIu64 ", and the newest that is "
                 "known here is %d", m[SCHEMA].number, CTL_DUMP_SCHEMA);
        return sentence;
    }
    header->ends = m[ENDS].is == CTL_JSON_TRUE;
    header->slots = m[SLOTS].number;
    header->max_value = m[MAX_VALUE].number;
    header->has_limits = is_from_1_to(&m[SLOTS], SPLINTER_SLOTS_MAX) &&
                         is_from_1_to(&m[MAX_VALUE], SPLINTER_VALUE_MAX) &&
                         take_number(&m[FEED], &header->feed) && header->feed <= CLI_FEED_MAX;
    return NULL;
}
