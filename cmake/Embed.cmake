# dora_embed(TARGET FOLDER …): the files below these folders of share/ become part of TARGET, as the table that
# cli/embedded.h declares. This file is also the script that writes the table:
#     cmake -D ROOT=share -D OUT=embedded.c -D FOLDERS=templates;completions -P Embed.cmake
if(NOT CMAKE_SCRIPT_MODE_FILE)
  set(dora_embed_script ${CMAKE_CURRENT_LIST_FILE})
  function(dora_embed target)
    set(root ${PROJECT_SOURCE_DIR}/share)
    list(TRANSFORM ARGN PREPEND ${root}/ OUTPUT_VARIABLE globs)
    list(TRANSFORM globs APPEND /*)
    file(GLOB_RECURSE files CONFIGURE_DEPENDS ${globs})
    set(table ${CMAKE_CURRENT_BINARY_DIR}/embedded.c)
    add_custom_command(OUTPUT ${table}
      COMMAND ${CMAKE_COMMAND} -D ROOT=${root} -D OUT=${table} "-D FOLDERS=${ARGN}" -P ${dora_embed_script}
      DEPENDS ${files} ${dora_embed_script} VERBATIM)
    target_sources(${target} PRIVATE ${table})
  endfunction()
  return()
endif()

set(data "")
set(table "")
set(index 0)
foreach(folder ${FOLDERS})
  file(GLOB_RECURSE files RELATIVE ${ROOT} ${ROOT}/${folder}/*)
  foreach(name ${files})
    # What running a template leaves beside it is none of it.
    if(name MATCHES "__pycache__|\\.pyc$|/build/|/bin/|/out/")
      continue()
    endif()
    file(READ ${ROOT}/${name} bytes HEX)
    string(LENGTH "${bytes}" size)
    math(EXPR size "${size} / 2")
    string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
    string(APPEND data "static const char file_${index}[] = {${bytes}0};\n")
    string(APPEND table "    {\"${name}\", file_${index}, ${size}},\n")
    math(EXPR index "${index} + 1")
  endforeach()
endforeach()
file(WRITE ${OUT} "#include \"cli/embedded.h\"\n\n${data}
const struct embedded embedded_files[] = {\n${table}    {0},\n};\n")
