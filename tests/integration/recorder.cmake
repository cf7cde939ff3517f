# Fault tests: the recorder (tests/support/recorder.c) is killed, forked, starved and cut off.
add_executable(recorder support/recorder.c)
target_link_libraries(recorder PRIVATE audittrail_flags audittrail_internal)
set_target_properties(recorder PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)

# Preloaded into the recorder. Never built with a sanitizer: a shim is called before the sanitizer's runtime is up.
add_library(fault_shim MODULE support/fault_shim.c)
add_library(recorder_clock_shim MODULE support/clock_shim.c)
foreach(shim fault_shim recorder_clock_shim)
  target_compile_definitions(${shim} PRIVATE _GNU_SOURCE)
  target_compile_options(${shim} PRIVATE -Wall -Wextra -Werror)
  target_link_libraries(${shim} PRIVATE ${CMAKE_DL_LIBS} Threads::Threads)
  set_target_properties(${shim} PROPERTIES PREFIX "")
endforeach()

function(recorder_test name)
  integration_test(${name})
  set_property(TEST integration/${name} APPEND PROPERTY ENVIRONMENT
    "AUDITTRAIL_RECORDER=$<TARGET_FILE:recorder>"
    "AUDITTRAIL_FAULT_SHIM=$<TARGET_FILE:fault_shim>"
    "AUDITTRAIL_CLOCK_SHIM=$<TARGET_FILE:recorder_clock_shim>")
endfunction()

if(TARGET audittrail)
  recorder_test(kill)
  recorder_test(faults_store)
  recorder_test(faults_spool)
  recorder_test(fork)
  recorder_test(power_cut)
  recorder_test(us3)
endif()
