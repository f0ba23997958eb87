# What programs in C and C++ need: the library, its headers and a package for find_package(pycnn). In a wheel they lie in
# the package's folder cpp/, elsewhere under the prefix.
include(CMakePackageConfigHelpers)
if(SKBUILD)
  set(prefix pycnn/cpp/)
  set(libraries lib)
  set(headers include)
else()
  include(GNUInstallDirs)
  set(prefix "")
  set(libraries ${CMAKE_INSTALL_LIBDIR})
  set(headers ${CMAKE_INSTALL_INCLUDEDIR})
endif()
set(package ${prefix}${libraries}/cmake/pycnn)
set(core_headers ${headers}/pycnn/core)

target_include_directories(pycnn_core INTERFACE $<INSTALL_INTERFACE:${prefix}${headers}>)
target_include_directories(pycnn_network INTERFACE $<INSTALL_INTERFACE:${prefix}${core_headers}>)
install(TARGETS pycnn_core pycnn_network EXPORT pycnn ARCHIVE DESTINATION ${prefix}${libraries}
        LIBRARY DESTINATION ${prefix}${libraries})
install(EXPORT pycnn NAMESPACE pycnn:: FILE pycnnTargets.cmake DESTINATION ${package})
configure_package_config_file(cpp/cmake/pycnnConfig.cmake.in pycnnConfig.cmake INSTALL_DESTINATION ${package})
write_basic_package_version_file(pycnnConfigVersion.cmake VERSION ${PYCNN_VERSION} COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/pycnnConfig.cmake ${PROJECT_BINARY_DIR}/pycnnConfigVersion.cmake
        DESTINATION ${package})
install(DIRECTORY cpp/include/pycnn DESTINATION ${prefix}${headers})

# What <pycnn/network.h> includes: of the kernels only what their table says.
foreach(folder IN ITEMS graph engine runtime)
  install(DIRECTORY cpp/${folder} DESTINATION ${prefix}${core_headers} FILES_MATCHING PATTERN *.h PATTERN operations EXCLUDE)
endforeach()
file(STRINGS cpp/kernels/table.h kernels REGEX "^#include \"kernels/")
foreach(line IN LISTS kernels)
  string(REGEX REPLACE "^#include \"kernels/(.*)/(.*)\"$" "\\1;\\2" file "${line}")
  list(POP_BACK file name)
  install(FILES cpp/kernels/${file}/${name} DESTINATION ${prefix}${core_headers}/kernels/${file})
endforeach()
install(FILES cpp/kernels/table.h DESTINATION ${prefix}${core_headers}/kernels)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS cpp/kernels/table.h)
