# settings.cmake -- the committed pages about settings must be what the command prints.
#
#   cmake -DCOMMAND=build/bin/audittrail -DROOT=. [-DUPDATE=ON] -P tests/generated/settings.cmake
#
# With UPDATE the pages are written instead of compared; `make generated` does that.
function(page what path)
  execute_process(COMMAND ${COMMAND} config ${what} OUTPUT_VARIABLE printed RESULT_VARIABLE status)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "audittrail config ${what} exits with ${status}")
  endif()
  if(UPDATE)
    file(WRITE ${ROOT}/${path} "${printed}")
    return()
  endif()
  file(READ ${ROOT}/${path} committed)
  if(NOT printed STREQUAL committed)
    message(SEND_ERROR "${path} is not what `audittrail config ${what}` prints: run `make generated` and commit it")
  endif()
endfunction()

page(env .env.example)
page(docs docs/docs/reference/settings.md)
