# Fault tests: the recorder (tests/support/recorder.c) is killed, forked, starved and cut off.
add_executable(recorder support/recorder.c)
target_link_libraries(recorder PRIVATE audittrail_flags audittrail_internal)
set_target_properties(recorder PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)

function(recorder_test name)
  integration_test(${name})
  set_property(TEST integration/${name} APPEND PROPERTY ENVIRONMENT
    "AUDITTRAIL_RECORDER=$<TARGET_FILE:recorder>"
    "AUDITTRAIL_FAULT_SHIM=$<TARGET_FILE:fault_shim>"
    "AUDITTRAIL_CLOCK_SHIM=$<TARGET_FILE:clock_shim>")
endfunction()

if(TARGET audittrail)
  recorder_test(kill)
  recorder_test(faults_store)
  recorder_test(faults_spool)
  recorder_test(fork)
  recorder_test(power_cut)
  recorder_test(us3)
endif()
