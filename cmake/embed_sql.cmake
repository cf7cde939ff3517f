# embed_sql.cmake -- writes the numbered SQL files into a C header, as bytes.
#
#   cmake -DOUTPUT=header.h -DPREFIX=sqlite "-DFILES=0001_a.sql|0002_b.sql" -P embed_sql.cmake
#
# The files must be numbered from 0001 without a hole. Bytes, not a string literal: ISO C promises only 4,095
# characters for one.
set(arrays "")
set(rows "")
set(expected 0)
string(REPLACE "|" ";" FILES "${FILES}")
foreach(file IN LISTS FILES)
  math(EXPR expected "${expected} + 1")
  get_filename_component(name ${file} NAME)
  if(NOT name MATCHES "^([0-9][0-9][0-9][0-9])_[a-z0-9_]+\\.sql$")
    message(FATAL_ERROR "${name} is not named NNNN_name.sql")
  endif()
  set(digits ${CMAKE_MATCH_1})
  string(REGEX REPLACE "^0+" "" number ${digits})
  if(NOT number EQUAL expected)
    message(FATAL_ERROR "${name} has number ${number} where ${expected} is due")
  endif()
  file(READ ${file} bytes HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
  string(APPEND arrays "static const unsigned char ${PREFIX}_sql_${digits}[] = { ${bytes}0x00 };\n")
  string(APPEND rows "    { \"${name}\", (const char *)${PREFIX}_sql_${digits} },\n")
endforeach()
file(WRITE ${OUTPUT} "/* Made from the migrations by cmake/embed_sql.cmake. */\n${arrays}\n"
  "const struct migration ${PREFIX}_migrations[] = {\n${rows}};\n")
