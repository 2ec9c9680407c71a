# What `cmake --install` puts where, for users of the C library and the command.
#
#     include/dora/, include/node_api.h,          lib/libdora.a, lib/libdora.so
#     include/dora-node-api.h                     lib/libdora_node_api_{c,cxx}.{a,so} dora's own names for the library
#     include/operator_{api,types}.h              dora's own names for the C operator interface
#     include/dora-operator-api.h                 and for that of C++
#     lib/libdora_operator_api_{c,cxx}.a          what operators link
#     lib/pkgconfig/*.pc                          dora, dora_{node,operator}_api_{c,cxx}
#     lib/cmake/dora/                             find_package(dora): dora::dora, dora::dora_static, dora::operator,
#                                                 dora_add_node(), dora_add_operator()
#     lib/cmake/dora-{node,operator}-api-*/       find_package(dora-node-api-c), … as dora's users write it
#     src/dora-{node,operator}-api.cc             what dora's users of C++ compile with their own; that for nodes is empty
#     bin/dora, share/dora/dora-schema.json       the command; the JSON schema of descriptors, for editors
#     bin/dora-coordinator                        the command's second name, for service managers
#     libexec/dora/                               what the daemon starts: dora-runtime, dora-gateway
#     share/man/man1/, completions of shells      of the command
#     lib/systemd/user/                           its services
#
# Components are the packages they go into (Package.cmake): runtime, lib, dev; and zsh, which is in none.
include(CMakePackageConfigHelpers)

set(dora_cmake_dir ${CMAKE_INSTALL_LIBDIR}/cmake)

install(FILES include/node_api.h include/dora-node-api.h include/operator_api.h include/operator_types.h
              include/dora-operator-api.h
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT dev)
install(DIRECTORY include/dora DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT dev FILES_MATCHING PATTERN "*.h" PATTERN "*.hpp")

set_target_properties(dora_shared PROPERTIES EXPORT_NAME dora)
set_target_properties(dora_operator_api_c PROPERTIES EXPORT_NAME operator)
install(TARGETS dora_static dora_shared dora_operator_api_c EXPORT dora
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT dev
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT lib NAMELINK_COMPONENT dev)
foreach(name c.a c.so cxx.a cxx.so)
  install(FILES ${PROJECT_BINARY_DIR}/lib/libdora_node_api_${name} DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT dev)
endforeach()
# dora's own name for the library of operators in C++, whose other half is the bridge.
file(CREATE_LINK libdora_operator_api_c.a ${PROJECT_BINARY_DIR}/lib/libdora_operator_api_cxx.a SYMBOLIC)
install(FILES ${PROJECT_BINARY_DIR}/lib/libdora_operator_api_cxx.a DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT dev)
install(FILES src/cxx/dora-node-api.cc src/cxx/dora-operator-api.cc DESTINATION src COMPONENT dev)

install(EXPORT dora NAMESPACE dora:: FILE doraTargets.cmake DESTINATION ${dora_cmake_dir}/dora COMPONENT dev)
# The build folder can be used as if it were installed: with its bin/ on PATH, or in CMAKE_PREFIX_PATH.
export(EXPORT dora NAMESPACE dora:: FILE ${PROJECT_BINARY_DIR}/lib/cmake/dora/doraTargets.cmake)
file(WRITE ${PROJECT_BINARY_DIR}/lib/cmake/dora/doraConfig.cmake
  "include(\${CMAKE_CURRENT_LIST_DIR}/doraTargets.cmake)\ninclude(\${CMAKE_CURRENT_LIST_DIR}/DoraAddNode.cmake)\n"
  "include(\${CMAKE_CURRENT_LIST_DIR}/DoraAddOperator.cmake)\n")
foreach(dora_function DoraAddNode DoraAddOperator)
  configure_file(cmake/${dora_function}.cmake ${PROJECT_BINARY_DIR}/lib/cmake/dora/${dora_function}.cmake COPYONLY)
  install(FILES cmake/${dora_function}.cmake DESTINATION ${dora_cmake_dir}/dora COMPONENT dev)
endforeach()
write_basic_package_version_file(${PROJECT_BINARY_DIR}/lib/cmake/dora/doraConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)

# One template a package; what it says of itself is all that differs.
function(dora_package name)
  configure_package_config_file(cmake/${name}Config.cmake.in ${PROJECT_BINARY_DIR}/package/${name}Config.cmake
    INSTALL_DESTINATION ${dora_cmake_dir}/${name} PATH_VARS CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_LIBDIR)
  write_basic_package_version_file(${PROJECT_BINARY_DIR}/package/${name}ConfigVersion.cmake
    COMPATIBILITY SameMinorVersion)
  install(FILES ${PROJECT_BINARY_DIR}/package/${name}Config.cmake
          ${PROJECT_BINARY_DIR}/package/${name}ConfigVersion.cmake DESTINATION ${dora_cmake_dir}/${name}
          COMPONENT dev)
endfunction()

dora_package(dora)
dora_package(dora-node-api-c)
dora_package(dora-node-api-cxx)
dora_package(dora-operator-api-c)
dora_package(dora-operator-api-cxx)

# A prefix that may move: pkg-config takes it from where the file lies.
file(RELATIVE_PATH dora_prefix_from_pc /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
foreach(dora_library dora dora_node_api_c dora_node_api_cxx dora_operator_api_c dora_operator_api_cxx)
  configure_file(cmake/library.pc.in ${PROJECT_BINARY_DIR}/package/${dora_library}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/package/${dora_library}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig
          COMPONENT dev)
endforeach()

if(NOT CMAKE_CROSSCOMPILING)
  set(dora_schema ${PROJECT_BINARY_DIR}/package/dora-schema.json)
  install(CODE "execute_process(COMMAND \"$<TARGET_FILE:dora>\" schema OUTPUT_FILE \"${dora_schema}\"
                                COMMAND_ERROR_IS_FATAL ANY)" COMPONENT runtime)
  install(FILES ${dora_schema} DESTINATION ${CMAKE_INSTALL_DATADIR}/dora COMPONENT runtime)
endif()

file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
file(CREATE_LINK dora ${PROJECT_BINARY_DIR}/bin/dora-coordinator SYMBOLIC)
install(FILES ${PROJECT_BINARY_DIR}/bin/dora-coordinator DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT runtime)
install(DIRECTORY packaging/systemd/ DESTINATION lib/systemd/user COMPONENT runtime)

# Where each shell looks for the completions of what is installed. Debian's package has another folder for zsh.
install(FILES share/completions/dora.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME dora
        COMPONENT runtime)
install(FILES share/completions/dora.zsh DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions RENAME _dora COMPONENT zsh)
install(FILES share/completions/dora.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d
        COMPONENT runtime)
