# `cpack` in the build folder makes Debian packages: dora (the command), libdora0 (the shared library for nodes) and
# libdora-dev (what it takes to build nodes), and with DORA_PYTHON python3-dora. Files lie as in the build; -DCMAKE_INSTALL_PREFIX=/usr when it is configured
# puts libraries into Debian's folder for the architecture.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_VENDOR dora)
set(CPACK_PACKAGE_CONTACT "The dora developers <dora@localhost>" CACHE STRING "Maintainer of the packages")
# CPack puts a summary of the project before each package's own, unless it is CPack's default.
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${CMAKE_PROJECT_NAME} built using CMake")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE
    WORLD_READ WORLD_EXECUTE)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL runtime lib dev)
if(DORA_PYTHON)
  list(APPEND CPACK_COMPONENTS_ALL python)
endif()
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION devel)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY ">=")

# dora_deb(COMPONENT NAME SUMMARY TEXT): what dpkg calls a component, and says of it.
function(dora_deb component name summary text)
  string(TOUPPER ${component} upper)
  set(CPACK_DEBIAN_${upper}_PACKAGE_NAME ${name} PARENT_SCOPE)
  set(CPACK_COMPONENT_${upper}_DESCRIPTION "${summary}\n${text}" PARENT_SCOPE)
  set(docs ${CMAKE_INSTALL_DATADIR}/doc/${name})
  install(FILES packaging/debian/copyright DESTINATION ${docs} COMPONENT ${component} EXCLUDE_FROM_ALL)
  install(FILES ${PROJECT_BINARY_DIR}/package/changelog.gz DESTINATION ${docs} COMPONENT ${component} EXCLUDE_FROM_ALL)
endfunction()

dora_deb(runtime dora "dataflows of processes that share memory"
"A dataflow is a YAML descriptor that names nodes, each a program of its own,
and wires their outputs to other nodes' inputs. Data passes through shared
memory, straight from one process to the next.
.
This package holds the command that runs dataflows, and its services.")
install(FILES packaging/debian/dora.lintian-overrides DESTINATION ${CMAKE_INSTALL_DATADIR}/lintian/overrides RENAME dora
        COMPONENT runtime EXCLUDE_FROM_ALL)
dora_deb(lib libdora0 "library for nodes of dora's dataflows"
"Nodes are programs that receive and send data in a dataflow of dora.
.
This package holds the shared library that nodes use.")
dora_deb(dev libdora-dev "library for nodes of dora's dataflows (development files)"
"Nodes are programs that receive and send data in a dataflow of dora.
.
This package holds the headers, the static library, and the files for CMake
and pkg-config to build nodes in C and C++.")
if(DORA_PYTHON)
  dora_deb(python python3-dora "nodes of dora's dataflows in Python"
"Nodes are programs that receive and send data in a dataflow of dora.
.
This package holds the Python module for nodes. It needs pyarrow, which may
have to come from elsewhere: into an environment with --system-site-packages.")
endif()

set(CPACK_DEBIAN_RUNTIME_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SUGGESTS "libdora-dev, cmake")
set(CPACK_DEBIAN_LIB_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_LIB_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_LIB_PACKAGE_CONTROL_EXTRA ${PROJECT_SOURCE_DIR}/packaging/debian/triggers)
set(CPACK_DEBIAN_DEV_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEV_PACKAGE_DEPENDS "libdora0 (= ${PROJECT_VERSION})")
# The extension is for the version of Python that built it.
if(DORA_PYTHON)
  math(EXPR dora_next_python "${dora_python_minor} + 1")
  set(CPACK_DEBIAN_PYTHON_PACKAGE_SHLIBDEPS ON)
  set(CPACK_DEBIAN_PYTHON_PACKAGE_SECTION python)
  set(CPACK_DEBIAN_PYTHON_PACKAGE_DEPENDS "python3 (>= 3.${dora_python_minor}), python3 (<< 3.${dora_next_python})")
  set(CPACK_DEBIAN_PYTHON_PACKAGE_RECOMMENDS "python3-numpy, python3-pyarrow, python3-yaml")
  set(CPACK_DEBIAN_PYTHON_PACKAGE_SUGGESTS "dora")
endif()

# Where Debian's zsh looks, unlike others.
install(FILES share/completions/dora.zsh DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions RENAME _dora
        COMPONENT runtime EXCLUDE_FROM_ALL)
configure_file(packaging/debian/changelog.in ${PROJECT_BINARY_DIR}/package/changelog @ONLY)
execute_process(COMMAND gzip -9nkf ${PROJECT_BINARY_DIR}/package/changelog COMMAND_ERROR_IS_FATAL ANY)
include(CPack)
