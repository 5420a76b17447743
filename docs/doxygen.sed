# Plain comments of include/splinter.h into those that Doxygen takes for documentation.
1d
s,^ \* splinter\.h - \(.*\),@file\
The whole public interface: \1.\
,
s,^/\*$,/**,
/^\/\* ----/!s,^/\* ,/** ,
s,^    /\* ,    /** ,
s,^\(.*[^ ].*\)/\* \(.*\)\*/$,\1/**< \2*/,
s,^\(#define .*[^ ] *\)/\* ,\1/**< ,
# These share the comment of the one before.
s,^int splinter_\(open\|open_or_create\|create_or_open\)(.*,/** See splinter_create(). */\
&,
s,^int splinter_store_stat(.*,/** Fill in *stat; see struct splinter_stat. */\
&,
