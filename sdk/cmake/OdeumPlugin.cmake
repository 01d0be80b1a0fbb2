# odeum_add_plugin(KIND <kind> NAME <name> SOURCES <file>... [LIBRARIES <library>...])
#
# Builds the plugin <kind>/<name> as lib/odeum/plugins/<kind>/<name>.so of the build tree, installs it at the same place
# under the prefix, and names the target <kind>_<name>. The library exports the one symbol `odeum_plugin_entries`, is
# never unloaded, and refuses to link while a symbol is undefined. What it needs beyond odeum goes into LIBRARIES.
include_guard(GLOBAL)

function(odeum_add_plugin)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "KIND;NAME" "SOURCES;LIBRARIES")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "odeum_add_plugin: what is '${arg_UNPARSED_ARGUMENTS}'?"
      " It takes KIND, NAME, SOURCES and LIBRARIES.")
  endif()
  foreach(key KIND NAME SOURCES)
    if(NOT arg_${key})
      message(FATAL_ERROR "odeum_add_plugin: ${key} is missing")
    endif()
  endforeach()
  foreach(key KIND NAME)
    if(NOT arg_${key} MATCHES "^[a-z][a-z0-9_]*$")
      message(FATAL_ERROR "odeum_add_plugin: ${key} '${arg_${key}}' is not of the form [a-z][a-z0-9_]*")
    endif()
  endforeach()

  set(map ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/plugin.map)
  set(folder lib/odeum/plugins/${arg_KIND})
  set(target ${arg_KIND}_${arg_NAME})
  add_library(${target} MODULE ${arg_SOURCES})
  set_target_properties(${target} PROPERTIES
    PREFIX "" SUFFIX ".so" OUTPUT_NAME ${arg_NAME}
    LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/${folder}
    CXX_STANDARD 20 CXX_STANDARD_REQUIRED ON CXX_EXTENSIONS OFF
    CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
    INSTALL_RPATH "$ORIGIN/../../.." INSTALL_RPATH_USE_LINK_PATH ON BUILD_WITH_INSTALL_RPATH ON
    LINK_DEPENDS ${map})
  target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-fno-gnu-unique>)
  target_link_options(${target} PRIVATE
    -Wl,--version-script=${map} -Wl,-z,defs -Wl,-z,nodelete)
  target_link_libraries(${target} PRIVATE odeum::odeum ${arg_LIBRARIES}
    $<TARGET_NAME_IF_EXISTS:odeum_warnings>)
  install(TARGETS ${target} LIBRARY DESTINATION ${folder} COMPONENT plugins)
  set_property(GLOBAL APPEND PROPERTY ODEUM_PLUGIN_TARGETS ${target})
endfunction()

# odeum_add_plugin_test(KIND <kind> NAME <name> COMMAND <train|solve|gradcheck> CONFIG <file>)
#
# Tests of ctest for a plugin that odeum_add_plugin() builds: the conformance suite of its kind, and a pipeline that uses
# it, run by the installed tool.
function(odeum_add_plugin_test)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "KIND;NAME;COMMAND;CONFIG" "")
  foreach(key KIND NAME COMMAND CONFIG)
    if(NOT arg_${key})
      message(FATAL_ERROR "odeum_add_plugin_test: ${key} is missing")
    endif()
  endforeach()
  if(NOT EXISTS "${odeum_TOOL}")
    message(FATAL_ERROR "odeum_add_plugin_test: there is no tool at '${odeum_TOOL}'")
  endif()
  get_filename_component(config "${arg_CONFIG}" ABSOLUTE)
  set(test ${arg_KIND}_${arg_NAME})
  set(folder ${CMAKE_CURRENT_BINARY_DIR}/${test}_run)
  set(command "${odeum_TOOL}" ${arg_COMMAND} "${config}" --plugin-path ${PROJECT_BINARY_DIR}/lib/odeum/plugins)
  add_test(NAME ${test}.verify COMMAND "${odeum_TOOL}" verify $<TARGET_FILE:${test}>)
  if(arg_COMMAND STREQUAL "train")
    list(APPEND command --out ${folder})
    add_test(NAME ${test}.clean COMMAND ${CMAKE_COMMAND} -E rm -rf ${folder})
    set_tests_properties(${test}.clean PROPERTIES FIXTURES_SETUP ${test}_folder)
  endif()
  add_test(NAME ${test}.${arg_COMMAND} COMMAND ${command})
  if(arg_COMMAND STREQUAL "train")
    set_tests_properties(${test}.train PROPERTIES FIXTURES_REQUIRED ${test}_folder)
  endif()
endfunction()
