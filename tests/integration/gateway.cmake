# The example gateway, its load client, scripts/run and the hello program, driven from outside.
find_package(Python3 REQUIRED COMPONENTS Interpreter)

# Preloaded into the gateway to move its clock.
add_library(clock_shim MODULE support/clock_shim.c)
target_link_libraries(clock_shim PRIVATE audittrail_flags ${CMAKE_DL_LIBS} Threads::Threads)
set_target_properties(clock_shim PROPERTIES PREFIX "")

foreach(name gateway run hello)
  add_test(NAME integration/${name} COMMAND Python3::Interpreter -m unittest -v test_${name}
    WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}/integration)
  set_tests_properties(integration/${name} PROPERTIES LABELS integration TIMEOUT 600
    ENVIRONMENT "AUDITTRAIL_BUILD_DIR=${CMAKE_BINARY_DIR};PYTHONDONTWRITEBYTECODE=1")
endforeach()
