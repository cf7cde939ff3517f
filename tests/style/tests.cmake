# The shape of the code, as tests: label style.
set(tidy ${Python3_EXECUTABLE} -B ${PROJECT_SOURCE_DIR}/tools/tidy.py)
add_test(NAME style/tidy COMMAND ${tidy} --root ${PROJECT_SOURCE_DIR})
add_test(NAME style/tidy_self_test COMMAND ${tidy} --self-test)
set(scenarios ${Python3_EXECUTABLE} -B ${PROJECT_SOURCE_DIR}/tools/scenarios.py)
add_test(NAME style/scenarios COMMAND ${scenarios} --root ${PROJECT_SOURCE_DIR})
add_test(NAME style/scenarios_self_test COMMAND ${scenarios} --self-test)
set(style_tests style/tidy style/tidy_self_test style/scenarios style/scenarios_self_test)

find_program(CLANG_FORMAT NAMES clang-format clang-format-14)
if(CLANG_FORMAT)
  add_test(NAME style/format COMMAND ${tidy} --root ${PROJECT_SOURCE_DIR} --format ${CLANG_FORMAT})
  list(APPEND style_tests style/format)
else()
  message(STATUS "clang-format is not installed: style/format is left out")
endif()

if(AUDITTRAIL_STATIC)
  add_test(NAME style/exports COMMAND ${Python3_EXECUTABLE} -B ${PROJECT_SOURCE_DIR}/tools/exports.py --nm ${CMAKE_NM}
    --header ${PROJECT_SOURCE_DIR}/include/audittrail.h $<TARGET_FILE:audittrail_shared> ${AUDITTRAIL_STATIC})

  add_executable(embed style/embed.c)
  add_dependencies(embed audittrail_static)
  target_include_directories(embed PRIVATE ${PROJECT_SOURCE_DIR}/include)
  target_link_libraries(embed PRIVATE audittrail_flags ${AUDITTRAIL_STATIC} PkgConfig::SQLITE PkgConfig::JANSSON
    PkgConfig::CRYPTO Threads::Threads)
  set_target_properties(embed PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests LINK_DEPENDS
    ${AUDITTRAIL_STATIC})
  add_test(NAME style/embed COMMAND embed)
  list(APPEND style_tests style/exports style/embed)
endif()
if(AUDITTRAIL_WITH_POSTGRESQL)
  add_test(NAME style/backend_exports COMMAND ${Python3_EXECUTABLE} -B ${PROJECT_SOURCE_DIR}/tools/exports.py
    --nm ${CMAKE_NM} --entry trail_store_backend --without sqlite3_ $<TARGET_FILE:audittrail_postgresql>)
  list(APPEND style_tests style/backend_exports)
endif()
set_tests_properties(${style_tests} PROPERTIES LABELS style TIMEOUT 120)
