# dora_layer(NAME SOURCES … USES …): a layer of the source tree as a static library. It sees its own folder as
# <src/NAME/…> through "name/header.h" and only the headers of the layers it names: each layer's include path is a
# folder of links to just that layer, so an #include upwards does not compile.
function(dora_layer name)
  cmake_parse_arguments(ARG "" "" "SOURCES;USES" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  set(view ${PROJECT_BINARY_DIR}/view/${name})
  file(MAKE_DIRECTORY ${view})
  file(CREATE_LINK ${CMAKE_CURRENT_SOURCE_DIR} ${view}/${name} SYMBOLIC)
  target_include_directories(${name} PUBLIC ${view})
  target_link_libraries(${name} PUBLIC ${ARG_USES})
  dora_flags(${name})
endfunction()

# dora_flags(TARGET): the language level and warnings of everything built here.
function(dora_flags target)
  set_target_properties(${target} PROPERTIES C_STANDARD 17 C_EXTENSIONS ON POSITION_INDEPENDENT_CODE ON)
  target_compile_definitions(${target} PRIVATE _GNU_SOURCE)
  target_compile_options(${target} PRIVATE
    $<$<COMPILE_LANGUAGE:C>:-Wall -Wextra -Wshadow -Wpointer-arith -Wstrict-prototypes -Wmissing-prototypes
    -Wold-style-definition -Wwrite-strings -Wvla -Wformat=2 -Wundef -fvisibility=hidden -ffunction-sections
    -fdata-sections>
    $<$<C_COMPILER_ID:Clang>:-Wno-missing-field-initializers> # nested ones, too, where GCC knows better
    $<$<BOOL:${DORA_WERROR}>:-Werror>)
endfunction()

# dora_test(NAME SOURCES … USES …): a cmocka test that lies beside the code it tests. The target `unit_tests` is all of them.
function(dora_test name)
  if(NOT DORA_TESTS)
    return()
  endif()
  cmake_parse_arguments(ARG "" "" "SOURCES;USES" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_USES} PkgConfig::cmocka)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/test)
  dora_flags(${name})
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES TIMEOUT 120)
  if(NOT TARGET unit_tests)
    add_custom_target(unit_tests)
  endif()
  add_dependencies(unit_tests ${name})
endfunction()
