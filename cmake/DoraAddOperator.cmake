# dora_add_operator(NAME SOURCES … [DESCRIPTOR FILE] [LIBRARIES …]): an operator's shared library, built into the folder `bin`
# beside the descriptor that runs it, which so names it as `shared-library: bin/NAME`. FILE is as of dora_add_node. The library
# is linked with libdora_operator_api_c.a, with libdora.so where it uses dora.h, and with LIBRARIES. NAME is a target like any
# other, to change as you like.
function(dora_add_operator name)
  cmake_parse_arguments(ARG "" "DESCRIPTOR" "SOURCES;LIBRARIES" ${ARGN})
  if(ARG_UNPARSED_ARGUMENTS OR NOT ARG_SOURCES)
    message(FATAL_ERROR "dora_add_operator(${name}) needs SOURCES, and knows DESCRIPTOR and LIBRARIES: ${ARGN}")
  endif()
  dora_descriptor_folder("dora_add_operator(${name})" "${ARG_DESCRIPTOR}" folder)
  add_library(${name} MODULE ${ARG_SOURCES})
  target_link_options(${name} PRIVATE LINKER:--as-needed)
  target_link_libraries(${name} PRIVATE dora::operator ${ARG_LIBRARIES} dora::dora)
  get_property(languages GLOBAL PROPERTY ENABLED_LANGUAGES)
  if(CXX IN_LIST languages)
    target_compile_features(${name} PRIVATE cxx_std_17)
  endif()
  # Nothing but the three functions is visible (EXPORT of operator_api.h): what two operators of a process call the same stays
  # two things, also where C++ would make them one (static variables of inline functions).
  set_target_properties(${name} PROPERTIES C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden
                        VISIBILITY_INLINES_HIDDEN ON)
  # For generators with several configurations, too, which would else add a folder.
  set_target_properties(${name} PROPERTIES LIBRARY_OUTPUT_DIRECTORY "${folder}/bin/$<0:>")
endfunction()
