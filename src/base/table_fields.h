/* table_fields.h: how tables are described (inside the tables). ROW is the struct of the table at hand. */
#ifndef FINEPROBE_BASE_TABLE_FIELDS_H
#define FINEPROBE_BASE_TABLE_FIELDS_H

#include "fineprobe/table.h"

#define COUNT(fields) (sizeof(fields) / sizeof(fields)[0])

/* The C type decides the column's type, so that the two cannot disagree. */
#define TYPE_OF(row, member)                                                                                 \
    _Generic(((row *)0)->member,                                                                             \
        int32_t: FP_FIELD_I32,                                                                               \
        uint32_t: FP_FIELD_U32,                                                                              \
        int64_t: FP_FIELD_I64,                                                                               \
        double: FP_FIELD_F64,                                                                                \
        char *: FP_FIELD_TEXT)
#define NAMED(row, name, member, unit, meaning)                                                              \
    { name, TYPE_OF(row, member), offsetof(row, member), sizeof(((row *)0)->member), unit, meaning }
#define FIELD(member, unit, meaning) NAMED(ROW, #member, member, unit, meaning)
#define TABLE(of, fields, text, open)                                                                        \
    const fp_table fp_table_##of = {#of, text, sizeof(ROW), COUNT(fields), fields, open}

/* All fields from the offset FROM on: NaN, 0 or "". */
void fp_open_fields(const fp_table *table, size_t from, void *row);

#endif
