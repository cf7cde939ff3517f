# man_page.cmake -- turns a page's scdoc source into a manual page.
#
#   cmake -DSCDOC=scdoc -DOUTPUT=x.1 -DSOURCE=x.scd -P man_page.cmake             a page written by hand
#   cmake -DSCDOC=scdoc -DOUTPUT=x.1 -DCOMMAND=bin/audittrail -DPAGE=record -P    a page that the command knows
#
# The page is written as a whole or not at all: a build that was interrupted leaves no half of one behind.
if(SOURCE)
  set(from COMMAND ${CMAKE_COMMAND} -E cat ${SOURCE})
else()
  set(from COMMAND ${COMMAND} help --scdoc ${PAGE})
endif()
execute_process(${from} COMMAND ${SCDOC} OUTPUT_FILE ${OUTPUT}.new RESULTS_VARIABLE results)
if(NOT results MATCHES "^0;0$")
  file(REMOVE ${OUTPUT}.new)
  message(FATAL_ERROR "${OUTPUT} cannot be made: exit codes ${results}")
endif()
file(RENAME ${OUTPUT}.new ${OUTPUT})
