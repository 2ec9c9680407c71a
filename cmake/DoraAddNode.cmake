# dora_descriptor_folder(WHO DESCRIPTOR RESULT): the folder of a descriptor, or of none, as the functions of dora's users take it.
function(dora_descriptor_folder who descriptor result)
  if(NOT descriptor)
    set(descriptor dataflow.yml)
  endif()
  get_filename_component(descriptor "${descriptor}" ABSOLUTE)
  if(IS_DIRECTORY "${descriptor}")
    set(folder "${descriptor}")
  elseif(EXISTS "${descriptor}")
    get_filename_component(folder "${descriptor}" DIRECTORY)
  else()
    message(FATAL_ERROR "${who}: there is no ${descriptor}; name the descriptor with DESCRIPTOR")
  endif()
  set(${result} "${folder}" PARENT_SCOPE)
endfunction()

# dora_add_node(NAME SOURCES … [DESCRIPTOR FILE] [LIBRARIES …] [SHARED]): a node's program, built into the folder `bin` beside
# the descriptor that runs it, which so names it as `path: bin/NAME` wherever the build folder is. FILE is the descriptor, or
# the folder that it is in: unless given, dataflow.yml of the calling folder. The program is linked with libdora.a, or with SHARED libdora.so, and then with LIBRARIES; C++ is
# compiled as C++17 or newer, which dora.hpp needs. NAME is a target like any other, to change as you like.
function(dora_add_node name)
  cmake_parse_arguments(ARG "SHARED" "DESCRIPTOR" "SOURCES;LIBRARIES" ${ARGN})
  if(ARG_UNPARSED_ARGUMENTS OR NOT ARG_SOURCES)
    message(FATAL_ERROR "dora_add_node(${name}) needs SOURCES, and knows DESCRIPTOR, LIBRARIES and SHARED: ${ARGN}")
  endif()
  dora_descriptor_folder("dora_add_node(${name})" "${ARG_DESCRIPTOR}" folder)
  add_executable(${name} ${ARG_SOURCES})
  if(ARG_SHARED)
    target_link_libraries(${name} PRIVATE dora::dora ${ARG_LIBRARIES})
  else()
    target_link_libraries(${name} PRIVATE dora::dora_static ${ARG_LIBRARIES})
  endif()
  get_property(languages GLOBAL PROPERTY ENABLED_LANGUAGES)
  if(CXX IN_LIST languages)
    target_compile_features(${name} PRIVATE cxx_std_17)
  endif()
  # For generators with several configurations, too, which would else add a folder.
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${folder}/bin/$<0:>")
endfunction()
